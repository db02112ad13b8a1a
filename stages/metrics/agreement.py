"""How far a prediction's order agrees with people's, as the LLMVS release measures it.

Shapes: T sampled frames, N video frames, U users (annotators).

Two conventions, one a dataset. SumMe: the binary summary at full rate against the mean of the
users' summaries, one coefficient a video. TVSum: the scores at the sampled frames against each
user's, averaged over users. The release divides each user's scores by that user's maximum first;
ranks do not see it, so here nothing is divided.
"""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.metrics.rank import ConstantInput, Rankings, rhos, taus


class Agreement(NamedTuple):
    """Kendall's τ-b and Spearman's ρ, each in -1..1."""

    tau: float
    rho: float


def with_each(prediction: Rankings, references: Rankings) -> Agreement:
    """One ranking against each of U, averaged over them; a constant one counts as 0."""
    if len(references) == 0:
        raise UserError("there is no annotator to agree with")
    return Agreement(
        float(taus(prediction, references).mean()), float(rhos(prediction, references).mean())
    )


def mean_summary(user_summary: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The share (N,) of the users whose summary (U, N) shows a frame."""
    summary_UN = np.atleast_2d(np.asarray(user_summary, dtype=np.float64))
    return np.asarray(summary_UN.mean(axis=0))


def summary_agreement(summary: npt.ArrayLike, user_summary: npt.ArrayLike) -> Agreement:
    """SumMe's: summary (N,), 0 or 1, against the mean over users of user_summary (U, N).

    A constant side gives 0 and the warning `ConstantInput`. Raises UserError for unequal lengths.
    """
    prediction = Rankings.of(np.asarray(summary, dtype=np.float64))
    reference = Rankings.of(mean_summary(user_summary))
    shown = "every" if np.any(summary) else "no"
    _warn_of_constants(prediction, reference, f"the predicted summary shows {shown} frame")
    return with_each(prediction, reference)


def score_agreement(scores: npt.ArrayLike, user_scores: npt.ArrayLike) -> Agreement:
    """TVSum's: scores (T,) against each user's scores at the same frames (U, T), then the mean.

    A constant side gives 0 for that user and the warning `ConstantInput`. Raises UserError for
    unequal lengths.
    """
    prediction, references = Rankings.of(scores), Rankings.of(user_scores)
    _warn_of_constants(prediction, references, "the prediction has the same value everywhere")
    return with_each(prediction, references)


def pairwise_agreement(annotations: npt.ArrayLike | Rankings) -> Agreement:
    """Between people: the mean over every pair of the users' annotations (U, n).

    Raises UserError for fewer than two users.
    """
    users = annotations if isinstance(annotations, Rankings) else Rankings.of(annotations)
    if len(users) < 2:
        raise UserError("agreement between people takes at least two annotators of a video")
    each = [(users[u : u + 1], users[u + 1 :]) for u in range(len(users) - 1)]
    return Agreement(
        float(np.concatenate([taus(one, others) for one, others in each]).mean()),
        float(np.concatenate([rhos(one, others) for one, others in each]).mean()),
    )


def _warn_of_constants(prediction: Rankings, references: Rankings, what: str) -> None:
    if prediction.constant[0]:
        said = f"{what}: no rank correlation, counted as 0"
    elif references.constant.any():
        said = f"{references.constant.sum()} of {len(references)} annotators gave every frame "
        said += "the same value: no rank correlation with them, counted as 0"
    else:
        return
    warnings.warn(said, ConstantInput, stacklevel=3)
