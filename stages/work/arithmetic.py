"""Which number formats a device multiplies matrices of by instructions of its own."""

import torch

_PROCESSOR = {
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"),
    "float16": ("avx512_fp16", "amx_fp16", "fp16_arith"),
}
"""Instructions of x86 and ARM, as `torch.cpu.get_capabilities` names them."""


def is_native(dtype: str, device: torch.device) -> bool:
    """Whether a device need not emulate products in a format.

    A GPU may take bfloat16 and emulate it, as T4 and V100 do: that does not count.

    Args:
        dtype: "float32", "bfloat16" or "float16".
        device: a GPU or the CPU.
    """
    if dtype == "float32":
        return True
    if device.type == "cuda":
        if dtype == "float16":
            return True
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    can = torch.cpu.get_capabilities()
    return any(can.get(name) for name in _PROCESSOR[dtype])


def warning(dtype: str, device: torch.device) -> str:
    """What to know of a format before it is used on a device; "" where there is nothing."""
    if is_native(dtype, device):
        return ""
    other = "float16" if device.type == "cuda" else "float32"
    return (
        f"{dtype} works here and is slower than {other}: the "
        f"{'card' if device.type == 'cuda' else 'processor'} has no instructions for its products"
    )
