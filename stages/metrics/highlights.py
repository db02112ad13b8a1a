"""Whether scores find the segments of a video that people's score is highest in.

Shapes: T sampled frames, G segments.

As the authors of MR.HiSum measure it (Sul, Han, Lee, NeurIPS 2023; github.com/MRHiSum/MR.HiSum,
model/utils/evaluate_map.py): frames in segments of five, the last as long as what is left, each
worth its mean; by people's score the best half of the segments are highlights, or the best 15 %,
both numbers rounded down; the mark is the average precision with which scores order the segments,
and its mean over videos is MAP50 or MAP15. Their code puts a softmax over the segments' scores
first, which leaves their order, and does not say which of equal segments is a highlight; here it is
the earlier.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.errors import UserError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SHARES = (0.5, 0.15)
"""Of the segments that are highlights, in the order of the marks."""


class HighlightMarks(NamedTuple):
    """Average precision, each in 0..1, with half of the segments as highlights and with 15 %."""

    map50: float
    map15: float


@dataclass(frozen=True, eq=False)
class Highlights:
    """People's score at the sampled frames of a video, people_T, in segments of so many frames."""

    name: str
    people_T: Floats
    segment: int

    @cached_property
    def _chosen(self) -> tuple[Mask, ...]:
        people_G = segment_means(self.people_T, self.segment)
        masks = tuple(best(people_G, share) for share in SHARES)
        if not all(mask_G.any() for mask_G in masks):
            raise UserError(
                f"{self.name}: {len(self.people_T)} frames make {len(people_G)} segments of "
                f"{self.segment}, and 15 % of them are none; set evaluate.highlights in "
                "params.yaml to a smaller number of frames, or leave the video out"
            )
        return masks

    def marks(self, scores_T: Floats) -> HighlightMarks:
        """What scores earn. Raises UserError where the video is too short to have highlights."""
        scores_G = segment_means(scores_T, self.segment)
        return HighlightMarks(*(average_precision(mask_G, scores_G) for mask_G in self._chosen))

    def oracle(self) -> HighlightMarks:
        """People's own score as if it were a prediction: 1, but for segments of equal score."""
        return self.marks(self.people_T)


def segment_means(scores_T: Floats, segment: int) -> Floats:
    """The mean (G,) of each `segment` frames one after the other; the last has what is left.
    Segments of one and the same score tie, whatever rounding does to their means.
    """
    starts_G = np.arange(0, len(scores_T), segment)
    if len(scores_T) and np.ptp(scores_T) == 0:
        return np.full(len(starts_G), scores_T[0], dtype=np.float64)
    lengths_G = np.diff(starts_G, append=len(scores_T))
    return np.asarray(np.add.reduceat(scores_T, starts_G) / lengths_G)


def best(people_G: Floats, share: float) -> Mask:
    """The share of the segments that is highest, rounded down; of equal ones the earlier."""
    chosen_G = np.zeros(len(people_G), dtype=bool)
    chosen_G[np.argsort(-people_G, kind="stable")[: int(len(people_G) * share)]] = True
    return chosen_G


def average_precision(relevant_G: Mask, scores_G: Floats) -> float:
    """Σ (R_n - R_{n-1}) P_n over the distinct scores from the highest down, P_n and R_n precision
    and recall of all that reach the n-th: what equal scores hold counts together, as scikit-learn
    has it. At least one segment must be relevant.
    """
    order_G = np.argsort(-scores_G, kind="stable")
    found_G = np.cumsum(relevant_G[order_G])
    ends = np.flatnonzero(np.diff(scores_G[order_G], append=-np.inf))
    precision = found_G[ends] / (ends + 1)
    recall = found_G[ends] / found_G[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
