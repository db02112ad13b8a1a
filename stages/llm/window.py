"""The captions around a frame that the LLM judges it by."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Edges = Literal["truncate", "repeat", "mirror"]


def windows(captions: Sequence[str], size: int, edges: Edges = "truncate") -> list[tuple[str, ...]]:
    """For each of T captions, those of the `size` frames centred on it (section 3).

    Args:
        captions: of one video's sampled frames, in order.
        size: odd number of frames in a whole window.
        edges: what stands where a window reaches beyond the video. "truncate": nothing, so frames
            that do not exist are not judged against; "repeat": its first or last caption;
            "mirror": the captions met on the way back, the end one once.
    """
    reach, count = size // 2, len(captions)
    if edges == "truncate" or not count:
        return [
            tuple(captions[max(0, centre - reach) : centre + reach + 1]) for centre in range(count)
        ]
    padded = np.pad(np.arange(count), reach, mode="edge" if edges == "repeat" else "reflect")
    return [
        tuple(captions[index] for index in padded[centre : centre + size].tolist())
        for centre in range(count)
    ]
