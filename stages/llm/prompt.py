"""Prompts as token ids, built from parts whose ids are known.

A prompt is three runs of ids laid end to end: a prefix that all prompts of a run share
(instruction, examples, the opening of the last user turn), the query's own words, and a closing
(the end of that turn and the opening of the model's). Each is tokenized apart and the prompt is
*defined* as the concatenation, so where the query's tokens lie is known, never searched for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stages.errors import UserError
from stages.llm.settings import Example, Prompt, Summary

_MARK = "LLMVS0QUERY0HERE"
"""Stands for the query while the chat template is rendered around it."""


def fill(template: str, **values: object) -> str:
    """Put values in place of ``{name}`` in one go: braces inside a value stay as they are."""
    names = "|".join(map(re.escape, values))
    return re.sub(rf"\{{({names})\}}", lambda found: str(values[found[1]]), template)


def _asked(prompt: Prompt) -> Prompt | Summary:
    """Where the words of the prompt's task stand."""
    if prompt.task == "score":
        return prompt
    assert prompt.summary is not None  # the schema's to see to
    return prompt.summary


def query_text(prompt: Prompt, window: Sequence[str], caption: str) -> str:
    """The user's words about one frame: the captions of its window, and its own."""
    return fill(_asked(prompt).query, window="\n".join(window), caption=caption).strip()


def answer_text(prompt: Prompt, answer: float | str) -> str:
    """The model's words as an example shows them: of a score, or of a summary."""
    if isinstance(answer, str):
        assert prompt.summary is not None
        return fill(prompt.summary.answer, summary=answer).strip()
    return fill(prompt.answer, score=f"{answer:g}").strip()


def _shown(prompt: Prompt, example: Example) -> float | str:
    if prompt.task == "score":
        return example.score
    assert example.summary is not None  # the schema's to see to
    return example.summary


def _possible(prompt: Prompt) -> list[float | str]:
    """Answers that together show where answers begin to differ."""
    lowest, highest = prompt.scale
    return ["A", "The", "Someone"] if prompt.task == "summary" else [*range(lowest, highest + 1)]


@dataclass(frozen=True)
class Layout:
    """What surrounds every query of a run, as token ids.

    `draft` is how every answer in the shown form begins: the ids that all scores of the scale (or
    all summaries) have in common, before the first that tells them apart.
    """

    tokenizer: Any
    prefix: tuple[int, ...]
    closing: tuple[int, ...]
    draft: tuple[int, ...]

    def query(self, text: str) -> tuple[int, ...]:
        """The ids of a query."""
        return _ids(self.tokenizer, text)


def layout(tokenizer: Any, prompt: Prompt) -> Layout:
    """Render the chat template around a query and tokenize what surrounds it.

    Templates without a system turn get the instruction at the head of the first user turn. The
    template writes the beginning-of-sequence token where the model wants one, so none is added.

    Raises:
        UserError: the tokenizer has no chat template, or one that hides the query.
    """
    lowest, highest = prompt.scale
    instruction = fill(_asked(prompt).instruction, lowest=lowest, highest=highest).strip()
    turns = []
    for example in prompt.examples:
        centre = example.captions[len(example.captions) // 2]
        turns.append(query_text(prompt, example.captions, centre))
        turns.append(answer_text(prompt, _shown(prompt, example)))
    turns.append(_MARK)
    rendered = _render(tokenizer, instruction, turns)
    before, mark, after = rendered.partition(_MARK)
    if not mark or _MARK in after or not after:
        raise UserError(
            f"{tokenizer.name_or_path}: its chat template does not show the user's words once "
            "and then open the model's turn; name another instruct model"
        )
    answers = [_ids(tokenizer, answer_text(prompt, answer)) for answer in _possible(prompt)]
    prefix, closing = _junctions(tokenizer, before, after)
    return Layout(tokenizer, prefix, closing, _common_start(answers))


def _ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _render(tokenizer: Any, instruction: str, turns: list[str]) -> str:
    from jinja2 import TemplateError

    if not getattr(tokenizer, "chat_template", None):
        raise UserError(
            f"{tokenizer.name_or_path}: has no chat template, so it was not tuned to follow an "
            "instruction; name an instruct or chat model"
        )

    def render(system: list[str], words: list[str]) -> str:
        messages = [{"role": "system", "content": text} for text in system]
        for number, text in enumerate(words):
            messages.append({"role": ("user", "assistant")[number % 2], "content": text})
        rendered: str = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return rendered

    try:
        rendered = render([instruction], turns)
        if instruction in rendered:
            return rendered
    except TemplateError:
        pass
    return render([], [f"{instruction}\n\n{turns[0]}", *turns[1:]])


def _junctions(tokenizer: Any, before: str, after: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids around a query, cut so that, where possible, no token differs from the whole text's.

    SentencePiece writes a space before every text it is given; where the template's own space
    meets the query, that one would be a second.
    """
    probe = "Frames:\nA dog."
    whole = _ids(tokenizer, before + probe + after)
    plain = _ids(tokenizer, before), _ids(tokenizer, after)
    trimmed = _ids(tokenizer, before.rstrip(" ")), _ids(tokenizer, after.lstrip(" "))
    for prefix in (plain[0], trimmed[0]):
        for closing in (plain[1], trimmed[1]):
            if (*prefix, *_ids(tokenizer, probe), *closing) == whole:
                return prefix, closing
    return plain


def _common_start(answers: list[tuple[int, ...]]) -> tuple[int, ...]:
    start = []
    for column in zip(*answers, strict=False):
        if len(set(column)) > 1:
            break
        start.append(column[0])
    return tuple(start)
