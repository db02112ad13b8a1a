"""A chat template's rendering around a query, as token ids.

What is said in the chat (instruction, examples) is text, whatever it says: only the template's own
control tokens count.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from stages.errors import UserError
from stages.work.pretrained import first_line
from stages.work.rendering import on_one_day
from stages.work.tokens import as_read, as_sealed, as_text, control, sealed, unsealed

Ids = tuple[int, ...]


class Surroundings(NamedTuple):
    """Ids before and after a query, and the text that it is tokenized behind; see `after`."""

    prefix: Ids
    closing: Ids
    lead: str


def after(ids: Callable[[str], Ids], lead: str, text: str) -> Ids:
    """The ids of a text behind another, without the other's: as it stands inside a text.

    Of the text alone, where the two have an id in common.
    """
    head, whole = ids(lead) if lead else (), ids(lead + text)
    return whole[len(head) :] if whole[: len(head)] == head else ids(text)


def around(tokenizer: Any, instruction: str, turns: Sequence[str]) -> Surroundings:
    """What surrounds a query in the chat's last turn.

    The chat is tokenized as the template renders it, where that keeps every word and reads none as
    control. Else each text is put, as it is, where the template shows a mark that stands for it.

    Args:
        turns: what was said before the query, user and model in turn.

    Raises:
        UserError: there is no chat template, or it hides what is said, or the tokenizer cannot
            tell what is said from control tokens.
    """
    said = [instruction, *turns]
    *marks, query = _marks(tokenizer, said)
    texts = {mark: text for mark, text in zip(marks, said, strict=True) if text}
    first, *others = (mark if mark in texts else "" for mark in marks)
    shown = _render(tokenizer, first, [*others, query])
    pieces = re.split(f"({'|'.join([*texts, query])})", shown)
    if pieces.count(query) != 1 or not shown.partition(query)[2] or not texts.keys() <= {*pieces}:
        raise UserError(
            f"{tokenizer.name_or_path}: its chat template does not show every turn's words, the "
            "last user's once, and then open the model's turn; name another instruct model"
        )
    rendered = _render(tokenizer, instruction, [*turns, query])
    filled = "".join(texts.get(piece, piece) for piece in pieces)
    if filled.split() == rendered.split() and _is_plain(tokenizer, texts, pieces, rendered):
        before, _, following = rendered.partition(query)
        return _junctions(partial(as_read, tokenizer), before, following)
    safe = [
        unsealed(texts[piece]) if piece in texts else sealed(tokenizer, piece) for piece in pieces
    ]
    place = pieces.index(query)
    before, following = "".join(safe[:place]), "".join(safe[place + 1 :])
    return _junctions(partial(as_sealed, tokenizer), before, following)


def _marks(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """A word for each text, and one for the query, that stands in none of them."""
    stem = "LLMVS0TEXT"
    while any(stem in text for text in [*texts, str(tokenizer.chat_template)]):
        stem += "0"
    return [f"{stem}X{number}HERE" for number in range(len(texts) + 1)]


def _is_plain(
    tokenizer: Any, texts: Mapping[str, str], pieces: Sequence[str], rendered: str
) -> bool:
    """Whether all control tokens of a chat are its template's own."""
    if any(as_text(tokenizer, text) != as_read(tokenizer, text) for text in texts.values()):
        return False
    literals = control(tokenizer).keys() - {tokenizer.unk_token_id}

    def written(text: str) -> list[int]:
        return [token for token in as_read(tokenizer, text) if token in literals]

    own = [token for piece in pieces if piece not in texts for token in written(piece)]
    return written(rendered) == own


def _render(tokenizer: Any, instruction: str, turns: Sequence[str]) -> str:
    """The chat as its template writes it; user's and model's turns alternate.

    Raises UserError where there is no template, or it cannot be used.
    """
    from jinja2 import TemplateError

    if not getattr(tokenizer, "chat_template", None):
        raise UserError(
            f"{tokenizer.name_or_path}: has no chat template, so it was not tuned to follow an "
            "instruction; name an instruct or chat model"
        )

    def render(system: Sequence[str], words: Sequence[str]) -> str:
        messages = [{"role": "system", "content": text} for text in system]
        for number, text in enumerate(words):
            messages.append({"role": ("user", "assistant")[number % 2], "content": text})
        # A model that thinks aloud unless it is told not to would answer with its thoughts.
        with on_one_day():
            rendered: str = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        return rendered

    try:
        rendered = render([instruction], turns)
        if instruction in rendered:
            return rendered
    except TemplateError:  # as of templates that know no system turn
        pass
    except (TypeError, ValueError) as error:
        raise _unusable(tokenizer, error) from error
    try:
        return render([], [f"{instruction}\n\n{turns[0]}", *turns[1:]])
    except (TemplateError, TypeError, ValueError) as error:
        raise _unusable(tokenizer, error) from error


def _unusable(tokenizer: Any, error: Exception) -> UserError:
    return UserError(
        f"{tokenizer.name_or_path}: its chat template cannot be used ({first_line(error)}); name "
        "another instruct or chat model"
    )


def _junctions(ids: Callable[[str], Ids], before: str, following: str) -> Surroundings:
    """Ids around a query, cut so that, where possible, no token differs from the whole text's.

    SentencePiece writes a space before every text it is given; where the template's own space
    meets the query, that one would be a second, and where the template ends a line before it,
    there must be none.
    """
    probe = "Frames:\nA dog."
    whole = ids(before + probe + following)
    plain = ids(before), ids(following)
    trimmed = ids(before.rstrip(" ")), ids(following.lstrip(" "))
    for lead in ("", "\n") if before.endswith("\n") else ("",):
        query = after(ids, lead, probe)
        for prefix in (plain[0], trimmed[0]):
            for closing in (plain[1], trimmed[1]):
                if (*prefix, *query, *closing) == whole:
                    return Surroundings(prefix, closing, lead)
    return Surroundings(*plain, "")
