"""What a multimodal LLM sees of a frame that is no square.

LLaVA-1.5 learnt from pictures made square with the mean colour of its image processor
(haotian-liu/LLaVA#591; `image_aspect_ratio: pad` and `expand2square` there). The processor beside
its weights on the hub resizes the short side and crops the middle, which hides 44 % of a 16:9
frame. Its class is CLIP's, whose own `do_pad` fills up a batch of pictures that are cropped
already, so that the frame is padded here, before the processor has it.

H, W = pixels of a frame, S = max(H, W), C = 3 colours.
"""

from typing import Any

import numpy as np

from stages.captioners.captioner import Pixels
from stages.captioners.settings import Framing
from stages.errors import UserError

Colour = tuple[int, int, int]


def mean_colour(images: Any) -> Colour:
    """The mean that an image processor of transformers subtracts, in 8 bit, cut off as in LLaVA."""
    red, green, blue = (int(255 * mean) for mean in images.image_mean)
    return red, green, blue


def square(frame_HWC: Pixels, colour: Colour) -> Pixels:
    """A frame in the middle of a square (S, S, C) of one colour; an odd pixel goes below or right.

    Source: `expand2square` of LLaVA's mm_utils.py.
    """
    height, width = frame_HWC.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square_SSC = np.empty((side, side, 3), np.uint8)
    square_SSC[:] = colour
    square_SSC[top : top + height, left : left + width] = frame_HWC
    return square_SSC


def prepare(name: str, images: Any, framing: Framing) -> None:
    """Have a model's image processor show what `framing` asks for.

    crop: as the processor has it. pad: `square` frames whole, at the size it crops to.

    Args:
        name: of the model, for messages.
        images: its image processor, of transformers.

    Raises:
        UserError: the processor crops no square out of a frame, or pads by itself.
    """
    tiles = hasattr(images, "image_grid_pinpoints")  # LLaVA-NeXT crops nothing off its tiles
    crops = bool(getattr(images, "do_center_crop", False)) and not tiles
    if framing == "crop":
        if crops and images.do_pad and hasattr(images, "pad_to_square"):
            raise UserError(
                f"{name}: its image processor is set to pad frames before it crops (do_pad); set "
                "caption.framing: pad"
            )
        return
    if not crops or images.crop_size["height"] != images.crop_size["width"]:
        raise UserError(
            f"{name}: its image processor ({type(images).__name__}) crops no square out of a "
            "frame, so there is nothing to pad for; set caption.framing: crop, which leaves "
            "frames to it"
        )
    images.size, images.do_center_crop = images.crop_size, False
