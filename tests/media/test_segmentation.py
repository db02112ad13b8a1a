import time

import numpy as np
import pytest

from stages.media.segmentation import field_shots, segment
from stages.media.settings import FieldSegmentation, PenaltySegmentation

SEGMENTATION = PenaltySegmentation(rule="penalty", penalty=1.0, max_shots=None)
FIELD = FieldSegmentation(rule="field")


@pytest.mark.parametrize("samples", [1, 2, 3, 20])
def test_segments_cover_every_frame_once(samples: int) -> None:
    random = np.random.default_rng(samples)
    features_TD = random.normal(size=(samples, 5)).astype(np.float32)
    picks_T = np.arange(samples) * 15
    n_frames = samples * 15 - 3
    eager = PenaltySegmentation(rule="penalty", penalty=0.0, max_shots=None)
    shots_S2 = segment(features_TD, picks_T, n_frames, eager)
    covered = [frame for start, end in shots_S2.tolist() for frame in range(start, end + 1)]
    assert covered == list(range(n_frames))
    assert len(shots_S2) == samples


def test_the_length_of_features_does_not_matter() -> None:
    picks_T = np.arange(6) * 15
    features_TD = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    lengths_T1 = np.array([[1], [5], [100], [2], [50], [0.1]], dtype=np.float32)
    plain = segment(features_TD, picks_T, 90, SEGMENTATION)
    np.testing.assert_array_equal(plain, [[0, 37], [38, 89]])
    stretched = segment(features_TD * lengths_T1, picks_T, 90, SEGMENTATION)
    np.testing.assert_array_equal(stretched, plain)
    assert len(segment(features_TD * 0, picks_T, 90, SEGMENTATION)) == 1


@pytest.mark.parametrize("n_frames", [1, 14, 150, 151, 301, 950])
def test_the_fields_rule_is_a_shot_for_each_150_frames_begun(n_frames: int) -> None:
    picks_T = np.arange(0, n_frames, 15)
    features_TD = np.random.default_rng(n_frames).normal(size=(len(picks_T), 8))
    shots_S2 = segment(features_TD.astype(np.float32), picks_T, n_frames, FIELD)
    assert len(shots_S2) == field_shots(n_frames) == -(-n_frames // 150)
    assert (shots_S2[0, 0], shots_S2[-1, 1]) == (0, n_frames - 1)
    np.testing.assert_array_equal(shots_S2[1:, 0], shots_S2[:-1, 1] + 1)


def test_the_fields_rule_stops_at_a_shot_a_sampled_frame() -> None:
    features_TD = np.eye(2, dtype=np.float32)
    shots_S2 = segment(features_TD, np.array([0, 400]), 900, FIELD)
    np.testing.assert_array_equal(shots_S2, [[0, 200], [201, 899]])


def test_tvsums_longest_video_is_cut_in_seconds() -> None:
    picks_T = np.arange(0, 19406, 15)
    features_TD = np.random.default_rng(0).normal(size=(len(picks_T), 64)).astype(np.float32)
    began = time.perf_counter()
    assert len(segment(features_TD, picks_T, 19406, FIELD)) == 130
    assert time.perf_counter() - began < 20
