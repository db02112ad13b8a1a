"""The captions around a frame that the LLM judges it by."""

from collections.abc import Sequence


def windows(captions: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """For each of T captions, those of the `size` frames centred on it (section 3).

    At the ends of a video the window is cut short: frames that do not exist are not judged
    against.

    Args:
        captions: of one video's sampled frames, in order.
        size: odd number of frames in a whole window.
    """
    reach = size // 2
    return [
        tuple(captions[max(0, centre - reach) : centre + reach + 1])
        for centre in range(len(captions))
    ]
