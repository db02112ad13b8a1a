"""What five GPUs that do not speak to each other print, against the sampler and all its shares.

Shapes: R seeds, C appearances of a video.
"""

from itertools import combinations, product

import numpy as np
import pytest
from torch.utils.data import DistributedSampler

from stages.artifacts.predictions import Splits
from stages.metrics.leaderboard import Scored
from stages.metrics.logged import of_row
from stages.splits.dealing import GPUS, share
from stages.splits.folds import splits


def names(count: int) -> list[str]:
    return [f"video_{number + 1}" for number in range(count)]


def scored(marks: dict[str, np.ndarray]) -> Scored:
    """A row of τ (R, C) by video; its other marks are of another size."""
    return Scored(
        "row", "model", {name: np.stack([of, of + 5, of + 9], -1) for name, of in marks.items()}
    )


def drawn(of: Splits, seeds: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    tested = [video for split in of for video in split]
    return {video: random.normal(size=(seeds, tested.count(video))) for video in set(tested)}


@pytest.mark.parametrize("count", [1, 4, 5, 7, 10, 12])
def test_a_gpu_has_what_the_distributed_sampler_deals_it(count: int) -> None:
    tested = names(count)
    ordered = sorted(tested)
    for gpu in range(GPUS):
        dealt = DistributedSampler(ordered, GPUS, gpu, shuffle=False)  # type: ignore[arg-type]
        assert share(tested, gpu) == tuple(ordered[index] for index in dealt)


def test_of_the_fields_lists_the_first_gpu_has_one_video_of_five_and_two_of_ten() -> None:
    summe = [share(split.test) for split in splits("official", "summe", names(25), 5)]
    assert [of for (of,) in summe] == ["video_16", "video_15", "video_10", "video_1", "video_11"]
    tvsum = [share(split.test) for split in splits("official", "tvsum", names(50), 5)]
    assert tvsum[0] == ("video_14", "video_43")
    assert {len(of) for of in tvsum} == {2}


def test_the_printed_figure_is_the_mean_over_the_first_gpus_videos_and_then_splits() -> None:
    of = (("a", "b", "c", "d", "e"), ("f", "g", "h", "c", "i"))  # as text c comes first of these
    marks = drawn(of, seeds=3)
    found = of_row(scored(marks), of)
    assert found.printed == pytest.approx((marks["a"].mean() + marks["c"][:, 1].mean()) / 2)
    of_c = marks["c"].mean(0)
    first = np.mean([*(marks[video].mean() for video in "abde"), of_c[0]])
    second = np.mean([*(marks[video].mean() for video in "fghi"), of_c[1]])
    assert found.whole == pytest.approx((first + second) / 2)


@pytest.mark.parametrize("sizes", [(5, 5), (6, 7), (5, 1)])
def test_the_deviation_is_that_of_every_share_there_could_be(sizes: tuple[int, ...]) -> None:
    of = tuple(
        tuple(f"{number}_{video}" for video in range(size)) for number, size in enumerate(sizes)
    )
    marks = drawn(of, seeds=2)
    means = [
        [
            np.mean([marks[v].mean() for v in taken])
            for taken in combinations(split, -(-len(split) // GPUS))
        ]
        for split in of
    ]
    every = [np.mean(figures) for figures in product(*means)]
    found = of_row(scored(marks), of)
    assert found.deviation == pytest.approx(np.std(every))
    assert found.whole == pytest.approx(np.mean(every))


def test_a_row_that_knows_no_split_has_the_same_marks_in_each() -> None:
    of = (("a", "b"), ("b", "c"))
    marks = {video: np.full((1, 1), float(number)) for number, video in enumerate("abc")}
    assert of_row(scored(marks), of).printed == pytest.approx((0 + 1) / 2)
