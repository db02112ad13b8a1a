"""The mean of a frame's vector and of those around it."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def mean_over(x_TD: Floats, window: int) -> Floats:
    """Each frame's mean over the `window` frames centred on it, of those that the video has.

    They are the frames whose captions the LLM is shown with a window of that size (`embed.edges:
    truncate`).

    Args:
        x_TD: a vector a frame, in order.
        window: odd; 1 leaves every vector as it is.

    Returns:
        (T, D)
    """
    if window == 1:
        return x_TD
    count, reach = len(x_TD), window // 2
    sums_TD = np.zeros((count + 1, x_TD.shape[1]))  # of those before each; float64
    np.cumsum(x_TD, axis=0, out=sums_TD[1:])
    first_T = np.maximum(np.arange(count) - reach, 0)
    beyond_T = np.minimum(np.arange(count) + reach + 1, count)
    sizes_T1 = (beyond_T - first_T)[:, None]
    means_TD: Floats = ((sums_TD[beyond_T] - sums_TD[first_T]) / sizes_T1).astype(np.float32)
    return means_TD
