"""CLIP-It: frames guided by what is said of their video, then scored by a Transformer.

Narasimhan, Rohrbach and Darrell, *CLIP-It! Language-Guided Video Summarization* (NeurIPS 2021,
arXiv 2107.00650). No code or checkpoint was released; this is built from the paper.

Shapes: B videos, T frames, D feature width, S text width, K captions that are read.
"""

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from stages.errors import UserError
from stages.scorers.head import STATES
from stages.scorers.peers.captioned import TEXT, captioned
from stages.scorers.peers.peer import Peer, check_divided
from stages.scorers.peers.positions import sinusoid
from stages.scorers.peers.settings import ClipItEntry
from stages.scorers.scorer import Batch, matrices

_GUIDES = 4
"""Heads of the attention to the text."""


class ClipIt(Peer):
    """K captions, side by side → Linear → one text; features ask it (4 heads), what it answers is
    added, LayerNorm → + sinusoid → Transformer encoder → Linear, sigmoid.

    The paper's captions are of events, by a dense captioner, embedded by CLIP; here they are those
    of K frames evenly spaced over the video, in the recipe's embedding. An attention to one text
    gives that text to every frame, whatever it asks: the paper does not say what is added to
    what, and without the frames beside the answer no frame would differ from another but by its
    place.

    Learns from people's keyshots by cross-entropy, both classes weighing alike in a video. The
    paper's other two terms, which spread what is chosen and rebuild the frames by a decoder, are
    missing: how they are weighed was not to be found.

    Args:
        width: D, a multiple of `heads` and of 4. Paper: 512 (CLIP ViT-B/32).
        text: S. Paper: 512.
        captions: K. Paper: 7.
        layers, heads, feedforward, dropout: of the encoder. Paper's, as others read it: 6 and 8;
            2048 and 0.1 are the usual ones.
        standardised: as in `Peer`.
    """

    kind = "clip-it"
    keyshots = True
    authors_inputs = ("clip", TEXT)

    def __init__(
        self,
        width: int,
        text: int,
        captions: int = 7,
        layers: int = 6,
        heads: int = 8,
        feedforward: int = 2048,
        dropout: float = 0.1,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {
            "width": width,
            "text": text,
            "captions": captions,
            "layers": layers,
            "heads": heads,
            "feedforward": feedforward,
            "dropout": dropout,
        }
        self.captions = nn.Linear(captions * text, width)
        self.guide = nn.MultiheadAttention(width, _GUIDES, batch_first=True)
        self.guided = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.score = nn.Linear(width, 1)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return captioned(cls.kind, inputs)

    @classmethod
    def build(cls, entry: ClipItEntry, widths: Mapping[str, int]) -> Self:
        check_divided(cls.kind, widths[STATES], math.lcm(entry.heads, _GUIDES))
        sizes = (entry.captions, entry.layers, entry.heads, entry.feedforward, entry.dropout)
        return cls(widths[STATES], widths[TEXT], *sizes)

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        raise UserError("CLIP-It's authors released no weights")

    @property
    def pairs(self) -> tuple[int, int]:
        """The encoder's; before it each frame asks one text."""
        width, layers, heads = (int(self.sizes[name]) for name in ("width", "layers", "heads"))
        return 4 * width * layers, heads * layers

    @property
    def products(self) -> int:
        """What is said of the video goes through its layers once, and not once a frame."""
        said = matrices(self.captions) + 2 * int(self.sizes["width"]) ** 2
        return super().products - said

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        x_TD, text_TS = inputs[STATES], inputs[TEXT]
        read_K = _amid(len(text_TS), int(self.sizes["captions"]))
        text_1D = self.captions(text_TS[read_K].flatten())[None]
        answer_TD, _ = self.guide(x_TD, text_1D, text_1D, need_weights=False)
        x_TD = self.guided(x_TD + answer_TD)
        x_TD = self.dropout(x_TD + sinusoid(x_TD))
        scores_T: Tensor = self.score(self.encoder(x_TD[None])[0]).squeeze(-1).sigmoid()
        return scores_T

    def loss(self, scores_BT: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy on people's keyshots: of a video, the mean over its keyframes and the
        mean over the rest, halved; the mean over videos.
        """
        assert batch.keyshots_BT is not None
        chosen_BT = batch.keyshots_BT.to(torch.float32)
        # In full precision, which torch asks for where the rest is in half.
        with torch.autocast(scores_BT.device.type, enabled=False):
            each_BT = binary_cross_entropy(scores_BT.float(), chosen_BT, reduction="none")
        classes = []
        for of_class_BT in (
            batch.keyshots_BT & batch.valid_BT,
            ~batch.keyshots_BT & batch.valid_BT,
        ):
            count_B = of_class_BT.sum(dim=1).clamp(min=1)
            classes.append((each_BT * of_class_BT).sum(dim=1) / count_B)
        return torch.stack(classes).mean()


def _amid(frames: int, parts: int) -> list[int]:
    """The frame amid each of as many equal parts of a video."""
    return [(2 * part + 1) * frames // (2 * parts) for part in range(parts)]
