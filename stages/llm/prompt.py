"""Prompts as token ids, built from parts whose ids are known.

A prompt is three runs of ids laid end to end: a prefix that all prompts of a run share
(instruction, examples, the opening of the last user turn), the query's own words, and a closing
(the end of that turn and the opening of the model's). Each is tokenized apart and the prompt is
*defined* as the concatenation, so where the query's tokens lie is known, never searched for.

Whatever instruction, captions, examples and answers say is text: only the chat template writes
control tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from stages.llm import chat
from stages.llm.settings import Embed, Example, Prompt, Summary
from stages.llm.window import windows
from stages.work.tokens import as_text


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


def query_texts(embed: Embed, captions: Sequence[str]) -> list[str]:
    """The query for each of a video's captions, shown in its window."""
    shown = zip(windows(captions, embed.window, embed.edges), captions, strict=True)
    return [query_text(embed.prompt, window, caption) for window, caption in shown]


@dataclass(frozen=True)
class Layout:
    """What surrounds every query of a run, as token ids.

    `draft` is how every answer in the shown form begins: the ids that all scores of the scale (or
    all summaries) have in common, before the first that tells them apart. `lead` is what a query
    is tokenized behind, where it is not tokenized as a text of its own.
    """

    tokenizer: Any
    prefix: tuple[int, ...]
    closing: tuple[int, ...]
    draft: tuple[int, ...]
    lead: str = ""

    def query(self, text: str) -> tuple[int, ...]:
        """The ids of a query."""
        return chat.after(partial(as_text, self.tokenizer), self.lead, text)


def layout(tokenizer: Any, prompt: Prompt) -> Layout:
    """Render the chat template around a query and tokenize what surrounds it.

    Templates without a system turn get the instruction at the head of the first user turn. The
    template writes the beginning-of-sequence token where the model wants one, so none is added.

    Raises:
        UserError: the tokenizer has no chat template, or one that hides what is said, or cannot
            tell it from control tokens.
    """
    lowest, highest = prompt.scale
    instruction = fill(_asked(prompt).instruction, lowest=lowest, highest=highest).strip()
    turns = []
    for example in prompt.examples:
        centre = example.captions[len(example.captions) // 2]
        turns.append(query_text(prompt, example.captions, centre))
        turns.append(answer_text(prompt, _shown(prompt, example)))
    prefix, closing, lead = chat.around(tokenizer, instruction, turns)
    answers = [as_text(tokenizer, answer_text(prompt, answer)) for answer in _possible(prompt)]
    return Layout(tokenizer, prefix, closing, _common_start(answers), lead)


def _common_start(answers: list[tuple[int, ...]]) -> tuple[int, ...]:
    start = []
    for column in zip(*answers, strict=False):
        if len(set(column)) > 1:
            break
        start.append(column[0])
    return tuple(start)
