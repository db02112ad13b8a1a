"""PGL-SUM: attention over the whole video and within its segments, positions in both.

Apostolidis, Balaouras, Mezaris, Patras: *Combining Global and Local Attention with Positional
Encoding for Video Summarization*, ISM 2021; layers and their names are those of its public code, so
that its checkpoints fit.

Shapes: T frames, D width of the input, W width of an attention inside, H heads.
"""

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.peers.peer import started
from stages.scorers.peers.settings import PglSumEntry
from stages.scorers.peers.stream import Stream
from stages.scorers.scorer import matrices

_BASE = 10_000
_EPSILON = 1e-6
"""Of both norms."""

_BIAS = 0.1
"""Every bias begins so, those of the norms too."""


def positions(frames: int, width: int, like: Tensor) -> Tensor:
    """What is added to the energies of T frames, (T, T): a sinusoid of the row's place.

    Columns 2k and 2k + 1 hold sine and cosine of t / 10000^(2k / D), with D the input's width;
    the last column of an odd number of frames is 0.
    """
    place_T1 = torch.arange(frames, device=like.device, dtype=like.dtype)[:, None]
    even_K = 2 * torch.arange(frames // 2, device=like.device, dtype=like.dtype)
    angles_TK = place_T1 / _BASE ** (even_K / width)
    pairs_TK2 = torch.stack([angles_TK.sin(), angles_TK.cos()], dim=-1)
    return functional.pad(pairs_TK2.flatten(1), (0, frames % 2))


class Attention(nn.Module):
    """Heads side by side, their energies unscaled and with positions added.

    Args:
        width: D.
        inner: W, of all heads together.
        heads: H.
        dropout: of the weights.
    """

    def __init__(self, width: int, inner: int, heads: int, dropout: float) -> None:
        super().__init__()

        def projections() -> nn.ModuleList:
            each = (nn.Linear(width, inner // heads, bias=False) for _ in range(heads))
            return nn.ModuleList(each)

        self.Wk, self.Wq, self.Wv = projections(), projections(), projections()
        self.out = nn.Linear(inner, width, bias=False)
        self.drop = nn.Dropout(dropout)

    def weights(self, x_TD: Tensor) -> list[Tensor]:
        """Of each head, (T, T): [i, j] is what frame i gives frame j, rows summing to 1."""
        place_TT = positions(len(x_TD), x_TD.shape[1], x_TD)
        return [
            (asked(x_TD) @ key(x_TD).T + place_TT).softmax(-1)
            for asked, key in zip(self.Wq, self.Wk, strict=True)
        ]

    def forward(self, x_TD: Tensor) -> Tensor:
        seen = [
            self.drop(weights_TT) @ value(x_TD)
            for weights_TT, value in zip(self.weights(x_TD), self.Wv, strict=True)
        ]
        found: Tensor = self.out(torch.cat(seen, dim=1))
        return found


class Attentions(nn.Module):
    """One attention over all frames, and one of its own for each segment, added as unit vectors.

    Segments are of ⌈T / S⌉ frames, so that of few frames the last ones are shorter, or empty. The
    authors' code fails wherever a segment has fewer than two (T below 8, 9, 10 and 13): here one
    frame sees itself, and where there is none there is nothing to see.
    """

    def __init__(
        self, width: int, segments: int, global_heads: int, local_heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention = Attention(width, width, global_heads, dropout)
        self.local_attention = nn.ModuleList(
            Attention(width, width // segments, local_heads, dropout) for _ in range(segments)
        )

    def forward(self, x_TD: Tensor) -> Tensor:
        parts = torch.split(x_TD, math.ceil(len(x_TD) / len(self.local_attention)))
        # Of few frames there are fewer parts than attentions; the last of these then idle.
        near = [attend(part) for attend, part in zip(self.local_attention, parts, strict=False)]
        whole_TD = functional.normalize(self.attention(x_TD), dim=1)
        return whole_TD + functional.normalize(torch.cat(near), dim=1)


class PglSum(Stream):
    """x + attentions → LayerNorm → Linear D to D, ReLU, LayerNorm → Linear to 1 → sigmoid.

    Args:
        width: D. Its authors': 1024.
        segments: of a video. Its authors': 4.
        global_heads, local_heads: of the attention over all frames, and of one segment's. Its
            authors': 8 and 4.
        dropout: of attentions' weights, and before both norms. Its authors': 0.5.
        standardised: as in `Peer`.
    """

    kind = "pgl-sum"

    def __init__(
        self,
        width: int,
        segments: int = 4,
        global_heads: int = 8,
        local_heads: int = 4,
        dropout: float = 0.5,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {
            "width": width,
            "segments": segments,
            "global_heads": global_heads,
            "local_heads": local_heads,
            "dropout": dropout,
        }
        # Set so because its authors' name for it is what every scorer calls its maps.
        self._modules["attention"] = Attentions(width, segments, global_heads, local_heads, dropout)
        self.linear_1 = nn.Linear(width, width)
        self.linear_2 = nn.Linear(width, 1)
        self.drop = nn.Dropout(dropout)
        self.norm_y = nn.LayerNorm(width, eps=_EPSILON)
        self.norm_linear = nn.LayerNorm(width, eps=_EPSILON)
        started(self, _BIAS)
        for norm in (self.norm_y, self.norm_linear):
            nn.init.constant_(norm.bias, _BIAS)

    @property
    def attentions(self) -> Attentions:
        """The module that is called `attention` in checkpoints."""
        found = self._modules["attention"]
        assert isinstance(found, Attentions)
        return found

    @classmethod
    def build(cls, entry: PglSumEntry, widths: Mapping[str, int]) -> Self:
        """Raises UserError where the heads do not divide the input's width."""
        (width,) = widths.values()
        parts = math.lcm(entry.global_heads, entry.segments * entry.local_heads)
        if width % parts:
            raise UserError(
                f"params.yaml: models: a scorer of kind {cls.kind} with these heads and segments "
                f"needs an input whose width is a multiple of {parts}; found {width}"
            )
        return cls(width, entry.segments, entry.global_heads, entry.local_heads, entry.dropout)

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        _, width = released.shape(state, "linear_1.weight")

        def counted(before: str, after: str) -> int:
            return max(1, sum(n.startswith(before) and n.endswith(after) for n in state))

        segments = counted("attention.local_attention.", ".out.weight")
        heads = counted("attention.attention.Wk.", ".weight")
        local = counted("attention.local_attention.0.Wk.", ".weight")
        return released.fitted(cls(width, segments, heads, local), state)

    @property
    def pairs(self) -> tuple[int, int]:
        """Of S segments, each has an S-th of the width and of S² pairs one is within it."""
        width, segments = self.linear_1.in_features, int(self.sizes["segments"])
        heads = self.sizes["global_heads"] + self.sizes["local_heads"] / segments
        return round(4 * width * (1 + 1 / segments**2)), math.ceil(heads)

    @property
    def products(self) -> int:
        """A frame goes through the attention of its own segment alone."""
        segments = int(self.sizes["segments"])
        near = matrices(self.attentions.local_attention)
        return super().products - near * (segments - 1) // segments

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        (x_TD,) = inputs.values()
        y_TD = self.norm_y(self.drop(self.attentions(x_TD) + x_TD))
        h_TD = self.norm_linear(self.drop(self.linear_1(y_TD).relu()))
        scores_T: Tensor = self.linear_2(h_TD).sigmoid().squeeze(-1)
        return scores_T

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(1, H, T, T) of the attention over all frames."""
        with self._evaluating():
            (x_TD,) = self.one(inputs).values()
            return torch.stack(self.attentions.attention.weights(x_TD))[None]
