"""What systems of other papers have in common as scorers.

Shapes: B videos, T frames (padded to the longest of the batch), D width of an input.

Each is written for one video at a time, as its authors' code is: nothing of it then depends on
padding, and segments or pools are those of the video's own length.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from stages.errors import UserError
from stages.scorers.scorer import Batch, Scorer, alone


class _Standard(nn.Module):
    """Raw input to standardised: what `absorb` keeps."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    def forward(self, x_TD: Tensor) -> Tensor:
        found: Tensor = (x_TD - self.mean) / self.deviation
        return found


class Peer(Scorer):
    """A system of another paper, its layers named as in its authors' checkpoints.

    Args:
        standardised: by prepared input, the width of those that are brought to one scale first,
            because the scorer learnt from such. What its authors release is fed raw.

    authors_inputs: what the authors feed; of more, a released scorer takes these alone. stretches:
    whether they stretch people's scores to 0..1, video by video, before they are learnt. sizes:
    what `__init__` is called with besides `standardised`.
    """

    sizes: dict[str, Any]

    authors_inputs: tuple[str, ...] = ("pool5",)
    stretches: ClassVar[bool] = False

    def __init__(self, standardised: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self._released = False
        self._standardise(standardised or {})

    def _standardise(self, widths: Mapping[str, int]) -> None:
        self._standardised = dict(widths)
        self.standard = nn.ModuleDict({name: _Standard(width) for name, width in widths.items()})

    @classmethod
    @abstractmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        """As `released`, which marks the scorer as one of these."""

    @classmethod
    def released(cls, state: Mapping[str, Tensor]) -> Self:
        model = cls.of_weights(state)
        model._released = True
        return model

    @property
    def architecture(self) -> dict[str, Any]:
        scale = {"standardised": dict(self._standardised)} if self._standardised else {}
        return self.sizes | scale

    @abstractmethod
    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores (T,) of one video in 0..1 from its prepared inputs, (T, D) each, to one scale."""

    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        scores = []
        for inputs_of_one, valid_T in self.videos(inputs, valid_BT):
            scores_T = self.video(inputs_of_one)
            if valid_T is not None:
                empty_T = scores_T.new_zeros(valid_T.shape)
                scores_T = empty_T.masked_scatter(valid_T, scores_T)
            scores.append(scores_T)
        return torch.stack(scores)

    @classmethod
    def lowers_squares(cls) -> bool:
        return cls.learnt is Scorer.learnt and cls.loss is Peer.loss and not cls.stretches

    def loss(self, scores_BT: Tensor, batch: Batch) -> Tensor:
        if self.stretches:
            target_BT = stretched(batch.gtscore_BT, batch.valid_BT)
            batch = batch._replace(gtscore_BT=target_BT)
        return super().loss(scores_BT, batch)

    def videos(
        self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None
    ) -> Iterator[tuple[dict[str, Tensor], Tensor | None]]:
        """Each video's inputs without padding, to one scale, and which frames of its row are real:
        None where all are.
        """
        for row in range(len(next(iter(inputs.values())))):
            valid_T = None if valid_BT is None else valid_BT[row]
            yield (
                {
                    name: self._scaled(name, x_BTD[row] if valid_T is None else x_BTD[row][valid_T])
                    for name, x_BTD in inputs.items()
                },
                valid_T,
            )

    def one(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A video's prepared inputs to one scale, from its inputs as in `scores`."""
        ((found, _),) = self.videos(alone(self.prepare(self._taken(inputs))), None)
        return found

    def _scaled(self, name: str, x_TD: Tensor) -> Tensor:
        return self.standard[name](x_TD) if name in self.standard else x_TD

    def _taken(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self._released and all(name in inputs for name in self.authors_inputs):
            return {name: inputs[name] for name in self.authors_inputs}
        return inputs

    @torch.inference_mode()
    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return super().scores(self._taken(inputs))

    @torch.no_grad()
    def absorb(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        """Inputs are added to what attention makes of them, so no layer can take the scale in: it
        is kept beside the weights.
        """
        self._standardise({name: len(mean_D) for name, mean_D in means.items()})
        for name, standard in self.standard.items():
            standard.load_state_dict({"mean": means[name], "deviation": deviations[name]})


def stretched(gtscore_BT: Tensor, valid_BT: Tensor) -> Tensor:
    """People's scores with each video's least at 0 and its greatest at 1, (B, T).

    All alike, they are 0. Padding is as it was.
    """
    low_B1 = gtscore_BT.masked_fill(~valid_BT, torch.inf).amin(1, keepdim=True)
    high_B1 = gtscore_BT.masked_fill(~valid_BT, -torch.inf).amax(1, keepdim=True)
    spread_B1 = high_B1 - low_B1
    found_BT = (gtscore_BT - low_B1) / spread_B1.where(spread_B1 > 0, torch.ones_like(spread_B1))
    return torch.where(valid_BT, found_BT, gtscore_BT)


@torch.no_grad()
def started(model: nn.Module, bias: float = 0.1) -> None:
    """Every linear layer as VASNet's authors, and others after them, begin: Xavier's uniform
    weights with a gain of √2, and each bias the same.
    """
    for part in model.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight, gain=math.sqrt(2))
            if part.bias is not None:
                nn.init.constant_(part.bias, bias)


def check_divided(kind: str, width: int, heads: int) -> None:
    """Raises UserError where an input's width is no multiple of the heads that share it."""
    if width % heads:
        raise UserError(
            f"params.yaml: models: a scorer of kind {kind} needs features whose width is a "
            f"multiple of heads {heads}; found {width}"
        )
