"""The engine against plain generation of one whole prompt at a time."""

import gc

import pytest
import torch
from tiny_llms import CONFIGS, causal_lm
from transformers import (
    DiffLlamaConfig,
    Gemma2Config,
    GPT2Config,
    GPTNeoXConfig,
    GptOssConfig,
    JetMoeConfig,
    Qwen3NextConfig,
)
from varlen_reference import varlen_attn

from stages import params
from stages.errors import UserError
from stages.llm import attention, smollm2, weights
from stages.llm.engine import Engine
from stages.llm.packing import pack
from stages.llm.prompt import layout, query_text
from stages.llm.readout import Kind
from stages.llm.rowwise import RowByRow
from stages.llm.varlen import Varlen

PATHS = {"a row at a time": RowByRow(), "all rows in a call": Varlen(varlen_attn)}
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


def assert_read_as(expected, engine, queries, batch, tolerance=TOLERANCE):
    found = [
        reading
        for start in range(0, len(queries), batch)
        for reading in engine.read(queries[start : start + batch])
    ]
    assert [reading.tokens for reading in found] == [tokens for _, _, tokens in expected]
    for reading, (query_W, answer_W, _) in zip(found, expected, strict=True):
        torch.testing.assert_close(reading.query_W, query_W, **tolerance)
        torch.testing.assert_close(reading.answer_W, answer_W, **tolerance)


def assert_equal_to_generation(
    model, prefix, closing, queries, batch, ends, longest, draft=(), path=None
):
    expected = all_generated(model, prefix, closing, queries, ends, longest)
    engine = Engine(model, prefix, closing, ends, longest, draft, path=path)
    assert_read_as(expected, engine, queries, batch)
    return expected


LENGTHS = (5, 17, 1, 9, 9, 30, 2, 12, 23, 17, 4, 8, 3, 11, 29, 6)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("family", CONFIGS)
def test_readings_are_those_of_plain_generation(family, batch, path):
    model = causal_lm(CONFIGS[family])
    prefix, closing = prompts(1, (37, 4))
    # A fifth of the vocabulary ends an answer: rows leave the batch at every step.
    ends = range(0, 500, 5)
    expected = assert_equal_to_generation(
        model, prefix, closing, prompts(2, LENGTHS), batch, ends, 6, path=PATHS[path]
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


@pytest.mark.parametrize("path", PATHS)
def test_there_may_be_no_prefix(path):
    model = causal_lm(CONFIGS["llama, grouped heads"])
    queries = prompts(2, LENGTHS)
    assert_equal_to_generation(model, [], [7, 8], queries, 16, (2,), 4, path=PATHS[path])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("agreeing", [0, 1, 2, 4, 7])
def test_a_draft_changes_no_answer_however_much_of_it_is_wrong(agreeing, path):
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing, *queries = prompts(3, (20, 3, 8, 15))
    ids = [*prefix, *queries[0], *closing]
    _, _, tokens = generated(model, ids, slice(20, 28), 7, ())
    draft = [*tokens[:agreeing], *((token + 1) % 500 for token in tokens[agreeing:])]
    for ends, longest in (((), 7), ((), 3), ((tokens[1],), 7)):
        assert_equal_to_generation(
            model, prefix, closing, queries, 2, ends, longest, draft, PATHS[path]
        )


def test_models_that_lay_their_heads_out_by_view_read_as_they_generate():
    """JetMoE's own code demands that attention's output lies in one piece."""
    small = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "vocab_size": 512}
    config = JetMoeConfig(
        **small, num_key_value_heads=4, kv_channels=16, num_local_experts=4,
        num_experts_per_tok=2, pad_token_id=2, initializer_range=0.3,
    )  # fmt: skip
    prefix, closing = prompts(1, (37, 4))
    queries = prompts(2, (5, 17, 1))
    assert_equal_to_generation(causal_lm(config), prefix, closing, queries, 3, range(0, 500, 5), 6)


def head(model, states):
    return model.get_output_embeddings()(states)


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("layer", ["norm", "last_layer", "lm_head"])
@pytest.mark.parametrize("family", ["llama, grouped heads", "qwen2, biases"])
def test_every_layer_and_pooling_is_that_of_plain_generation(family, layer, pooling):
    """Before the norm: the last decoder layer's own output, caught by a hook."""
    model = causal_lm(CONFIGS[family])
    prefix, closing, *queries = prompts(1, (37, 4, 300, 9, 12))
    expected = []
    for query in queries:
        outputs = []
        hook = model.model.layers[-1].register_forward_hook(
            lambda *call, outputs=outputs: outputs.append(call[2])
        )
        ids = [*prefix, *query, *closing]
        _, _, tokens = generated(model, ids, slice(0, 1), 6, ())
        hook.remove()
        before = [(x[0] if isinstance(x, tuple) else x)[0] for x in outputs]
        states = [*before[0], *(x[-1] for x in before[1:])]
        kept = torch.stack([*states[37 : 37 + len(query)], *states[len(ids) :][: len(tokens)]])
        if layer != "last_layer":
            kept = model.model.norm(kept)
        if layer == "lm_head":
            kept = head(model, kept)
        pool = (lambda x: x.amax(0)) if pooling == "max" else (lambda x: x.mean(0))
        expected.append((pool(kept[: len(query)]), pool(kept[len(query) :]), tokens))
    engine = Engine(model, prefix, closing, (), 6, layer=layer, pooling=pooling)
    # Without the norm, states are two orders larger, and so is what rounding leaves of them.
    tolerance = {"atol": 2e-3 if layer == "last_layer" else 1e-4, "rtol": 0}
    assert_read_as(expected, engine, queries, 3, tolerance)


