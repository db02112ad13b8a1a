"""A2Summ: frames and captions that attend to themselves and, where they are of one moment, to each
other; each proposes what a summary should hold.

He et al., *Align and Attend: Multimodal Summarization with Dual Contrastive Losses* (CVPR 2023).
Layers, their names and sizes are those of the authors' code (github.com/boheumd/A2Summ,
`Model_VideoSumm`), so that its checkpoints fit.

Shapes: T frames of one video, D feature width, S text width, M width of the network, A = T + 1: a
CLS token before the frames or captions, N = 2 A: the frames', then the captions'.
"""

import re
from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.head import STATES
from stages.scorers.peers import centres, contrast
from stages.scorers.peers.alignment import HEADS, Layer, sees
from stages.scorers.peers.captioned import TEXT, captioned
from stages.scorers.peers.intervals import painted
from stages.scorers.peers.peer import Peer
from stages.scorers.peers.settings import A2SummEntry
from stages.scorers.peers.sides import Side, proposed
from stages.scorers.scorer import Batch, matrices

_PLACES = 5000
"""Positions there are; one is the CLS token's."""

_OVERLAP = 0.4
"""From which on a proposal gives way to a better one."""

_AGAIN = re.compile(r"multiway_list\.[1-9]")
"""Its authors' checkpoints name the one layer as often as it is used."""


