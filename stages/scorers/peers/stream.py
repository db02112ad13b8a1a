"""Peers that are fed one vector a frame.

Shapes: T frames, D width of the input.
"""

from collections.abc import Mapping

from torch import Tensor

from stages.scorers.head import maximum
from stages.scorers.peers.peer import Peer


class Stream(Peer):
    """A peer of one input; of several equally wide ones, their elementwise maximum."""

    @classmethod
    def prepare(cls, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One vector a frame. Raises UserError where inputs are of different widths."""
        return maximum(cls.kind, inputs)
