"""Linear layers laid out for oneDNN on CPUs, where the matrix products are most of the cost.

torch multiplies float32 matrices on CPU through a library that leaves an eighth to a half of the
rate unused at the engine's shapes (more of it the fewer the rows). oneDNN reads weights that were
reordered for it once, and applies a gated MLP's activation and product while the tiles are still
in cache. The results differ by rounding alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

_ROWS = 1024
"""Rows the layout is chosen for; it serves any number."""


class PackedLinear(nn.Module):
    """A linear layer whose weight is in oneDNN's own order."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.bias = linear.bias
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)

    def forward(self, x: Tensor, activation: str = "none") -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self.packed, self.bias, activation, [], ""
        )
        return y

    def times(self, x: Tensor, other: Tensor) -> Tensor:
        """The layer's output multiplied element by element with `other`."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            x, other, self.packed, self.bias, "mul"
        )
        return y


class PackedGatedMLP(nn.Module):
    """down(silu(gate(x)) * up(x)), the feed-forward part of Llama and its kin."""

    def __init__(self, mlp: Any) -> None:
        super().__init__()
        self.gate, self.up, self.down = mlp.gate_proj, mlp.up_proj, mlp.down_proj

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(self.up.times(x, self.gate(x, "swish")))
        return y


def pack(model: Any) -> Any:
    """Pack the linear layers of a causal LM's decoder in place, where that can help.

    Does nothing where a weight is not float32 on a CPU, or torch was built without oneDNN.

    Returns:
        The same model.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return model
    for layer in model.model.layers:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear and _packable(child.weight):
                    setattr(parent, name, PackedLinear(child))
        mlp = getattr(layer, "mlp", None)
        if mlp is not None and _is_gated(mlp):
            layer.mlp = PackedGatedMLP(mlp)
    return model


def _packable(weight: Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype == torch.float32


def _is_gated(mlp: nn.Module) -> bool:
    parts = dict(mlp.named_children())
    projections = [parts.get(f"{name}_proj") for name in ("gate", "up", "down")]
    activation = parts.get("act_fn")
    return all(isinstance(part, PackedLinear) for part in projections) and type(
        activation
    ).__name__ in ("SiLU", "SiLUActivation")