class A2Summ(Peer):
    """Each input → Linear to M, dropout; behind a CLS token, + position, kind, and the place of
    the caption → layers, in which a frame sees all frames and its own caption, a caption all
    captions and its own frame → + what went in, LayerNorm → Linear, ReLU, LayerNorm → proposals.

    Scores are what its evaluation paints on frames: its proposals, the best of those that overlap,
    each over the frames it holds. It learns from keyshots, by both's proposals and two contrasts.

    The paper reads sentences as RoBERTa embeds them (768 numbers), each of ⌈frames / sentences⌉
    frames. `sentence` has one caption a frame in the recipe's embedding. As in its code, all layers
    are one layer, used again and again, and a caption's own place is that of the next frame's.
    Its code divides scores by the best of a batch; here by the best of the video.

    Args:
        width, text: D and S. Paper: 1024 and 768.
        hidden: M, a multiple of 8. Paper: 128.
        layers: Paper: 2.
        inter, intra: weights of the contrasts between and within videos. Paper: 0.1; 3.0 on SumMe,
            1.0 on TVSum.
        standardised: as in `Peer`.
    """

    kind = "a2summ"
    authors_inputs = ("pool5", TEXT)
    keyshots = True

    def __init__(
        self,
        width: int = 1024,
        text: int = 768,
        hidden: int = 128,
        layers: int = 2,
        inter: float = 0.1,
        intra: float = 3.0,
        standardised: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(standardised)
        self.sizes = {
            "width": width,
            "text": text,
            "hidden": hidden,
            "layers": layers,
            "inter": inter,
            "intra": intra,
        }
        self.proj_fc_video = nn.Sequential(nn.Linear(width, hidden), nn.Dropout(0.1))
        self.proj_fc_text = nn.Sequential(nn.Linear(text, hidden), nn.Dropout(0.1))
        self.pos_embed_video = nn.Parameter(torch.empty(1, _PLACES, hidden))
        self.pos_embed_text = nn.Parameter(torch.empty(1, _PLACES, hidden))
        self.pos_embed_segment = nn.Parameter(torch.empty(1, _PLACES, hidden))
        self.type_video = nn.Parameter(torch.empty(1, 1, hidden))
        self.type_text = nn.Parameter(torch.empty(1, 1, hidden))
        self.cls_token_video = nn.Parameter(torch.empty(1, 1, hidden))
        self.cls_token_text = nn.Parameter(torch.empty(1, 1, hidden))
        self.multiway_list = nn.ModuleList([Layer(hidden, dropout=0.5)])
        self.norm_video, self.norm_text = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.fc_video, self.fc_text = _before_proposals(hidden), _before_proposals(hidden)
        self.fc_video_cls, self.fc_text_cls = nn.Linear(hidden, 1), nn.Linear(hidden, 1)
        self.fc_video_loc, self.fc_text_loc = nn.Linear(hidden, 2), nn.Linear(hidden, 2)
        self.fc_video_ctr, self.fc_text_ctr = nn.Linear(hidden, 1), nn.Linear(hidden, 1)
        self.contrast = contrast.Contrast()
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.trunc_normal_(parameter, std=0.02)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.zeros_(part.bias)

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return captioned(cls.kind, inputs)

    @classmethod
    def build(cls, entry: A2SummEntry, widths: Mapping[str, int]) -> Self:
        sizes = (entry.hidden, entry.layers, entry.inter, entry.intra)
        return cls(widths[STATES], widths[TEXT], *sizes)

    @classmethod
    def of_weights(cls, state: Mapping[str, Tensor]) -> Self:
        """The contrasts' scales are in no checkpoint, and count in training alone."""
        hidden, width = released.shape(state, "proj_fc_video.0.weight")
        _, text = released.shape(state, "proj_fc_text.0.weight")
        layers = {name.split(".")[1] for name in state if name.startswith("multiway_list.")}
        kept = {name: of for name, of in state.items() if not _AGAIN.match(name)}
        for name in state.keys() - kept.keys():
            first = "multiway_list.0." + name.split(".", 2)[2]
            if first in state and not torch.equal(state[name], state[first]):
                raise UserError(f"{name} is not {first}: layers of A2Summ are one and the same")
        model = cls(width, text, hidden, len(layers))
        scales = {n: of for n, of in model.state_dict().items() if n.startswith("contrast.")}
        return released.fitted(model, scales | kept)

    @property
    def pairs(self) -> tuple[int, int]:
        """Frames and captions stand in one row, twice as long as the video."""
        layers = int(self.sizes["layers"])
        return 4 * 4 * int(self.sizes["hidden"]) * layers, 4 * HEADS * layers

    @property
    def products(self) -> int:
        """Of each frame a row and a caption's go through the one layer's attention, as often as it
        is used.
        """
        layer, layers = self.multiway_list[0], int(self.sizes["layers"])
        once, seen = matrices(layer), matrices(layer.get_submodule("attn_fusion"))
        return super().products - once + layers * (once + seen)

    def sides(self, inputs: Mapping[str, Tensor]) -> tuple[Side, Side]:
        """What comes out for frames and for captions of one video, from its prepared inputs.

        Raises UserError where there are fewer positions than frames.
        """
        video_TM = self.proj_fc_video(inputs[STATES])
        text_TM = self.proj_fc_text(inputs[TEXT])
        frames = len(video_TM)
        if frames >= _PLACES:
            raise UserError(
                f"A2Summ has positions for {_PLACES - 1} frames, and a video has {frames}; leave "
                "the model out of run.models, or sample fewer frames"
            )
        moment_AM = self.pos_embed_segment[0, : frames + 1]
        video_AM = torch.cat([self.cls_token_video[0], video_TM + moment_AM[:-1]])
        video_AM = video_AM + self.pos_embed_video[0, : frames + 1] + self.type_video[0]
        text_AM = torch.cat([self.cls_token_text[0], text_TM]) + moment_AM
        text_AM = text_AM + self.pos_embed_text[0, : frames + 1] + self.type_text[0]
        x_NM, sees_NN = torch.cat([video_AM, text_AM]), sees(frames, video_AM.device)
        for _ in range(int(self.sizes["layers"])):
            x_NM = self.multiway_list[0](x_NM, sees_NN)
        video_AM, text_AM = x_NM.chunk(2)
        seen_TM = self.fc_video(self.norm_video(video_TM + video_AM[1:]))
        read_TM = self.fc_text(self.norm_text(text_TM + text_AM[1:]))
        return (
            Side(
                video_AM[0].float(),
                seen_TM.float(),
                *proposed(seen_TM, self.fc_video_cls, self.fc_video_loc, self.fc_video_ctr),
            ),
            Side(
                text_AM[0].float(),
                read_TM.float(),
                *proposed(read_TM, self.fc_text_cls, self.fc_text_loc, self.fc_text_ctr),
            ),
        )

    def video(self, inputs: Mapping[str, Tensor]) -> Tensor:
        seen, _ = self.sides(inputs)
        score_T = (seen.logits_T.sigmoid() * seen.centre_T.sigmoid()).detach()
        score_T = (score_T / (score_T.max() + 1e-8)).cpu()
        intervals_T2 = centres.placed(seen.reach_T2.detach().cpu().numpy())
        painted_T = painted(score_T.numpy(), intervals_T2, len(score_T), _OVERLAP)
        return torch.from_numpy(np.asarray(painted_T)).to(seen.logits_T)

    def learnt(self, batch: Batch, scores_BT: Tensor | None = None) -> Tensor:
        """The losses of the proposals, of frames and of captions, and both contrasts."""
        assert batch.keyshots_BT is not None
        pairs = [self.sides(inputs) for inputs, _ in self.videos(batch.inputs, batch.mask_BT)]
        chosen = [
            keyshots_T[valid_T]
            for keyshots_T, valid_T in zip(batch.keyshots_BT, batch.valid_BT, strict=True)
        ]
        # Cross-entropy wants full precision.
        with torch.autocast(batch.valid_BT.device.type, enabled=False):
            of_both = []
            for sides in zip(*pairs, strict=True):
                losses = [side.loss(of_T) for side, of_T in zip(sides, chosen, strict=True)]
                focal, placing = zip(*losses, strict=True)
                of_both.append(torch.cat(focal).mean() + torch.stack(placing).mean())
            between = self.contrast.between(
                *(torch.stack([side.cls_M for side in sides]) for sides in zip(*pairs, strict=True))
            )
            within = [
                self.contrast.within(
                    (seen.seen_TM, seen.logits_T), (read.seen_TM, read.logits_T), of_T
                )
                for (seen, read), of_T in zip(pairs, chosen, strict=True)
            ]
            inside = torch.stack(within).mean()
            contrasts: Tensor = self.sizes["inter"] * between + self.sizes["intra"] * inside
            return torch.stack(of_both).sum() + contrasts

    @torch.inference_mode()
    def heads(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The frames' proposals of one video, from its inputs as in `scores`: cls (1, T), loc
        (1, T, 2) and ctr (1, T), as its authors' code gives them: cls before the sigmoid.
        """
        with self._evaluating():
            seen, _ = self.sides(self.one(inputs))
        found = {"cls": seen.logits_T, "loc": seen.reach_T2, "ctr": seen.centre_T.sigmoid()}
        return {name: part[None] for name, part in found.items()}


def _before_proposals(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(width))
