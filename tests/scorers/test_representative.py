"""Representative frames, against the definition written out."""

import pytest
import torch
from torch import Tensor

from stages.scorers import registry, representative
from stages.scorers.representative import gains


def by_the_definition(features_TD: Tensor) -> list[float]:
    """Greedy facility location, every gain computed at every step; of equal ones the earliest."""
    count = len(features_TD)
    unit_TD = features_TD.double() / features_TD.double().norm(dim=1, keepdim=True)
    like_TT = (unit_TD @ unit_TD.T).clamp(min=0)
    found, chosen = [0.0] * count, list[int]()

    def f(frames: list[int]) -> float:
        return float(like_TT[:, frames].max(dim=1).values.sum()) if frames else 0.0

    while len(chosen) < count:
        left = [frame for frame in range(count) if frame not in chosen]
        added = [round(f([*chosen, frame]) - f(chosen), 9) for frame in left]
        best = max(range(len(left)), key=lambda place: added[place])
        found[left[best]] = added[best]
        chosen.append(left[best])
    return found


@pytest.mark.parametrize("seed", range(5))
def test_lazy_gains_are_those_of_the_definition(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features_TD = torch.randn(23, 6, generator=generator)
    torch.testing.assert_close(
        gains(features_TD), torch.tensor(by_the_definition(features_TD)), rtol=1e-3, atol=2e-3
    )


def test_a_film_whose_similarities_are_not_kept_is_scored_as_one_whose_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features_TD = torch.randn(150, 6, generator=torch.Generator().manual_seed(0))
    kept_T = gains(features_TD)
    monkeypatch.setattr(representative, "_KEPT", 150**2 - 1)
    torch.testing.assert_close(gains(features_TD), kept_T, rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_of_two_frames_that_stand_for_each_other_alone_the_earlier_is_taken(seed: int) -> None:
    """Either adds as much as the other, but for the last digits of a float."""
    pair_2D = torch.rand(2, 7, generator=torch.Generator().manual_seed(seed))
    features_TD = torch.block_diag(torch.ones(6, 1), pair_2D)
    features_TD[:, 0] = 1  # all are a little like each other, and the pair unequally covered
    found_T = gains(features_TD)
    assert found_T[6] > found_T[7] > 0


def test_one_frame_of_each_scene_comes_before_any_second() -> None:
    scenes = torch.eye(4)[[0] * 9 + [1] * 5 + [2] * 2 + [3]]
    noise = 0.01 * torch.randn(scenes.shape, generator=torch.Generator().manual_seed(0))
    found_T = gains(scenes + noise)
    first_four = found_T.argsort(descending=True)[:4].tolist()
    assert sorted(first_four)[0] < 9
    assert [(scenes[frame].argmax()).item() for frame in first_four] == [0, 1, 2, 3]


def test_padding_and_neighbours_in_a_batch_change_no_score() -> None:
    scorer = registry.scorer("representative")()
    generator = torch.Generator().manual_seed(1)
    short_TD, long_TD = (torch.randn(t, 8, generator=generator) for t in (5, 9))
    padded = torch.zeros(2, 9, 8)
    padded[0, :5], padded[1] = short_TD, long_TD
    valid_BT = torch.arange(9)[None] < torch.tensor([[5], [9]])
    scores_BT = scorer({"image": padded}, valid_BT)
    torch.testing.assert_close(scores_BT[0, :5], scorer.scores({"image": short_TD}))
    torch.testing.assert_close(scores_BT[1], scorer.scores({"image": long_TD}))
    assert scores_BT[0, 5:].eq(0).all()
    assert scores_BT.max() == 1


def test_a_single_frame_and_equal_frames_are_scored() -> None:
    scorer = registry.scorer("representative")()
    assert scorer.scores({"image": torch.ones(1, 4)}).tolist() == [1.0]
    still = scorer.scores({"image": torch.ones(6, 4)})
    assert still[0] == 1
    assert still[1:].max() < 1e-3
