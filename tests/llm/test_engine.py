"""The engine against plain generation of one whole prompt at a time."""

import gc

import pytest
import torch
from tiny_llms import CONFIGS, causal_lm
from transformers import GPT2Config, GPTNeoXConfig

from stages import params
from stages.errors import UserError
from stages.llm import attention, smollm2, weights
from stages.llm.engine import Engine
from stages.llm.packing import pack
from stages.llm.prompt import layout, query_text

TOLERANCE = {"atol": 1e-4, "rtol": 0}


def generated(model, ids, query_at, max_new_tokens, ends):
    """q, a and the answer's tokens by plain generation.

    One token more than wanted is generated, so that the last wanted one was fed and has states.
    """
    model.set_attn_implementation("sdpa")
    output = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=max_new_tokens + 1,
        do_sample=False,
        output_hidden_states=True,
        return_dict_in_generate=True,
        eos_token_id=list(ends) or None,
        pad_token_id=0,
    )
    tokens = []
    for token in output.sequences[0, len(ids) :].tolist()[:max_new_tokens]:
        if token in ends:
            break
        tokens.append(token)
    last = [states[-1][0] for states in output.hidden_states]
    answer = [last[step + 1][-1] for step in range(len(tokens))] or [last[0][-1]]
    return last[0][query_at].amax(0), torch.stack(answer).amax(0), tuple(tokens)


def prompts(seed, lengths, vocabulary=500):
    g = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocabulary, (length,), generator=g).tolist() for length in lengths]


def all_generated(model, prefix, closing, queries, ends, longest):
    return [
        generated(
            model,
            [*prefix, *query, *closing],
            slice(len(prefix), len(prefix) + len(query)),
            longest,
            ends,
        )
        for query in queries
    ]


def assert_read_as(expected, engine, queries, batch):
    found = [
        reading
        for start in range(0, len(queries), batch)
        for reading in engine.read(queries[start : start + batch])
    ]
    assert [reading.tokens for reading in found] == [tokens for _, _, tokens in expected]
    for reading, (query_D, answer_D, _) in zip(found, expected, strict=True):
        torch.testing.assert_close(reading.query_D, query_D, **TOLERANCE)
        torch.testing.assert_close(reading.answer_D, answer_D, **TOLERANCE)


def assert_equal_to_generation(model, prefix, closing, queries, batch, ends, longest, draft=()):
    expected = all_generated(model, prefix, closing, queries, ends, longest)
    assert_read_as(expected, Engine(model, prefix, closing, ends, longest, draft), queries, batch)
    return expected


LENGTHS = (5, 17, 1, 9, 9, 30, 2, 12, 23, 17, 4, 8, 3, 11, 29, 6)


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("family", CONFIGS)
def test_readings_are_those_of_plain_generation(family, batch):
    model = causal_lm(CONFIGS[family])
    prefix, closing = prompts(1, (37, 4))
    # A fifth of the vocabulary ends an answer: rows leave the batch at every step.
    ends = range(0, 500, 5)
    expected = assert_equal_to_generation(
        model, prefix, closing, prompts(2, LENGTHS), batch, ends, 6
    )
    assert len({len(tokens) for _, _, tokens in expected}) > 2


def test_without_an_end_of_turn_the_answer_is_as_long_as_allowed():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing = prompts(1, (20, 3))
    expected = assert_equal_to_generation(model, prefix, closing, prompts(2, LENGTHS), 4, (), 3)
    assert {len(tokens) for _, _, tokens in expected} == {3}


def test_an_empty_answer_is_represented_by_the_last_state_of_the_prompt():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing = prompts(1, (20, 3))
    expected = assert_equal_to_generation(
        model, prefix, closing, prompts(2, (4, 9)), 2, range(512), 3
    )
    assert [tokens for _, _, tokens in expected] == [(), ()]


def test_there_may_be_no_prefix():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    assert_equal_to_generation(model, [], [7, 8], prompts(2, LENGTHS), 16, (2,), 4)


@pytest.mark.parametrize("agreeing", [0, 1, 2, 4, 7])
def test_a_draft_changes_no_answer_however_much_of_it_is_wrong(agreeing):
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing, *queries = prompts(3, (20, 3, 8, 15))
    ids = [*prefix, *queries[0], *closing]
    _, _, tokens = generated(model, ids, slice(20, 28), 7, ())
    draft = [*tokens[:agreeing], *((token + 1) % 500 for token in tokens[agreeing:])]
    assert_equal_to_generation(model, prefix, closing, queries, 2, (), 7, draft)
    assert_equal_to_generation(model, prefix, closing, queries, 2, (), 3, draft)
    assert_equal_to_generation(model, prefix, closing, queries, 2, (tokens[1],), 7, draft)


