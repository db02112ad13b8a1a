"""Which path a model gets, and that a kernel is believed only where it agrees."""

import logging
from types import SimpleNamespace

import pytest
import torch
from tiny_llms import CONFIGS, causal_lm
from varlen_reference import varlen_attn

from stages.llm import paths
from stages.llm.engine import Engine
from stages.llm.rowwise import RowByRow
from stages.llm.varlen import Varlen

CPU = torch.device("cpu")


def fault(kernel, dtype=torch.bfloat16, window=None, shape=(4, 2, 16)):
    return paths.fault(kernel, shape, dtype, CPU, window)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("window", [None, 8])
@pytest.mark.parametrize("shape", [(4, 2, 16), (3, 3, 8), (4, 1, 64)])
def test_a_kernel_that_computes_attention_has_no_fault(dtype, window, shape):
    assert fault(varlen_attn, dtype, window, shape) is None


def transposed(*args, **settings):
    out, lse = varlen_attn(*args, **settings)
    return out, lse.T.contiguous()


def base_two(*args, **settings):
    out, lse = varlen_attn(*args, **settings)
    return out, lse / torch.log(torch.tensor(2.0))


def all_keys(*args, seqused_k=None, **settings):
    return varlen_attn(*args, **settings)


def no_window(*args, window_size, **settings):
    return varlen_attn(*args, window_size=(-1, window_size[1]), **settings)


def top_left(q, k, v, starts_q, starts_k, *args, window_size, **settings):
    """Causal as if a sequence's first query saw its first key alone."""
    if args[0] == 1 and window_size[1] == 0:
        settings["seqused_k"] = torch.ones_like(settings["seqused_k"])
    return varlen_attn(q, k, v, starts_q, starts_k, *args, window_size=window_size, **settings)


@pytest.mark.parametrize("kernel", [transposed, base_two, all_keys, no_window, top_left])
def test_a_kernel_that_computes_something_else_is_found_out(kernel):
    assert "varlen kernel" in fault(kernel, window=8)


def test_a_kernel_that_gives_no_numbers_is_found_out():
    def nothing(*args, **settings):
        out, lse = varlen_attn(*args, **settings)
        return out * torch.nan, lse

    assert fault(nothing) == "the varlen kernel is off by nan on cpu"


def test_what_a_kernel_says_when_it_fails_is_passed_on():
    def old(*args, **settings):
        raise RuntimeError("FlashAttention only supports Ampere GPUs or newer.\nand a trace")

    said = "the varlen kernel fails on cpu: FlashAttention only supports Ampere GPUs or newer."
    assert fault(old) == said


def test_a_full_memory_is_no_fault_of_the_kernel():
    def full(*args, **settings):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        fault(full)


def on(*devices, dtype=torch.bfloat16, family="llama, grouped heads"):
    """What `choose` asks of a model: where it lies, its dtype, the shape of its heads."""
    return SimpleNamespace(
        parameters=lambda: [SimpleNamespace(device=torch.device(each)) for each in devices],
        dtype=dtype,
        config=CONFIGS[family],
    )


@pytest.fixture
def chosen(monkeypatch, caplog):
    """The path of a model, and the one line said of it, with a kernel that is tried on the CPU."""
    real = paths.fault

    def choose(model, kernel=varlen_attn):
        monkeypatch.setattr(paths, "torch_kernel", lambda: kernel)
        tried = []

        def on_cpu(kernel, shape, dtype, device, window=None):
            tried.append((str(device), shape, window))
            return real(kernel, shape, dtype, CPU, window)

        monkeypatch.setattr(paths, "fault", on_cpu)
        with caplog.at_level(logging.INFO, "llmvs"):
            path = paths.choose(model)
        (record,) = caplog.records
        caplog.clear()
        return path, record.getMessage(), tried

    return choose


def test_half_precision_on_gpus_takes_the_kernel_once_tried_on_each(chosen):
    path, said, tried = chosen(on("cuda:1", "cuda:0", "cuda:1"))
    assert isinstance(path, Varlen)
    assert said == "attention: all rows in a call of torch's varlen kernel, in bfloat16"
    assert tried == [("cuda:0", (4, 2, 16), None), ("cuda:1", (4, 2, 16), None)]


def test_a_model_with_a_window_has_the_kernel_tried_with_one(chosen):
    model = on("cuda:0", family="mistral, window into the prefix")
    path, _, tried = chosen(model)
    assert isinstance(path, Varlen)
    assert [window for _, _, window in tried] == [None, 8]
    path, said, _ = chosen(model, no_window)
    assert isinstance(path, RowByRow)
    assert "is off by" in said


@pytest.mark.parametrize(
    ("model", "kernel", "reason"),
    [
        (on("cuda:0", dtype=torch.float32), varlen_attn, "the model is float32"),
        (on("cuda:0", "cpu"), varlen_attn, "some of the model is on cpu"),
        (on("cuda:0"), None, "has no varlen kernel"),
        (on("cuda:0"), base_two, "is off by"),
    ],
)
def test_what_cannot_have_the_kernel_goes_a_row_at_a_time_and_says_why(
    chosen, model, kernel, reason
):
    path, said, _ = chosen(model, kernel)
    assert isinstance(path, RowByRow)
    assert said.startswith("attention: a row at a time, written out in float32 (")
    assert reason in said


def test_an_engine_says_its_path_once(caplog):
    with caplog.at_level(logging.INFO, "llmvs"):
        engine = Engine(causal_lm(CONFIGS["llama, grouped heads"]), [5, 6], [7], (2,), 2)
        engine.read([[8, 9]])
        engine.read([[8]])
    said = [record.getMessage() for record in caplog.records]
    assert said == ["attention: a row at a time, by torch's fused kernel for CPUs"]
