"""What is to be said of a frame, and which frames are drawn."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from stages import section
from stages.finetuning.lessons import numbers, steps
from stages.finetuning.settings import Finetune
from stages.llm.prompt import fill
from stages.llm.reply import parser

PARAMS = Path(__file__).parents[2] / "params.yaml"
LAPTOP: Finetune = section.lookup(Finetune, "datasets", "summe-captions", "finetune", path=PARAMS)


@pytest.mark.parametrize("scale", [(1, 5), (0, 10), (1, 10)])
def test_peoples_mean_is_laid_on_the_scale_in_whole_numbers(scale: tuple[int, int]) -> None:
    low, high = scale
    gtscore_T = np.linspace(0, 1, 101)
    found = numbers(gtscore_T, scale, "score")
    assert (found[0], found[-1]) == scale
    for score, number in zip(gtscore_T, found, strict=True):
        assert abs(number - (low + score * (high - low))) <= 0.5


@pytest.mark.parametrize("scale", [(1, 5), (0, 10)])
def test_a_rank_counts_the_frames_that_people_put_lower(scale: tuple[int, int]) -> None:
    low, high = scale
    gtscore_T = np.random.default_rng(0).integers(0, 30, 200) / 30
    for score, number in zip(gtscore_T, numbers(gtscore_T, scale, "rank"), strict=True):
        share = sum(other < score for other in gtscore_T) / len(gtscore_T)
        assert number == low + int(np.floor(share * (high - low + 1)))
        assert low <= number <= high
    distinct_T = np.random.default_rng(1).permutation(110)
    assert set(Counter(numbers(distinct_T, scale, "rank")).values()) == {110 // (high - low + 1)}


def test_every_number_that_is_learnt_is_one_that_a_reply_is_read_for() -> None:
    parse = parser("score: {score}", (0, 10))
    for number in numbers(np.linspace(0, 1, 40), (0, 10), "score"):
        assert parse(fill("score: {score}", score=number)) == number


def test_an_epoch_draws_so_many_frames_of_each_video_and_none_twice() -> None:
    people = {"video_1": np.linspace(0, 1, 50), "video_2": np.linspace(0, 1, 7)}
    settings = LAPTOP.model_copy(
        update={"frames": 10, "epochs": 2, "batch": 3, "accumulate": 2, "target": "score"}
    )
    found = steps(people, (1, 5), settings, seed=0)
    assert len(found) == 2 * 3  # 17 frames an epoch, in passes of three, two a step
    for epoch in (found[:3], found[3:]):
        lessons = [each for step in epoch for one in step for each in one]
        assert Counter(each.frame.video for each in lessons) == {"video_1": 10, "video_2": 7}
        assert len({each.frame for each in lessons}) == 17
        for each in lessons:
            score = people[each.frame.video][each.frame.index]
            assert each.number == round(1 + 4 * score)
    assert found[:3] != found[3:]
    assert found == steps(people, (1, 5), settings, seed=0)
    assert found != steps(people, (1, 5), settings, seed=1)
