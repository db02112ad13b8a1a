"""Findings of many videos in few arrays."""

import numpy as np
import pytest

from stages.metrics.ledger import Ledger


def test_what_is_noted_is_found_again() -> None:
    random = np.random.default_rng(0)
    marks = {f"video_{number}": random.random((2, number, 3)) for number in (1, 3, 2)}
    ledger = Ledger()
    for place, (video, of) in enumerate(marks.items()):
        ledger.add(video, {"marks": of, "constant": place, "spread": of.std()})
    found = ledger.columns
    assert list(found) == ["marks", "constant", "spread"]
    assert list(found["marks"]) == list(marks)
    for video, of in marks.items():
        np.testing.assert_array_equal(found["marks"][video], of)
        assert found["spread"][video] == of.std()
    assert dict(found["constant"]) == {"video_1": 0, "video_3": 1, "video_2": 2}
    assert type(found["constant"]["video_3"]) is int
    with pytest.raises(KeyError):
        found["marks"]["video_4"]
