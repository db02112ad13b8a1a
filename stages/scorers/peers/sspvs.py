"""SSPVS: a video summarised progressively, each pass looking harder at what the last one found.

Li, Ke, Gong and Drummond, *Progressive Video Summarization via Multimodal Self-supervised
Learning* (WACV 2023). Layers, their names and sizes are those of the authors' code
(github.com/HopLee6/SSPVS-PyTorch), so that its checkpoints fit.

Shapes: B videos, T frames, D feature width, S text width, A = T + 1 rows: a learnt one before the
frames, F width inside a layer.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.head import STATES, maximum
from stages.scorers.peers.captioned import TEXT, captioned
from stages.scorers.peers.peer import Peer, check_divided
from stages.scorers.peers.positions import sinusoid
from stages.scorers.peers.settings import SspvsEntry
from stages.scorers.scorer import matrices

_POSITIONS = 0.1
"""What positions are multiplied by before they are added."""

_WHOLE = "video_model."
"""What its authors' Lightning module puts before every name."""

_UNLEARNT = ("pos_encoder.pe", "bert_encoder.", "bert_embeddings.")
"""The sinusoid, and a BERT that is frozen: in its authors' checkpoints, and not used here."""


class Sspvs(Peer):
    """Several passes through one encoder: CLS row + features, + positions → Transformer encoder,
    + what went in → a Linear and sigmoid of the pass's own; features then grow by their scores, x ←
    x s + x. A frame's score is the product of its passes'.

    Where it is fed `sentence`, what is said of the video is added to every frame of the first
    pass. In the paper that is BERT's pooled output for category, query and title. Those texts are
    not here: in their place stands the mean of the frames' caption embeddings, which goes through
    the same layers, the pooler's and the projection's. They are trained, and BERT itself is frozen
    in the paper, so that a checkpoint's BERT is not needed: where `sentence` is BERT's last state
    of [CLS], the scores are the authors' code's.

    The paper starts from weights learnt without people, from videos and their texts; none come
    with this project, and so training starts from random ones.
    Its code trains on crops and zero padding to 512 frames, which count in attention and loss;
    here whole videos are learnt from, and padding counts nowhere.

    Args:
        width: D, a multiple of `heads`. Paper: 1024.
        passes: Paper: 3 on SumMe, 4 on TVSum.
        layers, heads, feedforward: of the encoder. Paper: 3, 8 and 4096.
        dropout: within the encoder and on its input. Paper: 0.1.
        text: S, or None without text. Paper: 768.
        standardised: as in `Peer`.
    """

    kind = "sspvs"
    stretches = True

    def __init__(
        self,
        width: int = 1024,
        passes: int = 3,
        layers: int = 3,
        heads: int = 8,
        feedforward: int = 4096,
        dropout: float = 0.1,
        text: int | None = None,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {
            "width": width,
            "passes": passes,
            "layers": layers,
            "heads": heads,
            "feedforward": feedforward,
            "dropout": dropout,
            "text": text,
        }
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.score_predict = nn.ModuleList(
            nn.Sequential(nn.Dropout(0.1), nn.Linear(width, 1), nn.Sigmoid()) for _ in range(passes)
        )
        if text is not None:
            self.authors_inputs = ("pool5", TEXT)
            self.bert_pooler = nn.ModuleDict({"dense": nn.Linear(text, text)})
            self.project_t_v = nn.Sequential(
                nn.Linear(text, text), nn.ReLU(), nn.Linear(text, width)
            )
        self.v_cls = nn.Embedding(1, width)

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Raises UserError where inputs beside `sentence` are of different widths, or none."""
        return captioned(cls.kind, inputs) if TEXT in inputs else maximum(cls.kind, inputs)

    @classmethod
    def build(cls, entry: SspvsEntry, widths: Mapping[str, int]) -> Self:
        check_divided(cls.kind, widths[STATES], entry.heads)
        sizes = (entry.passes, entry.layers, entry.heads, entry.feedforward, entry.dropout)
        return cls(widths[STATES], *sizes, widths.get(TEXT))

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        """Heads are the paper's; shapes do not tell them."""
        state = {name.removeprefix(_WHOLE): of for name, of in state.items()}
        feedforward, width = released.shape(state, "transformer_encoder.layers.0.linear1.weight")
        text = None
        if "project_t_v.0.weight" in state:
            text = released.shape(state, "project_t_v.0.weight")[1]
        layers, passes = (
            1
            + max((int(name.split(".")[at]) for name in state if name.startswith(part)), default=0)
            for part, at in (("transformer_encoder.layers.", 2), ("score_predict.", 1))
        )
        model = cls(width, passes, layers, feedforward=feedforward, text=text)
        return released.fitted(model, state, spare=_UNLEARNT)

    @property
    def pairs(self) -> tuple[int, int]:
        """The encoder's, again in each pass."""
        once = super().pairs
        passes = int(self.sizes["passes"] or 0)
        return passes * once[0], passes * once[1]

    @property
    def products(self) -> int:
        """A frame goes through the encoder in each pass; what is said is read once a video."""
        coded = matrices(self.transformer_encoder) + int(self.sizes["width"] or 0)
        return int(self.sizes["passes"] or 0) * coded

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Raises UserError where it reads, and there is no text."""
        x_TD = inputs[STATES]
        scores_T = x_TD.new_ones(len(x_TD))
        for number, predict in enumerate(self.score_predict):
            seen_TD = self._seen(x_TD)
            if number == 0 and self.sizes["text"] is not None:
                seen_TD = seen_TD + self._said(inputs)
            score_T1 = predict(seen_TD)
            scores_T = scores_T * score_T1.squeeze(-1)
            x_TD = x_TD * score_T1 + x_TD
        return scores_T

    def _seen(self, x_TD: Tensor) -> Tensor:
        """What a pass makes of the frames before it scores them, (T, D)."""
        x_AD = torch.cat([self.v_cls.weight, x_TD])
        placed_AD = self.dropout(x_AD + sinusoid(x_AD) * _POSITIONS)
        coded_AD = self.transformer_encoder(placed_AD[None])[0]
        seen_TD: Tensor = (coded_AD + x_AD)[1:]
        return seen_TD

    def _said(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What is said of the video, (D,)."""
        if TEXT not in inputs:
            raise UserError(f"these weights of SSPVS read, and there is no input {TEXT}")
        pooled_S = self.bert_pooler["dense"](inputs[TEXT].mean(dim=0)).tanh()
        said_D: Tensor = self.project_t_v(pooled_S)
        return said_D
