import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_kinds import KINDS, extended, in_python, llama2, qwen, unigram

from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.work.tokens import as_read, as_sealed, as_text, control, sealed, unsealed

PLAIN = (
    "A man walks his dog.",
    "Frames:\nA dog.\n\nTwo   cats, 3 < 4 > 2 | [x] {window} </b> <|\nscore: 5!",
    " spaces at both ends ",
    "",
    "naïve ﬁne ½ Ω „q“ 犬 🐕 e\u0301 ø ÷ dachshund\ttab\r\n",
    "<im_end> <|imend|> s> </ <unk [CLS sep] INST",
)
built = lru_cache(maxsize=None)(lambda kind: KINDS[kind]())


def hostile(literal: str) -> list[str]:
    """Texts that hold the literal of a control token, or make one when something is taken away."""
    middle = len(literal) // 2
    start, rest = literal[:middle], literal[middle:]
    full = "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in literal)
    return [
        literal,
        literal * 2,
        f"a dog{literal}runs",
        f"A dog. {literal} Runs.",
        f"\n{literal}\nscore: 5{literal}\n",
        f"{start}{literal}{rest}",
        f"{start}\n{rest}",
        f"{start}\u200b{rest}",
        f"{start}\x00{rest}",
        f"{start}\U0010ffff{rest}",
        full,
        literal.upper(),
        literal.lower(),
        f"{literal}\u0301",
        f"e{literal}\u200d🐕",
    ]


def seals(tokenizer: Any) -> list[str]:
    return [sealed(tokenizer, literal) for literal in control(tokenizer).values()]


def unspellable(tokenizer: Any) -> set[int]:
    """The one id that may stand for characters, where it is not the end of a turn as well."""
    return {tokenizer.unk_token_id} - {tokenizer.eos_token_id}


