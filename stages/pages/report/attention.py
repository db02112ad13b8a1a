"""What each frame looked at, by the attention of the first scorer: as pictures and as shares.

Shapes: T frames, L layers, H heads, S side of a picture.
"""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stages.artifacts import predictions, timeline
from stages.artifacts.places import Places
from stages.scorers import checkpoints, registry
from stages.scorers.attention_maps import local_share, uniform_share
from stages.scorers.settings import Input
from stages.splits.settings import Protocol
from stages.training.inputs import Inputs

MEAN, HEAD = 240, 96
"""Most pixels along a side: of the mean's picture, of a head's."""


@dataclass(frozen=True)
class Maps:
    """A video's maps as data addresses of PNG: the mean, and each layer's heads."""

    mean: str
    heads: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Share:
    """What of a head's attention stays near, mean over videos; layer and head count from 1."""

    layer: int
    head: int
    local: float


@dataclass(frozen=True)
class Attention:
    """Maps by video; shares within `reach` frames by head, and that of looking at all alike."""

    reach: int
    shares: tuple[Share, ...]
    uniform: float
    maps: dict[str, Maps]


@dataclass
class _Seen:
    """What has been looked at so far."""

    reach: int
    maps: dict[str, Maps] = field(default_factory=dict)
    locals_LH: list[Tensor] = field(default_factory=list)
    uniform: list[float] = field(default_factory=list)

    def add(self, video: str, weights_LHTT: Tensor) -> None:
        self.locals_LH.append(local_share(weights_LHTT, self.reach))
        self.uniform.append(uniform_share(weights_LHTT.shape[-1], self.reach))
        self.maps[video] = Maps(
            picture(weights_LHTT.mean((0, 1)), MEAN),
            tuple(tuple(picture(map_TT, HEAD) for map_TT in heads) for heads in weights_LHTT),
        )

    def shares(self) -> tuple[Share, ...]:
        mean_LH = torch.stack(self.locals_LH).mean(0)
        return tuple(
            Share(layer + 1, head + 1, float(share))
            for layer, heads in enumerate(mean_LH)
            for head, share in enumerate(heads)
        )


def read(
    places: Places,
    model: str,
    names: tuple[Input, ...],
    protocol: Protocol,
    seed: int,
    reach: int,
    advance: Callable[[], None] = lambda: None,
) -> Attention | None:
    """Run the trained model of each split on the videos it tests: one model and one video in
    memory at a time. A video that several splits test is seen once, by the first of them.

    Args:
        model: its name.
        names: of the inputs it was trained on.
        protocol, seed: of the checkpoints.
        reach: frames on either side that count as near.

    Returns:
        None for a model without attention.

    Raises:
        UserError: a checkpoint or another file cannot be read.
    """
    videos = timeline.read(places.timeline)
    lengths = {video.name: len(video.picks_T) for video in videos.videos}
    scored = predictions.read(places.predictions(model), lengths, [protocol])
    seen = _Seen(reach)
    with Inputs(places.inputs, model, names).reading() as inputs:
        for number, tested in enumerate(scored[protocol].splits):
            run = predictions.place(protocol, seed, number)
            scorer = registry.load(places.checkpoints(model) / f"{run}{checkpoints.SUFFIX}")
            for name in tested:
                if name in seen.maps:
                    continue
                given = inputs.video(videos.by_name[name], protocol, number)
                weights_LHTT = scorer.attention(given)
                if weights_LHTT is None:
                    return None
                seen.add(name, weights_LHTT)
                advance()
            del scorer  # or it would stay until the next one is read
    return Attention(reach, seen.shares(), float(np.mean(seen.uniform)), seen.maps)


def shrunk(map_TT: Tensor, most: int) -> Tensor:
    """A map of at most `most` to a side, neighbouring frames averaged."""
    side = min(most, len(map_TT))
    pooled: Tensor = torch.nn.functional.adaptive_avg_pool2d(map_TT[None, None], side)
    return pooled[0, 0]


def picture(map_TT: Tensor, most: int) -> str:
    """A map as a picture: white for nothing, black for the most there is in it."""
    map_SS = shrunk(map_TT, most)
    # Square roots show what is small beside a few large weights.
    shade_SS = (map_SS / map_SS.max().clamp_min(1e-12)).sqrt()
    grey_SS = (255 * (1 - shade_SS)).round().to(torch.uint8).numpy()
    buffer = io.BytesIO()
    Image.fromarray(grey_SS).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
