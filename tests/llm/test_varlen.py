"""The path of one kernel for all rows: against softmax written out, and in half precision.

Without a GPU the kernel is a reference of the same interface; with one, it is torch's own.
"""

import copy
import inspect

import pytest
import torch
import varlen_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_llms import CONFIGS, causal_lm
from torch.nn.attention.varlen import varlen_attn

from stages.llm import paths
from stages.llm.attention import Heads, OwnTokens, PromptPass, SharedPrefix, StepPass
from stages.llm.engine import Engine
from stages.llm.rowwise import RowByRow
from stages.llm.varlen import Varlen, torch_kernel

REFERENCE = Varlen(varlen_reference.varlen_attn)


def heads(generator, tokens, K, window, H=4, E=8):
    q, k, v = (torch.randn(1, n, tokens, E, generator=generator) for n in (H, K, K))
    return Heads(q, k, v, 0.4, window)


def written_out(query, position, keys, values, window):
    """One query (H, E) of a row, at a position among all the row's keys (K, S, E), in float64."""
    low = 0 if window is None else max(0, position - window + 1)
    group = len(query) // len(keys)
    outs = []
    for h, q_E in enumerate(query.double()):
        k, v = (x[h // group, low : position + 1].double() for x in (keys, values))
        outs.append((k @ q_E * 0.4).softmax(0) @ v)
    return torch.stack(outs).float()


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    prefix=st.integers(0, 5),
    K=st.sampled_from([1, 2, 4]),
    window=st.none() | st.integers(1, 12),
    path=st.sampled_from([REFERENCE, RowByRow()]),
    seed=st.integers(0, 99),
)
def test_a_query_sees_the_prefix_and_its_own_row_up_to_itself(
    lengths, prefix, K, window, path, seed
):
    g = torch.Generator().manual_seed(seed)
    shared, own = SharedPrefix(prefix, path), OwnTokens(lengths, max(lengths) + 2)
    before = heads(g, prefix, K, window)
    if prefix:
        found = shared.attend(0, before)
        for i in range(prefix):
            at = before.q_1HNE[0, :, i], i, before.k_1KNE[0], before.v_1KNE[0], window
            torch.testing.assert_close(found[0, :, i], written_out(*at), atol=1e-5, rtol=1e-5)
    rows = [(before.k_1KNE[0], before.v_1KNE[0])] * len(lengths)
    kept = list(range(len(lengths)))

    def check(found, fed, counts):
        n = 0
        for row, count in zip(kept, counts, strict=True):
            span = slice(n, n + count)
            rows[row] = tuple(
                torch.cat([old, new[0, :, span]], dim=1)
                for old, new in zip(rows[row], (fed.k_1KNE, fed.v_1KNE), strict=True)
            )
            keys, values = rows[row]
            for i in range(count):
                at = keys.shape[1] - count + i
                expected = written_out(fed.q_1HNE[0, :, n + i], at, keys, values, window)
                torch.testing.assert_close(found[0, :, n + i], expected, atol=1e-5, rtol=1e-5)
            n += count

    prompt = heads(g, sum(lengths), K, window)
    check(PromptPass(shared, own).attend(0, prompt), prompt, lengths)
    for _ in range(2):
        fed = heads(g, len(kept), K, window)
        check(StepPass(shared, own).attend(0, fed), fed, [1] * len(kept))
        own.keep(range(0, len(kept), 2))
        kept = kept[::2]


def test_a_layer_is_two_calls_whatever_the_rows():
    calls = []

    def counting(*args, **settings):
        calls.append(args[0].shape[0])
        return varlen_reference.varlen_attn(*args, **settings)

    engine = Engine(
        causal_lm(CONFIGS["llama, grouped heads"]), [5, 6], [7], (), 2, path=Varlen(counting)
    )
    assert calls == [2] * 3
    engine.read([[8], [9, 10], [11, 12, 13]])
    prompts, steps = [9] * 2 * 3, [3] * 2 * 3
    assert calls[3:] == prompts + 2 * steps


def test_the_reference_is_called_as_torchs_kernel_is():
    def taken(function):
        return [
            (name, parameter.kind, parameter.default)
            for name, parameter in inspect.signature(function).parameters.items()
        ]

    assert taken(varlen_reference.varlen_attn) == taken(varlen_attn)


def drawn(lengths, vocabulary=500):
    g = torch.Generator().manual_seed(1)
    return [torch.randint(3, vocabulary, (length,), generator=g).tolist() for length in lengths]


def pooled(model, prefix, query, closing, tokens):
    """q and a of one whole prompt with its answer, by a plain forward pass."""
    ids = torch.tensor([[*prefix, *query, *closing, *tokens]], device=model.device)
    with torch.inference_mode():
        states = model.model(ids).last_hidden_state[0].float().cpu()
    asked = len(prefix) + len(query)
    return torch.stack(
        [states[len(prefix) : asked].amax(0), states[asked + len(closing) :].amax(0)]
    )


def errors(model, path):
    """Relative errors of the engine and of plain passes, both beside plain passes in float32.

    All have the same weights, and read the answers that the engine gave.
    """
    true = copy.deepcopy(model).float()
    prefix, closing, *queries = drawn((37, 4, 9, 12, 1, 30))
    engine = Engine(model, prefix, closing, (), 4, path=path)
    readings = engine.read(queries)
    model.set_attn_implementation("eager")
    answers = [
        (query, closing, reading.tokens) for query, reading in zip(queries, readings, strict=True)
    ]
    expected = torch.stack([pooled(true, prefix, *answer) for answer in answers])
    plain = torch.stack([pooled(model, prefix, *answer) for answer in answers])
    found = torch.stack([torch.stack([x.query_W, x.answer_W]).cpu() for x in readings])
    return [float((x - expected).norm() / expected.norm()) for x in (found, plain)]


BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 0.06, torch.float16: 0.008}
"""Relative errors of states allowed: plain passes of these models make up to .045 and .0045 in
bfloat16 and float16, whose steps are 2^-8 and 2^-11."""
FAMILIES = [
    "llama, grouped heads",
    "llama, a key head each",
    "mistral, window inside the own tokens",
]


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("path", [REFERENCE, RowByRow()], ids=["varlen", "row by row"])
@pytest.mark.parametrize("family", FAMILIES)
def test_rounding_is_no_worse_than_that_of_plain_passes_in_the_same_dtype(family, path, dtype):
    found, plain = errors(causal_lm(CONFIGS[family]).to(dtype), path)
    assert found < BOUNDS[dtype]
    assert found < 1.25 * plain + 1e-5


cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch's kernel is CUDA's: no GPU")
BFLOAT16_AND_FLOAT16 = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)


@cuda
@BFLOAT16_AND_FLOAT16
@pytest.mark.parametrize("family", FAMILIES)
def test_torchs_kernel_reads_as_plain_passes_do(family, dtype):
    model = causal_lm(CONFIGS[family]).to("cuda", dtype)
    path = paths.choose(model)
    assert isinstance(path, Varlen), "torch's kernel was refused; the log says why"
    found, plain = errors(model, path)
    assert found < BOUNDS[dtype]
    assert found < 1.25 * plain + 1e-5


@cuda
@BFLOAT16_AND_FLOAT16
@pytest.mark.parametrize("shape", [(32, 32, 128), (32, 8, 128), (9, 3, 64), (40, 40, 128)])
@pytest.mark.parametrize("window", [None, 8])
def test_torchs_kernel_agrees_with_what_is_written_out(shape, window, dtype):
    assert paths.fault(torch_kernel(), shape, dtype, torch.device("cuda:0"), window) is None


@cuda
def test_float32_on_a_gpu_is_written_out():
    model = causal_lm(CONFIGS["llama, grouped heads"]).to("cuda")
    assert isinstance(paths.choose(model), RowByRow)
    found, _ = errors(model, None)
    assert found < BOUNDS[torch.float32]