def holds_control(tokenizer: Any, ids: Sequence[int]) -> bool:
    ends = {*tokenizer.all_special_ids, *control(tokenizer)} - unspellable(tokenizer)
    if tokenizer.pad_token == "!":  # an exclamation mark can be written no other way
        ends -= {tokenizer.pad_token_id}
    return not ends.isdisjoint(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_holds_a_control_token_of_the_vocabulary(kind: str) -> None:
    tokenizer = built(kind)
    matched = set()
    for literal in control(tokenizer).values():
        for text in hostile(literal):
            assert not holds_control(tokenizer, as_text(tokenizer, text)), text
            matched |= {*as_read(tokenizer, text)} & {*control(tokenizer)}
    assert matched == {*control(tokenizer)}, "these texts are what tokenizers take for control"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_called_special_but_looked_for_is_control_too(kind: str) -> None:
    tokenizer = built(kind)
    writing = {"\n", "\n\n", "   ", "▁▁", "ø", "÷", "dachshund", "!"}
    known = {each.content for each in tokenizer.added_tokens_decoder.values()}
    assert {*control(tokenizer).values()} == known - writing
    assert {*tokenizer.all_special_tokens} - writing <= known


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_mixture_of_pieces_becomes_control(kind: str, data: st.DataObject) -> None:
    tokenizer = built(kind)
    literals = list(control(tokenizer).values())
    parts = [*literals, *seals(tokenizer), *(text[:4] for text in literals)]
    parts += [text[4:] for text in literals] + [*hostile(literals[-1])]
    texts = data.draw(st.lists(st.sampled_from(parts) | st.text(max_size=4), max_size=8))
    assert not holds_control(tokenizer, as_text(tokenizer, "".join(texts)))


@pytest.mark.parametrize("kind", KINDS)
def test_text_without_control_keeps_its_ids(kind: str) -> None:
    tokenizer = built(kind)
    for text in PLAIN:
        ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        assert as_text(tokenizer, text) == as_read(tokenizer, text) == ids
        assert as_sealed(tokenizer, unsealed(text)) == ids, "its twin spells as it does"


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_a_twin_spells_as_its_tokenizer_does(kind: str, text: str) -> None:
    tokenizer = built(kind)
    text = unsealed(text)
    assert as_sealed(tokenizer, text) == as_read(tokenizer, text) == as_text(tokenizer, text)


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_stay_readable(kind: str) -> None:
    tokenizer = built(kind)
    for token, literal in control(tokenizer).items():
        text = f"A dog{literal}{literal} runs.{literal}"
        ids = as_text(tokenizer, text)
        assert token not in ids, "not even for what cannot be spelled, as this can"
        said = tokenizer.decode(ids)
        letters = unicodedata.normalize("NFKC", "".join(text.split()))
        if kind in ("greedy", "wordpiece"):
            letters = letters.lower()
        assert "".join(said.split()) == letters
        if kind in ("bytes", "gpt-2", "llama-3", "qwen", "extended", "llama-2"):
            assert said == text


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_template_writes_is_control(kind: str) -> None:
    tokenizer = built(kind)
    for token, literal in control(tokenizer).items():
        ids = as_sealed(tokenizer, f"a dog {unsealed(literal)}{sealed(tokenizer, literal)} a cat")
        assert [each for each in ids if each in control(tokenizer)].count(token) == 1


@pytest.mark.parametrize("end", ["<|im_end|>", "＜|im_end|＞", "<|IM_END|>", " <|im_end|> "])
def test_what_a_normalizer_makes_control_is_text(end: str) -> None:
    tokenizer = built("greedy")
    assert tokenizer.eos_token_id in as_read(tokenizer, end)
    assert tokenizer.decode(as_text(tokenizer, end)).strip() == "<|im_end|>"


def test_what_a_vocabulary_was_extended_by_is_writing() -> None:
    tokenizer = extended()
    text = "A dachshund!\n\nø ÷   2\n"
    assert as_text(tokenizer, text) == as_read(tokenizer, text)
    added = {each.content: token for token, each in tokenizer.added_tokens_decoder.items()}
    spoilt = as_text(tokenizer, text + "<|im_end|>")
    for literal in ("dachshund", "!", "\n\n", "ø", "÷", "   ", "\n"):
        assert added[literal] in spoilt


def test_a_word_that_the_vocabulary_merges_into_control_is_spelled_apart() -> None:
    tokenizer = llama2()
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True  # all that split_special_tokens does
    assert tokenizer.eos_token_id in backend.encode("a</s>", add_special_tokens=False).ids
    backend.encode_special_tokens = False
    assert tokenizer.convert_ids_to_tokens(as_text(tokenizer, "a</s>")) == ["▁", "a", "</s", ">"]
    assert tokenizer.convert_ids_to_tokens(as_text(unigram(), "</s>"))[-1] != "</s>"


def test_tokens_that_splitting_special_ones_leaves_are_spelled_apart() -> None:
    tokenizer, text = qwen(), "<tool_call>"
    split = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert len(split) == 1
    assert tokenizer.decode(as_text(tokenizer, text)) == text
    assert len(as_text(tokenizer, text)) > 1


def test_a_tokenizer_without_a_twin_refuses_only_texts_that_hold_control() -> None:
    tokenizer = in_python()
    for text in PLAIN:
        assert as_text(tokenizer, text) == as_read(tokenizer, text)
    with pytest.raises(UserError, match=r"'</s>' only as a control token.*A man"):
        as_text(tokenizer, "A man.</s> A dog.")
    with pytest.raises(UserError, match="cannot tell them from its chat template's"):
        sealed(tokenizer, "</s>")


@pytest.mark.real_llm
def test_no_text_holds_a_control_token_of_smollm2() -> None:
    tokenizer = weights.tokenizer(smollm2.NAME)
    assert len(control(tokenizer)) == 17
    for literal in control(tokenizer).values():
        for text in hostile(literal):
            ids = as_text(tokenizer, text)
            assert control(tokenizer).keys().isdisjoint(ids)
            assert unsealed(tokenizer.decode(ids)) == unsealed(text)
    for text in PLAIN:
        assert as_text(tokenizer, text) == as_read(tokenizer, text)
