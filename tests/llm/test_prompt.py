from itertools import chain

import pytest
from hub_llama2 import MERGES, VOCABULARY, save
from hypothesis import given
from hypothesis import strategies as st
from tiny_llms import CHATML, LLAMA2, NO_SYSTEM, byte_tokenizer, metaspace_tokenizer
from tokenizers import Tokenizer, models

from stages import params
from stages.errors import UserError
from stages.llm import weights
from stages.llm.prompt import answer_text, fill, layout, query_text
from stages.llm.settings import Example, Prompt, Shown

PROMPT = Prompt(
    task="score",
    scale=(1, 5),
    instruction="Rate from {lowest} to {highest}.",
    query="Frames:\n{window}\nCentral: {caption}",
    answer="score: {score}",
    summary=None,
    shown=Shown(source="written", count=2, seed=0),
    examples=(
        Example(captions=("A dog.", "A cat.", "A dog."), score=4),
        Example(captions=("Rain.", "Rain.", "Rain."), score=1),
    ),
)
WITHOUT_EXAMPLES = PROMPT.model_copy(update={"examples": ()})
TURNS = [
    ("user", "Frames:\nA dog.\nA cat.\nA dog.\nCentral: A cat."),
    ("assistant", "score: 4"),
    ("user", "Frames:\nRain.\nRain.\nRain.\nCentral: Rain."),
    ("assistant", "score: 1"),
]
QUERY = "Frames:\nSnow.\nSun.\nSnow.\nCentral: Sun."


def chat(tokenizer, system, turns):
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": role, "content": text} for role, text in turns]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def ids(around, text):
    return (*around.prefix, *around.query(text), *around.closing)


@pytest.mark.parametrize("prompt", [PROMPT, WITHOUT_EXAMPLES], ids=["examples", "none"])
def test_prefix_query_and_closing_are_the_chat_the_template_renders(prompt):
    tokenizer = byte_tokenizer(CHATML)
    around = layout(tokenizer, prompt)
    turns = [*(TURNS if prompt.examples else []), ("user", QUERY)]
    expected = chat(tokenizer, "Rate from 1 to 5.", turns)
    assert tokenizer.decode(ids(around, QUERY)) == expected
    assert tokenizer.decode(around.query(QUERY)) == QUERY


@pytest.mark.parametrize("prompt", [PROMPT, WITHOUT_EXAMPLES], ids=["examples", "none"])
def test_without_a_system_turn_the_instruction_heads_the_first_user_turn(prompt):
    tokenizer = byte_tokenizer(NO_SYSTEM)
    around = layout(tokenizer, prompt)
    turns = [*(TURNS if prompt.examples else []), ("user", QUERY)]
    first = ("user", f"Rate from 1 to 5.\n\n{turns[0][1]}")
    expected = chat(tokenizer, None, [first, *turns[1:]])
    assert tokenizer.decode(ids(around, QUERY)) == expected
    assert tokenizer.decode(around.query(QUERY)) == QUERY


def test_a_template_that_drops_the_system_turn_does_not_lose_the_instruction():
    dropping = (
        "{% for message in messages if message['role'] != 'system' %}"
        "<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}<|im_start|>"
    )
    tokenizer = byte_tokenizer(dropping)
    around = layout(tokenizer, PROMPT)
    assert tokenizer.decode(around.prefix).startswith("<|im_start|>Rate from 1 to 5.\n\nFrames:")


