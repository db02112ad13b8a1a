"""Rank correlation: Kendall's τ-b and Spearman's ρ, for one prediction against many references.

Shapes: R rankings, n things ranked, K levels (distinct values) of a ranking.

A ranking whose values are all the same orders nothing, and both coefficients are 0/0. Here that
counts as 0 and is said aloud: `kendall_tau` and `spearman_rho` warn with `ConstantInput`, and
`Rankings.constant` holds it, so that whoever averages can count and flag it. NaN is never given
back; an input that holds one is an error.
"""

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import stats

from stages.errors import UserError

Floats = npt.NDArray[np.float64]

# Cells of the table of `taus` (times 8 bytes) above which sorting each pair is the cheaper way.
_LARGEST_TABLE = 2_000_000


class ConstantInput(UserWarning):
    """Everything was given the same value: no rank correlation exists, and it was counted as 0."""


@dataclass(frozen=True)
class Rankings:
    """R rankings of the same n things, prepared once for any number of comparisons."""

    levels: npt.NDArray[np.int64]  # (R, n), 0 for the lowest value, ties sharing a level
    tied: npt.NDArray[np.int64]  # (R,), pairs of things that share a level
    direction: Floats  # (R, n), midranks, centred, of unit length; zeros where constant

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Self:
        """Rank values (n,) or (R, n). Raises UserError where one is not a finite number."""
        values_Rn = np.atleast_2d(np.asarray(values, dtype=np.float64))
        if values_Rn.ndim != 2:
            raise UserError(f"rankings must be (n,) or (R, n), got the shape {values_Rn.shape}")
        if not np.isfinite(values_Rn).all():
            raise UserError("a score to be ranked is NaN or infinite; nothing can be ranked by it")
        levels_Rn = np.empty(values_Rn.shape, dtype=np.int64)
        midranks_Rn = np.empty(values_Rn.shape)
        tied = []
        for row, values_n in enumerate(values_Rn):
            _, levels_n, counts_K = np.unique(values_n, return_inverse=True, return_counts=True)
            levels_Rn[row] = levels_n
            midranks_Rn[row] = (counts_K.cumsum() - (counts_K - 1) / 2)[levels_n]
            tied.append(int((counts_K * (counts_K - 1)).sum()) // 2)
        centred_Rn = midranks_Rn - (values_Rn.shape[1] + 1) / 2
        length_R1 = np.linalg.norm(centred_Rn, axis=1, keepdims=True)
        direction_Rn = centred_Rn / np.where(length_R1 > 0, length_R1, 1)
        return cls(levels_Rn, np.array(tied, dtype=np.int64), direction_Rn)

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        """Which rankings order nothing, (R,)."""
        return np.asarray(self.tied == _pairs(self.levels.shape[1]))

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, rows: slice) -> "Rankings":
        return Rankings(self.levels[rows], self.tied[rows], self.direction[rows])


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _comparable(one: Rankings, many: Rankings) -> None:
    if len(one) != 1:
        raise UserError(f"expected a single ranking to compare with others, got {len(one)}")
    lengths = one.levels.shape[1], many.levels.shape[1]
    if lengths[0] != lengths[1]:
        raise UserError(f"cannot compare a ranking of {lengths[0]} things with one of {lengths[1]}")


def taus(one: Rankings, many: Rankings) -> Floats:
    """Kendall's τ-b of one ranking against each of R, (R,); 0 where either is constant.

    Counted from the table of how often each pair of levels meets: annotators use few levels, so
    all R tables together are small. Where they would not be, each pair is sorted instead.
    """
    _comparable(one, many)
    levels_n, count = one.levels[0], one.levels.shape[1]
    if count == 0:
        return np.zeros(len(many))
    rows, columns = int(levels_n.max()) + 1, int(many.levels.max(initial=0)) + 1
    if len(many) * rows * columns > _LARGEST_TABLE:
        return np.array([_sorted_tau(levels_n, other_n) for other_n in many.levels])

    offset_R1 = np.arange(len(many))[:, None] * (rows * columns)
    cell_Rn = offset_R1 + levels_n * columns + many.levels
    table_RKK = np.bincount(cell_Rn.ravel(), minlength=len(many) * rows * columns).reshape(
        len(many), rows, columns
    )
    lower_RKK = table_RKK.cumsum(axis=1) - table_RKK
    within_RKK = lower_RKK.cumsum(axis=2)
    # Lower in both, less those lower in the first and higher in the second.
    balance_RKK = 2 * within_RKK - lower_RKK - within_RKK[:, :, -1:]
    agreement_R = (table_RKK * balance_RKK).sum(axis=(1, 2))
    untied, untied_R = _pairs(count) - one.tied, _pairs(count) - many.tied
    scale_R = np.sqrt(untied.astype(np.float64) * untied_R)
    tau_R = np.divide(agreement_R, scale_R, out=np.zeros(len(many)), where=scale_R > 0)
    return np.asarray(tau_R.clip(-1, 1))


def _sorted_tau(a_n: npt.NDArray[np.int64], b_n: npt.NDArray[np.int64]) -> float:
    if a_n.min() == a_n.max() or b_n.min() == b_n.max():
        return 0.0
    return float(stats.kendalltau(a_n, b_n, method="asymptotic").statistic)


def rhos(one: Rankings, many: Rankings) -> Floats:
    """Spearman's ρ of one ranking against each of R, (R,), ties at their mean rank; 0 where
    either is constant.
    """
    _comparable(one, many)
    return np.asarray((many.direction @ one.direction[0]).clip(-1, 1))


def _pair(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Rankings, Rankings]:
    rankings = Rankings.of(np.ravel(a)), Rankings.of(np.ravel(b))
    if any(ranking.constant[0] for ranking in rankings):
        warnings.warn(
            "one side has the same value everywhere: no rank correlation, counted as 0",
            ConstantInput,
            stacklevel=3,
        )
    return rankings


def kendall_tau(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Kendall's τ-b of a (n,) and b (n,), in -1..1.

    A constant side gives 0.0 and the warning `ConstantInput`. Raises UserError for unequal
    lengths and for NaN or infinity.
    """
    return float(taus(*_pair(a, b))[0])


def spearman_rho(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's ρ of a (n,) and b (n,), in -1..1, ties at their mean rank.

    A constant side gives 0.0 and the warning `ConstantInput`. Raises UserError for unequal
    lengths and for NaN or infinity.
    """
    return float(rhos(*_pair(a, b))[0])
