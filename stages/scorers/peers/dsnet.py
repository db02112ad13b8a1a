"""DSNet: intervals of frames proposed from attention over the video, anchor-based or anchor-free.

Zhu, Lu, Li, Zhou: *DSNet: A Flexible Detect-to-Summarize Network for Video Summarization*, IEEE TIP
2021; layers and their names are those of its public code, so that its checkpoints fit.

Shapes: B videos, T frames, D width of the input, M width of the heads' layer, H attention heads, S
scales of the anchors.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.peers import anchors, centres
from stages.scorers.peers.intervals import painted
from stages.scorers.peers.peer import started
from stages.scorers.peers.settings import DsnetEntry
from stages.scorers.peers.stream import Stream
from stages.scorers.scorer import Batch, matrices

BASED, FREE = "anchor-based", "anchor-free"
_SUPPRESSION = {BASED: 0.5, FREE: 0.4}
"""What its authors' instructions evaluate with."""


class Attention(nn.Module):
    """Heads side by side, scaled, without biases.

    Args:
        width: D.
        heads: H.
        dropout: of the weights, and of what comes out.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.Q = nn.Linear(width, width, bias=False)
        self.K = nn.Linear(width, width, bias=False)
        self.V = nn.Linear(width, width, bias=False)
        self.fc = nn.Sequential(nn.Linear(width, width, bias=False), nn.Dropout(dropout))
        self.dropout = nn.Dropout(dropout)

    def _split(self, x_TD: Tensor) -> Tensor:
        return x_TD.view(len(x_TD), self.heads, -1).transpose(0, 1)

    def weights(self, x_TD: Tensor) -> Tensor:
        """(H, T, T): [h, i, j] is what frame i gives frame j, rows summing to 1."""
        asked_HTd, keys_HTd = self._split(self.Q(x_TD)), self._split(self.K(x_TD))
        energies_HTT = asked_HTd @ keys_HTd.transpose(1, 2) / asked_HTd.shape[-1] ** 0.5
        weights_HTT: Tensor = energies_HTT.softmax(-1)
        return weights_HTT

    def forward(self, x_TD: Tensor) -> Tensor:
        seen_HTd = self.dropout(self.weights(x_TD)) @ self._split(self.V(x_TD))
        found: Tensor = self.fc(seen_HTd.transpose(0, 1).flatten(1))
        return found


class Dsnet(Stream):
    """x + attention → LayerNorm → (anchor-based: pools) → Linear D to M → heads.

    Anchor-based: means over each scale's frames, tanh; of every anchor a probability and an offset.
    Anchor-free: ReLU; of every frame a probability, a reach and how central it is. A frame's score
    is what the proposals that are left after suppression give it, which is what its authors make
    summaries of.

    Args:
        width: D. Its authors': 1024.
        heads: "anchor-based" or "anchor-free".
        hidden: M. Its authors': 128.
        attention_heads: H. Its authors': 8.
        scales: of the anchors, in frames, even. Its authors': 4, 8, 16, 32.
        suppression: the overlap from which the lesser of two proposals goes; None: its authors'.
        dropout: of attention's weights, and after both layers. Its authors': 0.5.
        standardised: as in `Peer`.
    """

    kind = "dsnet"
    keyshots = True

    def __init__(
        self,
        width: int,
        heads: str,
        hidden: int = 128,
        attention_heads: int = 8,
        scales: Sequence[int] = (4, 8, 16, 32),
        suppression: float | None = None,
        dropout: float = 0.5,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.free, self.scales = heads == FREE, tuple(scales)
        self.suppression = _SUPPRESSION[heads] if suppression is None else suppression
        self.sizes = {
            "width": width,
            "heads": heads,
            "hidden": hidden,
            "attention_heads": attention_heads,
            "scales": list(scales),
            "suppression": self.suppression,
            "dropout": dropout,
        }
        self.base_model = Attention(width, attention_heads, dropout)
        self.layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU() if self.free else nn.Tanh(),
            nn.Dropout(dropout),
            nn.LayerNorm(hidden),
        )
        self.fc_cls = nn.Linear(hidden, 1)
        self.fc_loc = nn.Linear(hidden, 2)
        if self.free:
            self.fc_ctr = nn.Linear(hidden, 1)
        else:
            started(self)

    @classmethod
    def build(cls, entry: DsnetEntry, widths: Mapping[str, int]) -> Self:
        """Raises UserError where the attention's heads do not divide the input's width."""
        (width,) = widths.values()
        if width % entry.attention_heads:
            raise UserError(
                f"params.yaml: models: a scorer of kind {cls.kind} needs an input whose width is a "
                f"multiple of attention_heads {entry.attention_heads}; found {width}"
            )
        return cls(
            width,
            entry.heads,
            entry.hidden,
            entry.attention_heads,
            entry.scales,
            entry.suppression,
            entry.dropout,
        )

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        hidden, width = released.shape(state, "fc1.0.weight")
        heads = FREE if "fc_ctr.weight" in state else BASED
        return released.fitted(cls(width, heads, hidden), state)

    @property
    def pairs(self) -> tuple[int, int]:
        return 4 * self.base_model.K.out_features, self.base_model.heads

    @property
    def products(self) -> int:
        """Where anchor-based, what follows attention is done for each scale."""
        again = 0 if self.free else len(self.scales) - 1
        return super().products + again * matrices(self.fc1, self.fc_cls, self.fc_loc)

    def _outputs(self, x_TD: Tensor) -> dict[str, Tensor]:
        """What the last layers give: `cls` (T,) or (T, S) and `ctr` (T,) before their sigmoids,
        `loc` (…, 2) before its exponential where anchor-free.
        """
        h_TD = self.layer_norm(self.base_model(x_TD) + x_TD)
        h_TM = self.fc1(h_TD if self.free else self._pooled(h_TD))
        # Half precision would not hold what is exponentiated of it.
        outputs = {"cls": self.fc_cls(h_TM).squeeze(-1), "loc": self.fc_loc(h_TM)}
        if self.free:
            outputs["ctr"] = self.fc_ctr(h_TM).squeeze(-1)
        return {name: output.float() for name, output in outputs.items()}

    def _pooled(self, h_TD: Tensor) -> Tensor:
        """Of each scale s the mean over frames t - s/2 to t + s/2 - 1, (T, S, D); frames outside
        the video count as zeros.
        """
        h_1DT = h_TD.T[None]
        means = [functional.avg_pool1d(h_1DT, s, stride=1, padding=s // 2) for s in self.scales]
        # A pool of even length has one place more than there are frames.
        return torch.cat(means).permute(2, 0, 1)[:-1]

    def _proposed(self, x_TD: Tensor) -> dict[str, Tensor]:
        found = self._outputs(x_TD)
        for name in found.keys() & {"cls", "ctr"}:
            found[name] = found[name].sigmoid()
        return found | {"loc": found["loc"].exp()} if self.free else found

    @torch.inference_mode()
    def heads(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the heads give for one video, its inputs as in `scores`.

        Returns:
            Anchor-based: `cls` (T, S) in 0..1, `loc` (T, S, 2), offsets. Anchor-free: `cls` (T,)
            and `ctr` (T,) in 0..1, `loc` (T, 2), frames to both sides.
        """
        with self._evaluating():
            (x_TD,) = self.one(inputs).values()
            return self._proposed(x_TD)

    @torch.no_grad()
    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        (x_TD,) = inputs.values()
        proposed = self._proposed(x_TD)
        scores = proposed["cls"]
        if self.free:
            scores = scores * proposed["ctr"]
            scores = scores / (scores.max() + 1e-8)
        loc = proposed["loc"].cpu().numpy()
        intervals = centres.placed(loc) if self.free else anchors.placed(loc, self.scales)
        shown_T = painted(scores.flatten().cpu().numpy(), intervals, len(x_TD), self.suppression)
        return torch.from_numpy(np.asarray(shown_T)).to(x_TD.device)

    def learnt(self, batch: Batch, scores_BT: Tensor | None = None) -> Tensor:
        """The loss of what is proposed for each video, a mean over videos.

        A video of which people's summary shows no sampled frame, or no anchor comes near one,
        counts as 0; its authors leave the first out of the epoch and have no number for the second.
        """
        assert batch.keyshots_BT is not None
        losses = []
        for row, (inputs, valid_T) in enumerate(self.videos(batch.inputs, batch.mask_BT)):
            (x_TD,) = inputs.values()
            chosen_T = batch.keyshots_BT[row]
            losses.append(self._loss(x_TD, chosen_T if valid_T is None else chosen_T[valid_T]))
        return torch.stack(losses).mean()

    def _loss(self, x_TD: Tensor, chosen_T: Tensor) -> Tensor:
        outputs, chosen = self._outputs(x_TD), chosen_T.cpu().numpy()
        with torch.autocast(x_TD.device.type, enabled=False):
            if self.free:
                wanted_T2 = torch.from_numpy(centres.reaches(chosen)).to(x_TD.device)
                reach_T2, centre_T = outputs["loc"].exp(), outputs["ctr"]
                return centres.loss(outputs["cls"], reach_T2, centre_T, chosen_T, wanted_T2)
            label_TS, wanted_TS2 = anchors.labels(chosen, self.scales, self._draws())
            known = (torch.from_numpy(of).to(x_TD.device) for of in (label_TS, wanted_TS2))
            return anchors.loss(outputs["cls"], outputs["loc"], *known)

    def _draws(self) -> torch.Generator:
        """What anchors are drawn with: ever anew in training, and always alike where measured."""
        return torch.Generator().manual_seed(
            int(torch.randint(1 << 62, ())) if self.training else 0
        )

    @torch.inference_mode()
    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """(1, H, T, T)."""
        with self._evaluating():
            (x_TD,) = self.one(inputs).values()
            return self.base_model.weights(x_TD)[None]
