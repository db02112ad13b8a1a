"""Which path a model's attention takes, decided once for it by what it is and where it lies.

Shapes: see `stages.llm.attention`.
"""

import logging
from typing import Any

import torch
from torch import Tensor

from stages.llm.attention import Heads, OwnTokens, Path, PromptPass, SharedPrefix, StepPass
from stages.llm.rowwise import RowByRow
from stages.llm.varlen import Kernel, Varlen, torch_kernel
from stages.work.pretrained import first_line

log = logging.getLogger("llmvs")

AGREEMENT = 0.03
"""Largest difference from what is written out in float32, over the largest value, that rounding
the parts and their merging to bfloat16 (2^-8 each) explains."""

_PREFIX, _ROWS, _WINDOW = 5, (3, 1, 9), 8
"""Tokens, and a window shorter than prefix and rows, that a kernel is tried on."""


def choose(model: Any) -> Path:
    """The fastest path that is right for a causal LM where it lies; says which, and why not."""
    devices = {parameter.device for parameter in model.parameters()}
    if all(device.type == "cpu" for device in devices):
        log.info("attention: a row at a time, by torch's fused kernel for CPUs")
        return RowByRow()
    kernel = torch_kernel()
    against = _against(kernel, model, devices)
    if kernel is None or against is not None:
        log.info("attention: a row at a time, written out in float32 (%s)", against)
        return RowByRow()
    log.info("attention: all rows in a call of torch's varlen kernel, in %s", _name(model.dtype))
    return Varlen(kernel)


def _against(kernel: Kernel | None, model: Any, devices: set[torch.device]) -> str | None:
    """Why a model cannot have the kernel; None: it can."""
    elsewhere = sorted({device.type for device in devices} - {"cuda"})
    if elsewhere:
        return f"the varlen kernel is CUDA's, and some of the model is on {elsewhere[0]}"
    if model.dtype not in (torch.float16, torch.bfloat16):
        return f"the varlen kernel takes float16 and bfloat16, the model is {_name(model.dtype)}"
    if kernel is None:
        return f"torch {torch.__version__} has no varlen kernel"
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    shape = (
        heads,
        getattr(config, "num_key_value_heads", None) or heads,
        getattr(config, "head_dim", None) or config.hidden_size // heads,
    )
    windows = (None, _WINDOW) if getattr(config, "sliding_window", None) else (None,)
    faults = (
        fault(kernel, shape, model.dtype, device, window)
        for device in sorted(devices, key=str)
        for window in windows
    )
    return next((each for each in faults if each is not None), None)


def fault(
    kernel: Kernel,
    shape: tuple[int, int, int],
    dtype: torch.dtype,
    device: torch.device,
    window: int | None = None,
) -> str | None:
    """What is wrong with a kernel on a device, found by trying it; None: nothing.

    A pass of three prompts and a step, on random numbers, beside the same written out in float32.

    Args:
        shape: query heads, key-value heads (a divisor of them), width of a head.
        dtype: of queries, keys and values.
        window: as in `Heads`.
    """
    try:
        found = _tried(Varlen(kernel), shape, dtype, device, window)
    except torch.OutOfMemoryError:  # says nothing of the kernel
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        return f"the varlen kernel fails on {device}: {first_line(error)}"
    expected = _tried(RowByRow(), shape, dtype, device, window)
    difference = float((found - expected).abs().max() / expected.abs().max())
    if not difference <= AGREEMENT:
        return f"the varlen kernel is off by {difference:.2g} on {device}"
    return None


@torch.inference_mode()
def _tried(
    path: Path,
    shape: tuple[int, int, int],
    dtype: torch.dtype,
    device: torch.device,
    window: int | None,
) -> Tensor:
    """Everything a path gives for a handful of tokens: (H, tokens, E) float32."""
    generator = torch.Generator().manual_seed(0)
    H, K, E = shape

    def heads(tokens: int) -> Heads:
        drawn = (torch.randn(1, tokens, count, E, generator=generator) for count in (H, K, K))
        q, k, v = (x.to(device, dtype).transpose(1, 2) for x in drawn)
        return Heads(q, k, v, E**-0.5, window)

    prefix = SharedPrefix(_PREFIX, path)
    own = OwnTokens(_ROWS, max(_ROWS) + 1)
    parts = [prefix.attend(0, heads(_PREFIX))]
    parts.append(PromptPass(prefix, own).attend(0, heads(sum(_ROWS))))
    parts.append(StepPass(prefix, own).attend(0, heads(len(_ROWS))))
    return torch.cat(parts, dim=2)[0].float()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
