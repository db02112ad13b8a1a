"""What each frame looked at, by the attention of the first scorer: as pictures and as shares.

Shapes: T frames, W width of an input, L layers, H heads, S side of a picture.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stages.artifacts import embeddings, predictions, timeline
from stages.artifacts.embeddings import Embeddings
from stages.artifacts.places import Places
from stages.artifacts.timeline import Video
from stages.scorers import checkpoints
from stages.scorers.attention_maps import local_share, uniform_share

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
    inputs: Sequence[str],
    protocol: str,
    seed: int,
    reach: int,
    advance: Callable[[], None] = lambda: None,
) -> Attention | None:
    """Run the trained model of each split on the videos it tests: one model and one video in
    memory at a time. A video that several splits test is seen once, by the first of them.

    Args:
        model: its name.
        inputs: what it was trained on.
        protocol, seed: of the checkpoints.
        reach: frames on either side that count as near.

    Returns:
        None for a model without attention, and for one that sees what embeddings do not hold.

    Raises:
        UserError: a checkpoint or another file cannot be read.
    """
    videos = timeline.read(places.timeline)
    lengths = {video.name: len(video.picks_T) for video in videos.videos}
    scored = predictions.read(places.predictions_of(model), lengths, [protocol])
    seen = _Seen(reach)
    with embeddings.reading(places.embeddings) as embedded:
        for number, names in enumerate(scored[protocol].splits):
            scorer = checkpoints.load(places.checkpoint_of(model, protocol, seed, number))
            for name in names:
                if name in seen.maps:
                    continue
                given = _inputs(embedded, videos.by_name[name], inputs, protocol, number)
                weights_LHTT = None if given is None else scorer.attention(given)
                if weights_LHTT is None:
                    return None
                seen.add(name, weights_LHTT)
                advance()
            del scorer  # or it would stay until the next one is read
    return Attention(reach, seen.shares(), float(np.mean(seen.uniform)), seen.maps)


def _inputs(
    embedded: Embeddings, video: Video, names: Sequence[str], protocol: str, number: int
) -> dict[str, Tensor] | None:
    """A video's inputs (T, W) by name; None where one of them is no embedding."""
    of = embedded.video(video, protocol, number)
    held = {"query": of.query_TW, "answer": of.answer_TW}
    if not set(names) <= set(held):
        return None
    return {name: torch.from_numpy(np.asarray(held[name], dtype=np.float32)) for name in names}


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
