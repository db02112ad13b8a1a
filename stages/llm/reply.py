"""The number in the LLM's answer: its own, zero-shot score of a frame."""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_NUMBER = r"(-?\d+(?:\.\d+)?)"


def _pattern(answer: str) -> re.Pattern[str]:
    """The number that stands where ``{score}`` does in the answer's template.

    What stands before it there must stand before it in the reply; spacing, case and markdown
    emphasis are forgiven.
    """
    words = re.findall(r"\w+|[^\w\s]", answer.partition("{score}")[0])
    lead = r"\s*".join(re.escape(word) for word in words)
    return re.compile(rf"{lead}[\s*_]*{_NUMBER}", re.IGNORECASE)


def parser(answer: str, scale: tuple[int, int]) -> Callable[[str], float | None]:
    """A function from a reply to its score, None where there is none on the scale.

    The first number that `answer` leads to counts.

    Args:
        answer: template of an answer, such as ``score: {score}``.
        scale: lowest and highest score.
    """
    pattern = _pattern(answer)
    lowest, highest = scale

    def parse(reply: str) -> float | None:
        found = pattern.search(reply)
        if found is None:
            return None
        score = float(found[1])
        return score if lowest <= score <= highest else None

    return parse


def share(score: npt.ArrayLike, scale: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Scores as shares of the highest, 0 to 1.

    In proportion to the numbers that were said, so that a knapsack fills as it would by these: 0 is
    worth nothing to it, and the lowest of 1 to 5 is not 0.
    """
    return np.asarray(score, dtype=np.float64) / scale[1]


def completion(answer: str) -> Callable[[str, str], bool]:
    """Whether a reply's score is complete, given the reply and the same with its next token.

    It is when there is a number and the next token does not go on with it. A point may: after
    "score: 7" and "." the number is open until what follows the point is known.
    """
    pattern = _pattern(answer)

    def complete(reply: str, further: str) -> bool:
        found, after = pattern.search(reply), pattern.search(further)
        if found is None or after is None or found[1] != after[1]:
            return False
        rest = further[after.end() :]
        return rest != "." and rest != ""

    return complete
