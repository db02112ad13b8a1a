"""What LLMVS's own kinds share: the LLM's states in, the head of the authors' release out.

Shapes: B videos, T frames, D embedding width, M width of the network.

Layers and their names are those of the release, so that its checkpoints fit.
"""

from collections.abc import Mapping
from functools import reduce
from typing import TypeVar

import torch
from torch import Tensor, nn

from stages.errors import UserError
from stages.scorers.scorer import Scorer

STATES = "states"
"""The one prepared input: per frame, the elementwise maximum of the inputs."""


class Headed(Scorer):
    """states → Linear D to M → LayerNorm → what the kind puts between → head → sigmoid.

    A kind lays its layers in that order and then calls `start`: the order in which numbers are
    drawn is part of what a seed means.
    """

    d_linear1: nn.Linear
    d_linear1_norm: nn.LayerNorm
    mlp_head: nn.Sequential

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Query and answer embedding are maxima over tokens, so their elementwise maximum is the
        maximum over all of them. Raises UserError where inputs are of different widths.
        """
        return maximum(cls.kind, inputs)

    def entered(self, states: Tensor) -> Tensor:
        """States (..., D) brought to the network's width, (..., M)."""
        found: Tensor = self.d_linear1_norm(self.d_linear1(states))
        return found

    def scored(self, h: Tensor, valid: Tensor | None = None) -> Tensor:
        """(..., M) to scores (...) in 0..1, zero at padding."""
        scores: Tensor = self.mlp_head(h).squeeze(-1)
        return scores if valid is None else torch.where(valid, scores, 0.0)

    @torch.no_grad()
    def absorb(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        """An affine change before a linear layer is itself linear."""
        first = self.d_linear1
        weight_MD = first.weight.double().cpu() / deviations[STATES]
        bias_M = first.bias.double().cpu() - weight_MD @ means[STATES]
        first.weight.copy_(weight_MD)
        first.bias.copy_(bias_M)

    def start(self) -> None:
        """Xavier's uniform weights in every matrix."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)


M = TypeVar("M", bound=Headed)

_PARTS = ("d_linear1.", "d_linear1_norm.", "transformer_encoder_agg.", "mlp_head.")
"""How layers begin, whatever the module was called that held them when they were saved."""


def own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's own weights of a release, which holds others besides.

    Raises UserError where the first layer, which D and M are read off, is not among them.
    """
    found = {}
    for name, tensor in state.items():
        for part in _PARTS:
            place = name.find(part)
            if place == 0 or (place > 0 and name[place - 1] == "."):
                found[name[place:]] = tensor
                break
    first = found.get("d_linear1.weight")
    if first is None or first.dim() != 2:
        names = ", ".join(sorted(found)[:5]) or "none of its layers"
        layers = ", ".join(part[:-1] for part in _PARTS)
        raise UserError(f"expected the layers {layers}, found {names}")
    if len(first) % 16:
        raise UserError(f"d_linear1 is {len(first)} wide, no multiple of 16")
    return found


def loaded(model: M, state: Mapping[str, Tensor]) -> M:
    """The model with these weights. Raises UserError where they do not fit."""
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"not a checkpoint of this model. {error}") from error
    return model


def maximum(kind: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A video's inputs (T, D) as the one prepared input, their elementwise maximum.

    Raises UserError where they are of different widths, which a scorer of this kind cannot take.
    """
    equally_wide(inputs, f"a scorer of kind {kind} takes the maximum of its inputs")
    return {STATES: reduce(torch.maximum, inputs.values())}


def equally_wide(inputs: Mapping[str, Tensor], why: str) -> None:
    """Raises UserError, saying why they must not be, where inputs are of different widths."""
    widths = {name: x_TD.shape[-1] for name, x_TD in inputs.items()}
    if len(set(widths.values())) > 1:
        said = " and ".join(f"{name} {width}" for name, width in widths.items())
        raise UserError(
            f"params.yaml: models: {why}, which must then be equally wide; found {said}"
        )


def head(width: int) -> nn.Sequential:
    """M, M/2, M/4, M/8, M/16, 1, and a sigmoid; the release numbers these layers in this order."""
    return nn.Sequential(
        nn.Linear(width, width // 2),
        nn.LayerNorm(width // 2),
        nn.ReLU(),
        nn.Linear(width // 2, width // 4),
        nn.ReLU(),
        nn.Linear(width // 4, width // 8),
        nn.LayerNorm(width // 8),
        nn.ReLU(),
        nn.Linear(width // 8, width // 16),
        nn.ReLU(),
        nn.Linear(width // 16, 1),
        nn.Sigmoid(),
    )
