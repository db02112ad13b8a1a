"""Linear layers laid out for oneDNN on CPUs, where the matrix products are most of the cost.

torch multiplies float32 matrices on CPU through a library that leaves an eighth to a half of the
rate unused at the engine's shapes (more of it the fewer the rows). oneDNN reads weights that were
reordered for it once, and applies a gated MLP's activation and product while the tiles are still
in cache. The results differ by rounding alone.

With weights in bfloat16 only the products of the decoder's layers are: their sums within a product
are float32 (the instruction's own), and so is all between the products that adds up or normalises,
as are embeddings and language-model head. A GPU computes as transformers does, in bfloat16
throughout.
"""

from typing import Any

import torch
from torch import Tensor, nn

from stages.llm.decoders import decoder_of

_ROWS = 1024
"""Rows the layout is chosen for; it serves any number."""


class PackedLinear(nn.Module):
    """A linear layer whose weight is in oneDNN's own order; its products are in the weight's dtype,
    and so is what it returns.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.bias = linear.bias
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)

    @property
    def weight(self) -> Tensor:
        """As it was, for what multiplies by it itself, as some routers of experts do."""
        plain: Tensor = self.packed.to_dense()
        return plain

    def forward(self, x: Tensor, activation: str = "none") -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(
            x.to(self.packed.dtype), self.packed, self.bias, activation, [], ""
        )
        return y

    def times(self, x: Tensor, other: Tensor) -> Tensor:
        """The layer's output multiplied element by element with `other`."""
        y: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            x.to(self.packed.dtype), other, self.packed, self.bias, "mul"
        )
        return y


class RoundingLinear(nn.Module):
    """A linear layer as it is, that rounds what it is given to its weight's dtype."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x.to(self.weight.dtype), self.weight, self.bias)


class PackedGatedMLP(nn.Module):
    """down(silu(gate(x)) * up(x)), the feed-forward part of Llama and its kin."""

    def __init__(self, mlp: Any) -> None:
        super().__init__()
        self.gate, self.up, self.down = mlp.gate_proj, mlp.up_proj, mlp.down_proj

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(self.up.times(x, self.gate(x, "swish")))
        return y


def pack(model: Any) -> Any:
    """Prepare a causal LM's decoder in place for a CPU: float32 or bfloat16, see above.

    Does nothing to other weights, nor on a GPU. What oneDNN cannot take here is not packed.

    Returns:
        The same model.
    """
    weight = model.get_input_embeddings().weight
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.bfloat16):
        return model
    for layer in decoder_of(model).layers:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear:
                    setattr(parent, name, _prepared(child))
        mlp = getattr(layer, "mlp", None)
        if mlp is not None and _is_gated(mlp):
            layer.mlp = PackedGatedMLP(mlp)
    for part in model.modules():
        if not isinstance(part, PackedLinear | RoundingLinear):
            for parameter in part.parameters(recurse=False):
                parameter.data = parameter.data.float()
    return model


def _prepared(linear: nn.Linear) -> nn.Module:
    packable: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if linear.weight.dtype == torch.float32:
        return PackedLinear(linear) if packable else linear
    packable = packable and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return PackedLinear(linear) if packable else RoundingLinear(linear)


def _is_gated(mlp: nn.Module) -> bool:
    parts = dict(mlp.named_children())
    projections = [parts.get(f"{name}_proj") for name in ("gate", "up", "down")]
    activation = parts.get("act_fn")
    return all(isinstance(part, PackedLinear) for part in projections) and type(
        activation
    ).__name__ in ("SiLU", "SiLUActivation")
