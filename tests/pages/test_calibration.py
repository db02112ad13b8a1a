import numpy as np
import pytest
from told import story

from stages.pages.report.calibration import calibration, figure, pairs


def test_frames_are_pooled_over_the_videos_that_were_scored() -> None:
    videos = [story([0.1, 0.2], [0.3, 0.4]), story([0.5], None), story([0.6], [0.7])]
    model_F, people_F = pairs(videos, "m")
    assert model_F.tolist() == [0.3, 0.4, 0.7]
    assert people_F.tolist() == [0.1, 0.2, 0.6]
    assert all(not len(each) for each in pairs(videos[1:2], "m"))


def test_bins_hold_as_many_frames_and_their_means() -> None:
    random = np.random.default_rng(0)
    model_F = random.random(1000)
    people_F = 0.2 + 0.5 * model_F
    found = calibration(model_F, people_F)
    edges = np.quantile(model_F, np.linspace(0, 1, 11))
    assert ((found.model_B > edges[:-1]) & (found.model_B < edges[1:])).all()
    np.testing.assert_allclose(found.people_B, 0.2 + 0.5 * found.model_B)
    assert (found.quartiles_B2[:, 0] < found.people_B).all()
    assert found.people_B.mean() == pytest.approx(people_F.mean())


def test_fewer_frames_than_bins_are_a_bin_each() -> None:
    found = calibration(np.array([0.2, 0.1]), np.array([0.9, 0.8]))
    assert found.model_B.tolist() == [0.1, 0.2]
    assert found.people_B.tolist() == [0.8, 0.9]


def test_the_figure_says_when_people_are_simulated() -> None:
    scores = np.linspace(0, 1, 40)
    assert "Simulated annotations" in figure(scores, scores, "M", heading="H", simulated=True)
    assert "Simulated" not in figure(scores, scores, "M", heading="H")
