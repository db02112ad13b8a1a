"""Where a frame stands in its video, as a vector of sines and cosines.

Vaswani et al., *Attention Is All You Need* (NeurIPS 2017), section 3.5. Shapes: T places, D width.
"""

import math

import torch
from torch import Tensor


def sinusoid(like_TD: Tensor) -> Tensor:
    """Of places 0 to T - 1, (T, D) on the device of `like_TD`, in float32: of place p, element 2i
    is sin(p / 10000^(2i / D)) and element 2i + 1 its cosine. D is even.

    Computed on the CPU in the order of operations that published code uses, so that the last bits
    are those of the tables in its checkpoints.
    """
    frames, width = like_TD.shape
    place_T1 = torch.arange(frames)[:, None]
    rate_E = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angle_TE = place_T1 * rate_E
    return torch.stack([angle_TE.sin(), angle_TE.cos()], dim=-1).flatten(1).to(like_TD.device)
