"""What is put into the embeddings file is what is read from it, and nothing else is taken."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import embeddings
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.work.store import content_hash

DOG = Video.sampled("video_1", "dog.mp4", 45)
CAT = Video.sampled("video_10", "cat.mp4", 30)


def arrays(video: Video, seed: int = 0, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    steps = len(video.picks_T)
    given = {
        "query_TW": random.random((steps, 4), np.float32),
        "answer_TW": random.random((steps, 4), np.float32),
        "score_T": [np.nan, *range(1, steps)],
        "replies": ["score: 5\0 é\n"] * steps,
        "picks_T": video.picks_T,
    }
    return given | changes


def write(path: Path, *videos: tuple[Video, dict[str, Any]]) -> Path:
    with embeddings.writing(path, llm="a llama", scale=(1, 5)) as file:
        for video, given in videos:
            file.put(video.name, **given)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", (DOG, arrays(DOG)), (CAT, arrays(CAT, 1)))
    with embeddings.reading(path) as file:
        assert (file.llm, file.scale, file.by_split, file.unparsed) == ("a llama", (1, 5), False, 2)
        for seed, video in enumerate((DOG, CAT)):
            found, given = file.video(video), arrays(video, seed)
            assert np.array_equal(found.query_TW, given["query_TW"])
            assert np.array_equal(found.answer_TW, given["answer_TW"])
            assert found.query_TW.dtype == np.float32
            assert found.score_T is not None
            assert np.array_equal(found.score_T, given["score_T"], equal_nan=True)
            assert found.replies == ["score: 5\ufffd é\n"] * len(video.picks_T)
    again = write(tmp_path / "b.h5", (DOG, arrays(DOG)), (CAT, arrays(CAT, 1)))
    assert content_hash(again) == content_hash(path)


def test_where_no_llm_was_asked_there_is_neither_score_nor_reply(tmp_path: Path) -> None:
    path = tmp_path / "given.h5"
    with embeddings.writing(path, llm="given") as file:
        file.put(DOG.name, **arrays(DOG, score_T=None, replies=None))
    with embeddings.reading(path) as read:
        assert read.scale is None
        assert read.video(DOG).score_T is None
        assert read.video(DOG).replies is None
    with h5py.File(path) as h5:
        assert set(h5["video_1"]) == {"query", "answer", "picks"}


def test_an_array_is_read_without_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", (DOG, arrays(DOG)))
    with h5py.File(path, "r+") as file:
        del file["video_1/answer"], file["video_1/reply"]
        file["video_1/reply"] = [1, 2]
    with embeddings.reading(path) as read:
        found = read.video(DOG)
        assert np.array_equal(found.query_TW, arrays(DOG)["query_TW"])
        with pytest.raises(UserError, match=r"a\.h5: video_1/answer: is missing .*dvc repro"):
            _ = found.answer_TW
        with pytest.raises(UserError, match=r"video_1/reply: must be \(3,\) in shape.*dvc repro"):
            _ = found.replies


def by_split(path: Path) -> Path:
    """Three splits: the second tests the dog, the third both."""
    with embeddings.writing(path, llm="a llama", scale=(1, 5)) as file:
        for number in range(3):
            for video in (DOG, CAT):
                tested = number == 2 or (video is DOG and number == 1)
                split = ("strict", number)
                file.put(video.name, **arrays(video, number), split=split, tested=tested)
        bird = Video.sampled("video_2", "bird", 30)
        for number in range(2):
            file.put(bird.name, **arrays(bird, number), split=("official", number))
    return path


def test_a_video_is_found_as_its_split_sees_it_and_else_as_the_first_that_tests_it(
    tmp_path: Path,
) -> None:
    path = by_split(tmp_path / "a.h5")
    bird = Video.sampled("video_2", "bird", 30)
    with embeddings.reading(path) as file:
        assert file.by_split
        for number in range(3):
            for video in (DOG, CAT):
                expected = arrays(video, number)["query_TW"]
                assert np.array_equal(file.video(video, "strict", number).query_TW, expected)
        for video, number in ((DOG, 1), (CAT, 2), (bird, 1)):  # the bird is tested by none
            expected = arrays(video, number)["query_TW"]
            assert np.array_equal(file.video(video).query_TW, expected)
        with pytest.raises(UserError, match="lacks split 4 of the protocol strict"):
            file.video(DOG, "strict", 3)
    with h5py.File(path) as h5:
        assert h5["video_1"] == h5["splits/strict/1/video_1"], "a second name, not a copy"


def test_where_splits_do_not_differ_each_finds_the_same(tmp_path: Path) -> None:
    with embeddings.reading(write(tmp_path / "a.h5", (DOG, arrays(DOG)))) as file:
        found = file.video(DOG, "strict", 3)
        assert np.array_equal(found.query_TW, file.video(DOG).query_TW)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"query_TW": np.full((3, 4), np.nan)}, "video_1/query: holds NaN or infinity"),
        ({"query_TW": np.zeros((2, 4))}, "video_1/query: must be 3 × any in shape"),
        ({"query_TW": np.zeros(3)}, "video_1/query: must be 3 × any in shape"),
        ({"picks_T": [0, 15, 31]}, r"video_1 \(dog.mp4\) is given for 3 frames, of which number 3"),
        ({"picks_T": [0, 15]}, r"is given for 2 frames and its timeline picks 3"),
    ],
    ids=["nan", "short", "flat", "other picks", "fewer picks"],
)
def test_what_is_not_of_the_timelines_frames_says_how_to_mend_it(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "a.h5", (DOG, arrays(DOG, **given)))
    with (
        embeddings.reading(path) as file,
        pytest.raises(UserError, match=rf"{said}.*run the stage that makes it"),
    ):
        _ = file.video(DOG).query_TW


def test_a_video_a_file_or_a_schema_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", (DOG, arrays(DOG)))
    with (
        embeddings.reading(path) as file,
        pytest.raises(UserError, match=r"a\.h5: lacks video_10 \(cat\.mp4\).*dvc repro"),
    ):
        file.video(CAT)
    with pytest.raises(UserError, match=r"none\.h5 not found; run"):
        embeddings.reading(tmp_path / "none.h5").__enter__()
    h5py.File(tmp_path / "other.h5", "w").close()
    with pytest.raises(UserError, match="is no file of embeddings"):
        embeddings.reading(tmp_path / "other.h5").__enter__()


def test_a_file_that_is_not_finished_does_not_appear(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt), embeddings.writing(path, llm="a", scale=(1, 5)) as file:
        file.put(DOG.name, **arrays(DOG))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
