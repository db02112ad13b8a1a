import numpy as np
import pytest

from stages.scorers.peers.intervals import kept, overlaps, painted, runs, within


def frames(interval: np.ndarray) -> set[int]:
    return set(range(*map(int, interval)))


def test_runs_are_what_stands_between_frames_not_chosen() -> None:
    chosen_T = np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)
    assert runs(chosen_T).tolist() == [[0, 2], [4, 5], [6, 7]]
    assert runs(np.zeros(3, dtype=bool)).shape == (0, 2)


def test_overlap_is_the_share_of_frames_that_both_show() -> None:
    random = np.random.default_rng(0)
    edges = np.sort(random.integers(0, 12, (200, 2)), axis=1)
    for one in edges[:20]:
        for interval, found in zip(edges, overlaps(edges, one), strict=True):
            either = frames(interval) | frames(one)
            both = len(frames(interval) & frames(one))
            assert found == pytest.approx(both / len(either) if either else 0)


def test_halves_go_to_the_even_frame_and_edges_to_the_video() -> None:
    found = within(np.array([[0.5, 1.5], [2.5, 3.51], [-4.0, 99.0]]), 7)
    assert found.tolist() == [[0, 2], [2, 4], [0, 7]]


def test_none_that_stays_overlaps_a_better_one_too_far() -> None:
    random = np.random.default_rng(1)
    scores, edges = random.random(60), random.integers(0, 30, (60, 2))
    stay = kept(scores, edges, 0.5)
    for index in range(60):
        better = [s for s in stay if scores[s] > scores[index]]
        shown = frames(edges[index])
        near = any(
            len(shown & frames(edges[s])) >= 0.5 * len(shown | frames(edges[s])) for s in better
        )
        assert (index in stay) == (bool(shown) and not near)
    assert stay == sorted(stay, key=lambda index: -scores[index])


def test_a_frame_gets_the_best_of_what_shows_it() -> None:
    scores = np.array([0.9, 0.6, 0.8], dtype=np.float32)
    edges = np.array([[2.0, 5.0], [4.0, 9.0], [2.0, 6.2]])
    found = painted(scores, edges, 8, 0.5)
    np.testing.assert_allclose(found, [0, 0, 0.9, 0.9, 0.9, 0.6, 0.6, 0.6])
    assert (painted(scores, np.zeros((3, 2)), 8, 0.5) == 0).all()
