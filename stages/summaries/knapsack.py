"""The exact 0/1 knapsack that fits the best shots into a summary's budget.

Shapes: S items (shots), C capacity (frames).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.errors import UserError


def knapsack(
    values: Sequence[float] | npt.ArrayLike,
    weights: Sequence[int] | npt.ArrayLike,
    capacity: int,
) -> list[int]:
    """The indices of the items worth most together that weigh at most `capacity`, ascending.

    values (S,) are floats and compared as such, weights (S,) whole numbers of frames. Time is
    S·C additions, a row of the table at a time; memory S·C bytes.

    Several sets can be worth the same. The field's programme goes through the items in order and,
    walking back from the last, takes one only where it raised the best value: the later item of
    a tie is left out, and an item worth nothing or less never enters.

    Raises UserError for values that are not finite, weights that are not whole and non-negative,
    or a negative capacity.
    """
    values_S = np.asarray(values, dtype=np.float64)
    given_S = np.asarray(weights)
    if values_S.ndim != 1 or values_S.shape != given_S.shape:
        raise UserError(
            f"knapsack: values {values_S.shape} and weights {given_S.shape} must be two lists of "
            "one length"
        )
    weights_S = given_S.astype(np.int64)
    if not np.isfinite(values_S).all():
        raise UserError("knapsack: a value is not a finite number; check the scores behind it")
    if (weights_S != given_S).any() or (weights_S < 0).any():
        raise UserError("knapsack: weights must be whole numbers of frames, none negative")
    if capacity < 0:
        raise UserError(f"knapsack: the capacity must not be negative, got {capacity}")

    best_C = np.zeros(capacity + 1)
    raised_SC = np.zeros((len(values_S), capacity + 1), dtype=bool)
    for item, (value, weight) in enumerate(zip(values_S, weights_S.tolist(), strict=True)):
        if weight > capacity:
            continue
        with_item_C = best_C[: capacity + 1 - weight] + value
        raised_SC[item, weight:] = with_item_C > best_C[weight:]
        best_C[weight:] = np.maximum(with_item_C, best_C[weight:])

    chosen: list[int] = []
    left = capacity
    for item in range(len(values_S) - 1, -1, -1):
        if raised_SC[item, left]:
            chosen.append(item)
            left -= int(weights_S[item])
    return chosen[::-1]
