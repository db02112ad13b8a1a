"""What systems of other papers have in common as scorers.

Shapes: B videos, T frames (padded to the longest of the batch), D width of an input.

Each is written for one video at a time, as its authors' code is: nothing of it then depends on
padding, and segments or pools are those of the video's own length.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from stages.scorers.scorer import Scorer, alone


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

    authors_inputs: what the authors feed; of more, a released scorer takes these alone.
    """

    authors_inputs: ClassVar[tuple[str, ...]] = ("pool5",)

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
    @abstractmethod
    def sizes(self) -> dict[str, Any]:
        """What `__init__` is called with besides `standardised`."""

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
