"""A scorer's size and arithmetic, from its entry alone.

It is built on torch's meta device, where tensors have shapes and no memory, and its kind says what
its arithmetic is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from stages.scorers import registry
from stages.scorers.settings import Entry, Input


@dataclass(frozen=True)
class Size:
    """What a scorer's arithmetic depends on.

    parameters: numbers that are learnt. products: those that a frame is multiplied with, each as
    often as it is. states: numbers kept of a frame for the way back. attention: operations of a
    pair of frames, over all layers; heads: numbers kept of it. fed: numbers of a frame that are
    read for it.
    """

    parameters: int
    products: int
    states: int
    attention: int
    heads: int
    fed: int

    def operations(self, frames: int, pairs: int) -> float:
        """Floating-point operations that score videos of so many frames together, and so many
        pairs of frames of the same video; a product and its sum being two.
        """
        return 2 * frames * self.products + self.attention * pairs

    def kept(self, frames: int) -> float:
        """Numbers kept of a video of so many frames until the way back."""
        return frames * self.states + frames**2 * self.heads


def size(entry: Entry, widths: Mapping[Input, int]) -> Size:
    """The size of an entry's scorer where its inputs are so wide.

    Raises UserError where its kind cannot be fed inputs of these widths.
    """
    kind = registry.scorer(entry.kind)
    with torch.device("meta"):
        prepared = kind.prepare({name: torch.empty(1, widths[name]) for name in entry.inputs})
        model = kind.build(entry, {name: x_1D.shape[1] for name, x_1D in prepared.items()})
    matrices = [each for each in model.parameters() if each.dim() > 1]
    operations, kept = model.pairs
    return Size(
        parameters=sum(each.numel() for each in model.parameters()),
        products=model.products,
        # What comes out of each matrix, and of what follows it: a norm, an activation.
        states=2 * sum(each.shape[0] for each in matrices),
        attention=operations,
        heads=kept,
        fed=sum(widths[name] for name in entry.inputs),
    )
