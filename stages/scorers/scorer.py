"""What every kind of scorer is: a video's inputs in, a score a frame out.

Shapes: B videos, T frames (padded to the longest video of the batch), D an input's width,
L layers, H heads of an attention.

An *input* is what a recipe has of every frame (`query`, `answer`, `image`: `settings.Input`). What
a kind makes of its inputs before anything is learnt is *prepared*, once; what is learnt from,
standardised and batched is the prepared inputs, by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from stages.errors import UserError


class Batch(NamedTuple):
    """Several videos, zero-padded to the longest; `valid_BT` is True at real frames.

    inputs: the prepared inputs by name, each (B, T, D). gtscore_BT: people's, 0 to 1. keyshots_BT:
    True at frames of the summary that people's scores make, for kinds that learn from it, else
    None. whole: nothing is padded.
    """

    inputs: Mapping[str, Tensor]
    gtscore_BT: Tensor
    valid_BT: Tensor
    keyshots_BT: Tensor | None = None
    whole: bool = False

    @property
    def mask_BT(self) -> Tensor | None:
        """`valid_BT`, or None where it says nothing: attention is faster without a mask."""
        return None if self.whole else self.valid_BT


class Scorer(nn.Module, ABC):
    """A network that scores the frames of a video.

    kind: as in params.yaml. version: to be raised where a change of the module's code changes
    what the same settings give, so that finished trainings are not taken for those of the new
    code. learns: whether training changes it; one that does not is scored as it is built.
    keyshots: whether it learns from people's keyshots, which its batches then hold.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    learns: ClassVar[bool] = True
    keyshots: ClassVar[bool] = False

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the kind makes of one video's inputs, each (T, D), before anything is learnt.

        As they are, unless a kind says otherwise. Raises UserError where they do not fit the kind.
        """
        return dict(inputs)

    @classmethod
    @abstractmethod
    def build(cls, entry: Any, widths: Mapping[str, int]) -> Self:
        """An untrained scorer.

        Args:
            entry: the kind's entry of `models` in params.yaml.
            widths: D of each prepared input.
        """

    @classmethod
    def released(cls, state: Mapping[str, Tensor]) -> Self:
        """The scorer of weights as the kind's authors release them, its sizes read off them.

        Args:
            state: by the names of the authors' layers, on the CPU.

        Raises:
            UserError: there is no such release, or these are other weights; says what was
                expected and what was found.
        """
        raise UserError(f"no checkpoint of kind {cls.kind} was ever released")

    @property
    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """What `__init__` is to be called with to build the same network, in JSON's types."""

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        """Score every frame.

        Args:
            inputs: prepared, by name, each (B, T, D).
            valid_BT: True at real frames, False at padding; None where nothing is padded.

        Returns:
            (B, T) in 0..1, zero at padding.
        """

    @abstractmethod
    def absorb(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        """Change a scorer of standardised inputs, in place, into the same one of raw ones.

        Args:
            means, deviations: of each prepared input, (D,) in float64: what it learnt from was
                (x - mean) / deviation.
        """

    @classmethod
    def lowers_squares(cls) -> bool:
        """Whether what training lowers is the squared error against people's mean score."""
        return cls.learnt is Scorer.learnt and cls.loss is Scorer.loss

    def learnt(self, batch: Batch, scores_BT: Tensor | None = None) -> Tensor:
        """What training lowers on a batch: by default the `loss` of its scores.

        A kind that learns from more than its scores overrides this.

        Args:
            batch: videos to learn from, or, in evaluation mode, to be measured on.
            scores_BT: the batch's scores, where they are known already.
        """
        if scores_BT is None:
            scores_BT = self(batch.inputs, batch.mask_BT)
        return self.loss(scores_BT, batch)

    def loss(self, scores_BT: Tensor, batch: Batch) -> Tensor:
        """By default the squared error, a mean over real frames. Padding counts nowhere."""
        squares_BT = (scores_BT - batch.gtscore_BT).square() * batch.valid_BT
        return squares_BT.sum() / batch.valid_BT.sum()

    @torch.inference_mode()
    def scores(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Scores (T,) of one video, in 0..1, from its inputs as the recipe has them, each (T, D).

        Whatever mode the scorer is in, it is asked in evaluation mode.
        """
        with self._evaluating():
            scores_BT: Tensor = self(alone(self.prepare(inputs)))
        return scores_BT[0]

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor | None:
        """What each frame of a video looked at, from its inputs as in `scores`.

        Returns:
            (L, H, T, T): [l, h, i, j] is what frame i gives frame j, rows summing to 1; None for
            a kind without attention.
        """
        return None

    @property
    def pairs(self) -> tuple[int, int]:
        """What a pair of frames costs: floating-point operations forward, a product and its sum
        being two, and numbers kept for the way back. By default what torch's own attention does.
        """
        attending = [part for part in self.modules() if isinstance(part, nn.MultiheadAttention)]
        return (
            sum(4 * part.embed_dim for part in attending),
            sum(part.num_heads for part in attending),
        )

    @property
    def products(self) -> int:
        """Numbers that a frame is multiplied with: by default those of every matrix, once."""
        return matrices(self)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(training)


def matrices(*parts: nn.Module) -> int:
    """Numbers in the matrices of some layers."""
    return sum(of.numel() for part in parts for of in part.parameters() if of.dim() == 2)


def alone(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One video's inputs (T, D) as a batch of it alone, (1, T, D)."""
    return {name: x_TD[None] for name, x_TD in inputs.items()}