def test_the_same_batch_gives_the_same_bits():
    prefix, closing = prompts(1, (37, 4))
    queries = prompts(2, LENGTHS)
    readings = [
        Engine(causal_lm(CONFIGS["llama, grouped heads"]), prefix, closing, (2,), 6).read(queries)
        for _ in range(2)
    ]
    for one, other in zip(*readings, strict=True):
        assert one.tokens == other.tokens
        assert one.query_D.equal(other.query_D)
        assert one.answer_D.equal(other.answer_D)


def largest_tensor_made(model, run):
    """Elements of the largest tensor any operation of `run` returns."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        largest = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, tuple | list) else (result,):
                if isinstance(tensor, torch.Tensor):
                    storage = tensor.untyped_storage().nbytes() // tensor.element_size()
                    self.largest = max(self.largest, min(storage, tensor.numel()))
            return result

    with Watch() as watch:
        run()
    return watch.largest


def test_no_row_gets_a_copy_of_the_prefix_and_no_prompt_token_gets_logits():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing = prompts(1, (900, 2))
    rows, length = 16, 6
    engine = Engine(model, prefix, closing, (), 4)
    K, E = 2, 16
    held = sum(tensor.numel() for tensor in engine.shared.keys.values())
    assert held == 3 * K * len(prefix) * E
    largest = largest_tensor_made(model, lambda: engine.read(prompts(2, (length,) * rows)))
    assert largest < rows * K * len(prefix) * E / 4
    assert largest < rows * (length + len(closing)) * model.config.vocab_size / 4


def test_nothing_of_a_batch_is_kept_after_it():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing = prompts(1, (37, 4))
    engine = Engine(model, prefix, closing, (2,), 6)

    def alive():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    engine.read(prompts(2, LENGTHS))
    before = alive()
    for seed in range(3):
        engine.read(prompts(seed, LENGTHS))
    assert alive() <= before


def test_a_prompt_longer_than_the_context_names_both_lengths():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    engine = Engine(model, prompts(1, (1000,))[0], [7], (2,), 8)
    with pytest.raises(UserError, match=r"take 1029 tokens, the model has room for 1024"):
        engine.read(prompts(2, (20,)))


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=64),
        GPTNeoXConfig(
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            vocab_size=64,
        ),
    ],
    ids=["gpt2", "gpt-neox"],
)
def test_a_model_without_the_expected_norm_is_refused(config):
    with pytest.raises(UserError, match="expected a final RMSNorm"):
        Engine(causal_lm(config), [5, 6], [7], (2,), 8)


@pytest.mark.real_llm
def test_real_smollm2_prompts_read_as_plain_generation_reads_them():
    embed = params.recipe("demo").embed
    tokenizer = weights.tokenizer(smollm2.NAME)
    model = weights.model(smollm2.NAME, dtype=torch.float32)
    around = layout(tokenizer, embed.prompt)
    captions = (
        "This looks like a fire engine.",
        "This looks like a tabby cat, a tiger cat or an Egyptian cat.",
        "A dog runs across a beach.",
        "Coffee.",
    )
    queries = [
        around.query(query_text(embed.prompt, captions[:count] * 2, captions[count % 4]))
        for count in (1, 2, 3, 4, 3)
    ]
    ends = weights.ends_of_turn(weights.fetch(smollm2.NAME), tokenizer)
    expected = all_generated(model, around.prefix, around.closing, queries, ends, 8)
    assert all(tokenizer.decode(tokens).startswith("score: ") for _, _, tokens in expected)
    assert around.draft
    plain = Engine(model, around.prefix, around.closing, ends, 8)
    assert_read_as(expected, plain, queries, 3)
    # As the stage runs it: oneDNN's weights, and a draft of the answer.
    packed = Engine(pack(model), around.prefix, around.closing, ends, 8, around.draft)
    for batch in (1, 3, 16):
        assert_read_as(expected, packed, queries, batch)


def test_another_implementation_of_attention_is_left_usable():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    ids = torch.tensor(prompts(4, (12,)))
    before = model(ids).logits
    Engine(model, [5, 6], [7], (2,), 2).read([[8, 9]])
    assert model.config._attn_implementation == attention.NAME
    model.set_attn_implementation("sdpa")
    torch.testing.assert_close(model(ids).logits, before)
