"""Text as a tokenizer's ids, whatever the text says.

A tokenizer looks for its control tokens (a turn's ends, an image's place, <tool_call>) in every
text before its model sees it, and finds them in a caption as well as in a chat template. Here only
a template's control tokens count. A *twin* of the tokenizer knows each control token by a seal in
place of its literal, in its list of added tokens and in its model's vocabulary: the literal is then
spelled by other pieces, and the seal, which holds a noncharacter of Unicode, is in no text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stages.errors import UserError

_NONCHARACTER = "\U0010ffff"
_REPLACEMENT = "\ufffd"


def as_read(tokenizer: Any, text: str) -> tuple[int, ...]:
    """The ids of a text whose control tokens count, such as a chat template's."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def as_text(tokenizer: Any, text: str) -> tuple[int, ...]:
    """The ids of a text in which nothing is control: none of them is in `control`.

    The exception is the id for what the tokenizer's model cannot spell. Without the literal of a
    control token these are the ids of `as_read`.

    Raises:
        UserError: the text holds the literal of a control token, and the tokenizer cannot spell it.
    """
    read = as_read(tokenizer, text)
    literals = control(tokenizer)
    if literals.keys().isdisjoint(read):
        return read
    twin = _twin(tokenizer)
    spelled = read if twin is None else twin.ids(unsealed(text))
    unknown = tokenizer.unk_token_id if twin is None else twin.unknown
    harmless = {unknown} - {tokenizer.eos_token_id}
    for token in spelled:
        if token in literals and token not in harmless:
            raise UserError(
                f"{tokenizer.name_or_path}: its tokenizer can read {literals[token]!r} only as a "
                f"control token, and it stands in the text {text!r}; reword it, or name a model "
                "with another tokenizer"
            )
    return spelled


@lru_cache(maxsize=2)
def control(tokenizer: Any) -> Mapping[int, str]:
    """Id and literal of each token that is looked for in texts and is no writing.

    Not of what a vocabulary was merely extended by: runs of spaces, words, single characters.
    """
    special = set(tokenizer.all_special_ids)
    added = {int(token): each.content for token, each in tokenizer.added_tokens_decoder.items()}
    found = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True)) | added
    return {
        token: literal
        for token, literal in found.items()
        if len(literal) > 1 and (token in special or not _is_writing(literal))
    }


def _is_writing(literal: str) -> bool:
    return all(each.isalnum() or each.isspace() or each == "▁" for each in literal)


def sealed(tokenizer: Any, template: str) -> str:
    """Words of a chat template, with each control token they write under its seal.

    Raises UserError where the tokenizer has no twin.
    """
    twin = _twin(tokenizer)
    if twin is None:
        raise UserError(
            f"{tokenizer.name_or_path}: the captions or examples hold what its tokenizer reads as "
            "control tokens, and it cannot tell them from its chat template's; reword them, or "
            "name a model whose tokenizer is a tokenizer.json"
        )
    return twin.literals.sub(lambda found: twin.seals[found[0]], template)


def unsealed(text: str) -> str:
    """A text in which there is no seal, nor what could become one."""
    return text.replace(_NONCHARACTER, _REPLACEMENT)


def as_sealed(tokenizer: Any, text: str) -> tuple[int, ...]:
    """The ids of a text that is made of what `sealed` and `unsealed` return."""
    twin = _twin(tokenizer)
    assert twin is not None  # `sealed` saw to it
    return twin.ids(text)


@dataclass(frozen=True)
class _Twin:
    """A tokenizer that knows control tokens by their seals alone; the ids are the same.

    unknown: the id of what its model cannot spell.
    """

    backend: Any
    seals: Mapping[str, str]
    literals: re.Pattern[str]
    unknown: int | None

    def ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.backend.encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=2)
def _twin(tokenizer: Any) -> _Twin | None:
    """None where there can be none: for tokenizers written in Python, wholly or in part."""
    from tokenizers import Tokenizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        return None
    try:
        document = json.loads(backend.to_str())
    except Exception:  # the library's own class for parts that are written in Python
        return None
    seals = {
        literal: f"{_NONCHARACTER}{token}{_NONCHARACTER}"
        for token, literal in control(tokenizer).items()
    }
    for added in document["added_tokens"]:
        if added["content"] in seals:
            # A normalizer may drop the noncharacter, and leave a seal that a text could hold.
            added |= {"content": seals[added["content"]], "normalized": False, "single_word": False}
    document |= {"truncation": None, "padding": None, "post_processor": None}
    _seal(document["model"], seals)
    twin = Tokenizer.from_str(json.dumps(document))
    if any(twin.token_to_id(seals[text]) != token for token, text in control(tokenizer).items()):
        return None
    longest_first = "|".join(map(re.escape, sorted(seals, key=len, reverse=True)))
    model = document["model"]
    unknown = (
        twin.token_to_id(model["unk_token"]) if model.get("unk_token") else model.get("unk_id")
    )
    return _Twin(twin, seals, re.compile(longest_first or r"(?!)"), unknown)


def _seal(model: dict[str, Any], seals: Mapping[str, str]) -> None:
    """Rename the pieces of a model's vocabulary that spell a control token."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: pieces and their scores
        model["vocab"] = [[seals.get(piece, piece), score] for piece, score in vocabulary]
        return
    model["vocab"] = {seals.get(piece, piece): token for piece, token in vocabulary.items()}
    if model.get("unk_token") in seals:
        model["unk_token"] = seals[model["unk_token"]]
    if "merges" in model:
        prefix = len(model["continuing_subword_prefix"] or "")
        model["merges"] = [
            [left, right]
            for left, right in model["merges"]
            if seals.keys().isdisjoint((left, right, left + right[prefix:]))
        ]
