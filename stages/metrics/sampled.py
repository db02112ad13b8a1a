"""A measure without the knapsack: scores at the sampled frames against people's choices there.

Shapes: T sampled frames, N video frames, U users (annotators).

Where summaries are compared (SumMe), a knapsack stands between scores and figures, and prefers
short shots as people do. Here nothing stands between: τ and ρ are of the scores against the share
of the users who chose a frame, one coefficient a video; the point-biserial r is of the scores
against each user's own choices, then the mean over users. Constant scores earn 0 by construction;
scores that follow people's habits, such as their preference for short shots, still earn something.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.metrics.agreement import with_each
from stages.metrics.rank import Rankings

Floats = npt.NDArray[np.float64]


class SampledMarks(NamedTuple):
    """τ-b, ρ and the point-biserial r, each in -1..1."""

    tau: float
    rho: float
    biserial: float


@dataclass(frozen=True, eq=False)
class Choices:
    """Whether each user's summary shows each sampled frame: chosen_UT, 0 or 1."""

    chosen_UT: Floats

    @cached_property
    def mean_T(self) -> Floats:
        """The share of the users who chose a frame."""
        return np.asarray(self.chosen_UT.mean(axis=0))

    @cached_property
    def _mean(self) -> Rankings:
        return Rankings.of(self.mean_T)

    @cached_property
    def _direction_UT(self) -> Floats:
        return _directions(self.chosen_UT)

    def marks(self, scores_T: Floats) -> SampledMarks:
        """What scores earn. A user who chose all of the frames or none counts as 0, as constant
        scores do.
        """
        agreed = with_each(Rankings.of(scores_T), self._mean)
        biserial_U = self._direction_UT @ _directions(scores_T[None])[0]
        return SampledMarks(*agreed, float(biserial_U.mean().clip(-1, 1)))

    def oracle(self) -> SampledMarks:
        """People's mean as if it were the scores: τ and ρ are 1 where it orders anything, and r is
        the most that one set of scores can come near to.
        """
        return self.marks(self.mean_T)

    def human(self) -> SampledMarks:
        """Each user's choices as if they were scores, marked by the other users alone, then the
        mean over users: against the others' mean for τ and ρ, and against each of the others for r,
        which is the mean over pairs. People who marked themselves too would stand too high. Choices
        are 0 or 1, and so many ties hold τ lower than graded scores could reach.

        Raises UserError for fewer than two users.
        """
        users = len(self.chosen_UT)
        if users < 2:
            raise UserError("agreement between people takes at least two annotators of a video")
        others_UT = (self.chosen_UT.sum(axis=0) - self.chosen_UT) / (users - 1)
        agreed = [
            with_each(Rankings.of(own_T), Rankings.of(others_T))
            for own_T, others_T in zip(self.chosen_UT, others_UT, strict=True)
        ]
        pairs_UU = self._direction_UT @ self._direction_UT.T
        biserial = float(pairs_UU[~np.eye(users, dtype=bool)].mean())
        tau, rho = np.mean(agreed, axis=0).tolist()
        return SampledMarks(tau, rho, biserial)


def choices(user_summary_UN: npt.ArrayLike, picks_T: npt.NDArray[np.int64]) -> Choices:
    """Users' choices at the sampled frames of their summaries."""
    return Choices(np.asarray(user_summary_UN, dtype=np.float64)[:, picks_T])


def _directions(values_RT: Floats) -> Floats:
    """Each row centred and of unit length, so that products are Pearson's r; zeros where all its
    values are the same.
    """
    # By a power of two, which changes no digit: squares of what is tiny or huge are no numbers.
    _, exponent_R1 = np.frexp(np.abs(values_RT).max(axis=1, keepdims=True))
    values_RT = np.ldexp(values_RT, -exponent_R1)
    centred_RT = values_RT - values_RT.mean(axis=1, keepdims=True)
    # Told by the values: a mean that rounds leaves a constant row a little of a length.
    centred_RT[np.ptp(values_RT, axis=1) == 0] = 0
    length_R1 = np.linalg.norm(centred_RT, axis=1, keepdims=True)
    return np.asarray(centred_RT / np.where(length_R1 > 0, length_R1, 1))
