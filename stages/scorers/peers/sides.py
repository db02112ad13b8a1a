"""A2Summ's two sides: what is proposed from a video's frames, and from its captions.

Shapes: T frames of one video, M width of the network.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from stages.scorers.peers import centres


class Side(NamedTuple):
    """What comes out for a video's frames, or for its captions.

    cls_M: the CLS token after attention. seen_TM: what proposals are made of. logits_T: of being
    chosen. reach_T2: how far the frame's own interval reaches to the left and the right. centre_T:
    how central the frame is in it, before the sigmoid.
    """

    cls_M: Tensor
    seen_TM: Tensor
    logits_T: Tensor
    reach_T2: Tensor
    centre_T: Tensor

    def loss(self, chosen_T: Tensor) -> tuple[Tensor, Tensor]:
        """Of each frame's being chosen, (T,), and of the intervals about those chosen."""
        wanted_T2 = torch.from_numpy(centres.reaches(chosen_T.cpu().numpy())).to(self.reach_T2)
        placing = centres.placing(self.reach_T2, self.centre_T, chosen_T, wanted_T2)
        # Its code takes the mean over both classes where DSNet's takes their sum.
        return centres.focal(self.logits_T, chosen_T) / 2, placing


def proposed(x_TM: Tensor, *layers: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, reaches and centres, in full precision: half would not hold what is exponentiated."""
    logits_T1, reach_T2, centre_T1 = (layer(x_TM).float() for layer in layers)
    return logits_T1.squeeze(-1), reach_T2.exp(), centre_T1.squeeze(-1)
