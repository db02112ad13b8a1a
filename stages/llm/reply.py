"""The number in the LLM's answer: its own, zero-shot score of a frame."""

import re
from collections.abc import Callable

_NUMBER = r"(-?\d+(?:\.\d+)?)"


def parser(answer: str, scale: tuple[int, int]) -> Callable[[str], float | None]:
    """A function from a reply to its score, None where there is none on the scale.

    What stands before ``{score}`` in the answer's template must stand before the number in the
    reply; spacing, case and markdown emphasis are forgiven. The first number so found counts.

    Args:
        answer: template of an answer, such as ``score: {score}``.
        scale: lowest and highest score.
    """
    words = re.findall(r"\w+|[^\w\s]", answer.partition("{score}")[0])
    lead = r"\s*".join(re.escape(word) for word in words)
    pattern = re.compile(rf"{lead}[\s*_]*{_NUMBER}", re.IGNORECASE)
    lowest, highest = scale

    def parse(reply: str) -> float | None:
        found = pattern.search(reply)
        if found is None:
            return None
        score = float(found[1])
        return score if lowest <= score <= highest else None

    return parse
