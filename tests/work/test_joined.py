"""Arrays on their way to another process."""

import numpy as np

from stages.work.joined import joined


def test_arrays_come_back_as_they_were() -> None:
    arrays = [np.arange(6).reshape(3, 2), np.empty((0, 2), dtype=np.int64), np.ones((1, 2), int)]
    parts = joined(arrays).parts()
    assert [part.tolist() for part in parts] == [array.tolist() for array in arrays]
    assert {part.dtype for part in parts} == {np.dtype(np.int64)}
    assert joined([]).parts() == []