KINDS = [
    Kind(layer, pooling)
    for layer in ("norm", "last_layer", "lm_head")
    for pooling in ("max", "mean")
]


@pytest.mark.parametrize("draft", [0, 2, 5])
def test_readouts_of_one_pass_are_to_the_bit_those_of_a_pass_each(draft):
    prefix, closing, *queries = prompts(1, (37, 4, 300, 9, 12, 1, 30))
    model = causal_lm(CONFIGS["llama, grouped heads"])
    # A fifth of the vocabulary ends an answer: some are empty, and rows leave at every step.
    settings = (prefix, closing, range(0, 500, 5), 6)
    longest = max((x.tokens for x in Engine(model, *settings).read(queries)), key=len)
    alone = [Engine(model, *settings, longest[:draft], None, *kind).read(queries) for kind in KINDS]
    first, *others = KINDS
    together = Engine(model, *settings, longest[:draft], None, *first, others).read(queries)
    assert len({len(reading.tokens) for reading in together}) > 1
    for row, reading in enumerate(together):
        found = [reading, *reading.also]
        assert len(found) == len(KINDS)
        for of_kind, pooled in zip(alone, found, strict=True):
            assert reading.tokens == of_kind[row].tokens
            assert pooled.query_W.equal(of_kind[row].query_W)
            assert pooled.answer_W.equal(of_kind[row].answer_W)


def test_an_answer_ends_where_it_is_complete():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    prefix, closing, *queries = prompts(3, (20, 3, 8, 15, 4, 11))
    free = [x.tokens for x in Engine(model, prefix, closing, (), 7).read(queries)]
    seen = []

    def complete(tokens, following):
        seen.append((*tokens, following))
        return len(tokens) >= 2 and following % 2 == 0

    stopped = Engine(model, prefix, closing, (), 7, free[0][:2], complete).read(queries)
    assert len({len(reading.tokens) for reading in stopped}) > 1
    for reading, whole in zip(stopped, free, strict=True):
        ends = [n for n in range(2, 7) if whole[n] % 2 == 0] or [7]
        assert reading.tokens == whole[: ends[0]]
        assert all(asked[: len(asked)] in {w[: len(asked)] for w in free} for asked in seen)
    assert_read_as(
        all_generated_up_to(model, prefix, closing, queries, [len(x.tokens) for x in stopped]),
        Engine(model, prefix, closing, (), 7, free[0][:2], complete),
        queries,
        4,
    )


def all_generated_up_to(model, prefix, closing, queries, lengths):
    return [
        all_generated(model, prefix, closing, [query], (), length)[0]
        for query, length in zip(queries, lengths, strict=True)
    ]


def test_vocabulary_wide_states_of_a_prompt_never_exist_at_once():
    model = causal_lm(CONFIGS["llama, grouped heads"])
    engine = Engine(model, [5, 6], [7, 8], (2,), 3, layer="lm_head")
    queries = prompts(2, (900,))
    largest = largest_tensor_made(model, lambda: engine.read(queries))
    assert largest < 900 * model.config.vocab_size / 2


def test_the_same_batch_gives_the_same_bits():
    prefix, closing = prompts(1, (37, 4))
    queries = prompts(2, LENGTHS)
    readings = [
        Engine(causal_lm(CONFIGS["llama, grouped heads"]), prefix, closing, (2,), 6).read(queries)
        for _ in range(2)
    ]
    for one, other in zip(*readings, strict=True):
        assert one.tokens == other.tokens
        assert one.query_W.equal(other.query_W)
        assert one.answer_W.equal(other.answer_W)


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


SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
    "head_dim": 16, "intermediate_size": 32, "vocab_size": 64, "pad_token_id": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (Gemma2Config(**SMALL), "attn_logit_softcapping"),
        (GptOssConfig(**SMALL, num_local_experts=2, num_experts_per_tok=1), "sinks"),
        (DiffLlamaConfig(**SMALL), "differential attention"),
        (
            Qwen3NextConfig(
                **SMALL, num_experts=2, num_experts_per_tok=1, moe_intermediate_size=16,
                layer_types=["linear_attention", "full_attention"], linear_num_value_heads=2,
                linear_num_key_heads=2, linear_key_head_dim=8, linear_value_head_dim=8,
            ),
            "linear_attention",
        ),
    ],
    ids=["caps its scores", "has sinks", "subtracts attention", "has linear layers"],
)  # fmt: skip
def test_a_model_whose_layers_do_otherwise_than_attend_is_refused(config, said):
    with pytest.raises(UserError, match=rf"what the shared prefix cannot \(.*{said}"):
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
