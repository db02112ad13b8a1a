import numpy as np
import pytest

from stages import params
from stages.artifacts.captions import Caption
from stages.artifacts.people import Judgement, People
from stages.errors import UserError
from stages.llm.corpus import shown_by_split
from stages.llm.examples import JudgedCaptions, drawn, written
from stages.llm.settings import Shown
from stages.splits.settings import Splits


def embed(window=7, **shown):
    """The demo's section showing other examples."""
    section = params.recipe("demo").embed
    new = Shown.model_validate({"source": "written", "count": 3, "seed": 0} | shown)
    prompt = section.prompt.model_copy(update={"shown": new})
    return section.model_copy(update={"prompt": prompt, "window": window})


def video(name, length, seed=0):
    scores_T = np.random.default_rng(seed).random(length)
    return JudgedCaptions([f"{name} {index}" for index in range(length)], scores_T)


VIDEOS = {name: video(name, 20, seed) for seed, name in enumerate(("a", "b", "c"))}


def test_written_examples_span_the_scale_however_few():
    assert [example.score for example in written(embed(count=3))] == [1, 3, 5]
    assert [example.score for example in written(embed(count=2))] == [1, 5]
    assert [example.score for example in written(embed(count=1))] == [3]
    assert written(embed(count=0)) == ()


def test_an_example_shows_as_many_captions_as_a_query():
    for window in (1, 3, 5, 7):
        for cut, whole in zip(written(embed(window)), written(embed(7)), strict=True):
            assert len(cut.captions) == window
            assert cut.captions[window // 2] == whole.captions[3]
    assert [len(example.captions) for example in written(embed(9))] == [7, 7, 7]


def test_drawn_examples_are_training_frames_in_their_window_with_peoples_scores():
    examples = drawn(VIDEOS, embed(source="training", count=4, seed=3))
    everything = np.concatenate([judged.gtscore_T[3:-3] for judged in VIDEOS.values()])
    least, most = everything.min(), everything.max()
    for example in examples:
        name, centre = example.captions[3].split()
        start = int(centre) - 3
        assert list(example.captions) == VIDEOS[name].captions[start : start + 7]
        share = (VIDEOS[name].gtscore_T[int(centre)] - least) / (most - least)
        assert example.score == round(1 + 4 * share)
    scores = [example.score for example in examples]
    assert scores == sorted(scores)
    assert scores[0] < 3 < scores[-1]


def test_the_seed_draws_and_the_order_of_videos_does_not():
    settings = [embed(source="training", seed=seed) for seed in range(6)]
    assert len({drawn(VIDEOS, each) for each in settings}) > 3
    backwards = dict(reversed(VIDEOS.items()))
    assert all(drawn(VIDEOS, each) == drawn(backwards, each) for each in settings)


def test_videos_with_too_few_whole_windows_are_one_message():
    with pytest.raises(UserError, match="3 examples are to be drawn from 2 frames"):
        drawn({"a": video("a", 8)}, embed(source="training"))
    assert drawn({"a": video("a", 4)}, embed(source="training", count=0)) == ()


def test_people_who_find_everything_alike_leave_the_middle_of_the_scale():
    flat = {"a": JudgedCaptions([str(index) for index in range(12)], np.full(12, 0.5))}
    assert {example.score for example in drawn(flat, embed(source="training"))} == {3}


def test_a_published_split_shows_its_own_training_videos():
    split_by = Splits(protocols=("fixed",), source="published", folds=1)
    said = {
        name: [
            Caption(video=name, pick=15 * at, caption=words) for at, words in enumerate(of.captions)
        ]
        for name, of in VIDEOS.items()
    }
    people = People("a", False, tuple(Judgement(name, of.gtscore_T) for name, of in VIDEOS.items()))
    parts = {"a": "train", "b": "validation", "c": "test"}
    settings = embed(source="training", count=4)
    ((split, examples),) = shown_by_split(said, people, settings, split_by, parts)["fixed"]
    assert split.test == ("c",)
    assert {caption.split()[0] for each in examples for caption in each.captions} == {"a"}