def sentencepiece(text):
    """Llama-2's own tokenizer, which knows no control tokens: a space before the text, spaces as
    pieces, and of what has no piece the bytes.
    """
    model = models.BPE(VOCABULARY, MERGES, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return Tokenizer(model).encode("▁" + text.replace(" ", "▁")).ids


def as_meta(system, turns):
    """A dialogue as `chat_completion` of meta-llama/llama writes it: each pair of turns is a text
    of its own between <s> and </s>, and the last is left open.
    """
    said = [text.strip() for _, text in turns]
    said[0] = f"<<SYS>>\n{system}\n<</SYS>>\n\n{said[0]}"
    pairs = zip(said[:-1:2], said[1::2], strict=True)
    closed = [(1, *sentencepiece(f"[INST] {x} [/INST] {y} "), 2) for x, y in pairs]
    return (*chain(*closed), 1, *sentencepiece(f"[INST] {said[-1]} [/INST]"))


@pytest.fixture(scope="module")
def llama2(tmp_path_factory):
    return weights.tokenizer(str(save(tmp_path_factory.mktemp("hub"))))


@pytest.mark.parametrize("prompt", [PROMPT, WITHOUT_EXAMPLES], ids=["examples", "none"])
@pytest.mark.parametrize(
    "query", [QUERY, "Naïve „dogs“ 犬 🐕?", "The  dog [x]", "[INST] is < text", "[", "S"]
)
def test_llama2_prompts_have_the_ids_of_metas_format(llama2, prompt, query):
    around = layout(llama2, prompt)
    turns = [*(TURNS if prompt.examples else []), ("user", query)]
    expected = as_meta("Rate from 1 to 5.", turns)
    assert ids(around, query) == expected
    opening = tuple(llama2.convert_tokens_to_ids(["<s>", "▁[", "INST", "]"]))
    starts = [place for place, token in enumerate(expected) if token == llama2.bos_token_id]
    assert len(starts) == 1 + len(prompt.examples)
    assert {expected[start : start + 4] for start in starts} == {opening}
    span = expected[len(around.prefix) : -len(around.closing)]
    assert span == around.query(query)
    if prompt.examples:  # else it stands in the instruction's turn, behind the end of a line
        assert span == tuple(sentencepiece(query))
    answered = as_meta("Rate from 1 to 5.", [*turns, ("assistant", "score: 4"), ("user", "")])
    assert answered[len(expected) :][: len(around.draft)] == around.draft != ()


def test_the_recipe_of_llama2_has_the_ids_of_metas_format(llama2):
    prompt = params.recipe("tvsum").embed.prompt
    around = layout(llama2, prompt)
    turns = []
    for example in prompt.examples:
        window = example.captions
        turns.append(("user", query_text(prompt, window, window[len(window) // 2])))
        turns.append(("assistant", answer_text(prompt, example.score)))
    query = query_text(prompt, ["A man walks.", "A man runs."], "A man runs.")
    system = fill(prompt.instruction, lowest=0, highest=10)
    assert ids(around, query) == as_meta(system, [*turns, ("user", query)])


def test_prompts_that_begin_words_by_spaces_are_tokenized_as_if_whole_and_begin_once():
    tokenizer = metaspace_tokenizer(LLAMA2)
    around = layout(tokenizer, PROMPT)
    whole = chat(tokenizer, "Rate from 1 to 5.", [*TURNS, ("user", QUERY)])
    assert ids(around, QUERY) == tuple(tokenizer(whole, add_special_tokens=False)["input_ids"])
    assert around.prefix[0] == tokenizer.bos_token_id != around.prefix[1]


def test_the_draft_is_what_all_answers_have_in_common():
    around = layout(byte_tokenizer(corpus=("score: 4 score: 1",) * 5), PROMPT)
    tokenizer = around.tokenizer
    for score in range(1, 6):
        answer = tokenizer(answer_text(PROMPT, score), add_special_tokens=False)["input_ids"]
        assert tuple(answer[: len(around.draft)]) == around.draft
    assert tokenizer.decode(around.draft).startswith("score")


def test_scores_are_written_without_needless_digits():
    assert answer_text(PROMPT, 4.0) == "score: 4"
    assert answer_text(PROMPT, 2.5) == "score: 2.5"


@given(st.lists(st.text(), min_size=1, max_size=4), st.text())
def test_a_caption_is_never_read_as_a_template(window, caption):
    text = query_text(PROMPT, window, caption)
    lines = "\n".join(window)
    assert text == f"Frames:\n{lines}\nCentral: {caption}".strip()


@given(st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "<|im_", "end|>", "s", "\n"])))
def test_a_query_ends_no_turn_whatever_its_captions_say(parts):
    tokenizer = byte_tokenizer()
    around = layout(tokenizer, PROMPT)
    forged = f"A man{''.join(parts)}."
    query = query_text(PROMPT, [forged, "A dog.", "end|>", forged], forged)
    assert not {*tokenizer.all_special_ids} & {*around.query(query)}
    assert tokenizer.decode(around.query(query)) == query


def test_the_words_of_an_answer_are_text():
    prompt = PROMPT.model_copy(update={"answer": "<|im_end|> {score}"})
    around = layout(byte_tokenizer(), prompt)
    assert around.tokenizer.decode(around.draft) == "<|im_end|> "
    assert not {*around.tokenizer.all_special_ids} & {*around.draft}
    plain = layout(byte_tokenizer(), PROMPT)
    special = [[x for x in each.prefix if x < 4] for each in (around, plain)]
    assert special[0] == special[1]


def test_braces_that_name_nothing_stay():
    assert fill("{a} {b} {{c}}", a="{b}", c=1) == "{b} {b} {1}"


@pytest.mark.parametrize("template", [None, "{{ messages[0]['role'] }} no words shown"])
def test_a_tokenizer_that_cannot_chat_is_refused(template):
    with pytest.raises(UserError, match="chat template"):
        layout(byte_tokenizer(template), PROMPT)


def test_the_recipes_prompts_are_usable():
    asked = [recipe.embed for recipe in params.load().datasets.values() if recipe.embed is not None]
    assert asked
    for embed in asked:
        around = layout(byte_tokenizer(), embed.prompt)
        assert "{" not in around.tokenizer.decode(around.prefix)
