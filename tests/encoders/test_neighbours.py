"""Vectors averaged over the frames around each."""

import numpy as np
import pytest

from stages.encoders.neighbours import mean_over
from stages.llm.window import windows


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 30])
@pytest.mark.parametrize("window", [1, 3, 7])
def test_the_mean_is_over_the_frames_that_the_llm_is_shown(count: int, window: int) -> None:
    x_TD = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    shown = windows([str(frame) for frame in range(count)], window)
    expected_TD = np.stack([x_TD[[int(frame) for frame in each]].mean(axis=0) for each in shown])
    found_TD = mean_over(x_TD, window)
    assert found_TD.dtype == np.float32
    np.testing.assert_allclose(found_TD, expected_TD, atol=1e-6)


def test_a_window_of_one_changes_no_bit() -> None:
    x_TD = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    assert mean_over(x_TD, 1) is x_TD
