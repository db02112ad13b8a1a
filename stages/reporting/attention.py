"""The global attention of the first model, as pictures and as shares.

Shapes: T frames, L layers, H heads, S side of a picture.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from stages.artifacts.field import Annotations
from stages.scorers import checkpoints
from stages.scorers.attention_maps import attention, local_share, uniform_share
from stages.splits.folds import Protocol
from stages.training import inputs as states
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
    maps: Mapping[str, Maps]


def read(
    folder: Path,
    embeddings: Path,
    annotations: Annotations,
    inputs: Inputs,
    protocol: Protocol,
    tested: Sequence[Sequence[str]],
    seed: int,
    reach: int,
    advance: Callable[[], None] = lambda: None,
) -> Attention | None:
    """Run the trained model of each split on the videos it tests: one model and one video in
    memory at a time.

    Args:
        folder: the model's checkpoints.
        embeddings, annotations, inputs: what it was trained on.
        protocol, seed: of the checkpoints.
        tested: names of the videos that each split tests; one tested twice is seen once.
        reach: frames on either side that count as near.

    Returns:
        None for a model without attention.

    Raises:
        UserError: a checkpoint or the embeddings cannot be read.
    """
    annotated = {video.name: video for video in annotations.videos}
    maps: dict[str, Maps] = {}
    locals_LH, uniform = [], []
    for number, names in enumerate(tested):
        model = checkpoints.load(folder / protocol / f"seed_{seed}" / f"split_{number}.safetensors")
        if model.transformer_encoder_agg is None:
            return None
        for name in names:
            if name in maps:
                continue
            alone = replace(annotations, videos=(annotated[name],))
            (video,) = states.read(embeddings, alone, inputs, protocol, number)
            weights_LHTT = attention(model, video.x_TD)
            frames = weights_LHTT.shape[-1]
            locals_LH.append(local_share(weights_LHTT, reach))
            uniform.append(uniform_share(frames, reach))
            maps[name] = Maps(
                picture(weights_LHTT.mean((0, 1)), MEAN),
                tuple(tuple(picture(map_TT, HEAD) for map_TT in heads) for heads in weights_LHTT),
            )
            advance()
        del model  # or it would stay until the next one is read
    mean_LH = torch.stack(locals_LH).mean(0)
    shares = tuple(
        Share(layer + 1, head + 1, float(share))
        for layer, heads in enumerate(mean_LH)
        for head, share in enumerate(heads)
    )
    return Attention(reach, shares, float(np.mean(uniform)), maps)


def shrunk(map_TT: torch.Tensor, most: int) -> torch.Tensor:
    """A map of at most `most` to a side, neighbouring frames averaged."""
    side = min(most, len(map_TT))
    pooled: torch.Tensor = torch.nn.functional.adaptive_avg_pool2d(map_TT[None, None], side)
    return pooled[0, 0]


def picture(map_TT: torch.Tensor, most: int) -> str:
    """A map as a picture: white for nothing, black for the most there is in it."""
    map_SS = shrunk(map_TT, most)
    # Square roots show what is small beside a few large weights.
    shade_SS = (map_SS / map_SS.max().clamp_min(1e-12)).sqrt()
    grey_SS = (255 * (1 - shade_SS)).round().to(torch.uint8).numpy()
    buffer = io.BytesIO()
    Image.fromarray(grey_SS).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
