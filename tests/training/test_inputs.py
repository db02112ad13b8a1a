import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.artifacts import embeddings, features
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.scorers.settings import Input, MlpEntry
from stages.training.inputs import BySplit, Inputs
from stages.training.shelf import Shelf

LENGTHS = {"video_1": 4, "video_2": 2}
VIDEOS = tuple(Video.sampled(name, name, 15 * length) for name, length in LENGTHS.items())
TIMELINE = Timeline("tiny", VIDEOS)


def judged() -> People:
    random = np.random.default_rng(0)
    videos = [Judgement(video.name, random.random(len(video.picks_T), "f4")) for video in VIDEOS]
    return People("tiny", True, tuple(videos))


def write_embeddings(folder: Path, splits: Sequence[embeddings.Split | None] = (None,)) -> None:
    random = np.random.default_rng(1)
    states = {
        (video.name, kind): random.normal(size=(len(video.picks_T), 6)).astype(np.float32)
        for video in VIDEOS
        for kind in ("query", "answer")
    }
    with embeddings.writing(folder / "embeddings.h5", llm="tiny") as file:
        for split in splits:
            for video in VIDEOS:
                file.put(
                    video.name,
                    query_TW=states[video.name, "query"] + (split[1] if split else 0),
                    answer_TW=states[video.name, "answer"],
                    picks_T=video.picks_T,
                    split=split,
                )


def by_split(folder: Path, *inputs: Input) -> BySplit:
    entry = MlpEntry(title="m", kind="mlp", inputs=inputs or ("query", "answer"), width=16)
    return BySplit.of(folder, "mine", entry, TIMELINE, judged())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_embeddings(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "choose"),
    [
        (("query", "answer"), np.maximum),
        (("answer", "query"), np.maximum),
        (("query",), lambda query, answer: query),
        (("answer",), lambda query, answer: answer),
    ],
)
def test_inputs_choose_among_the_embeddings(
    folder: Path, inputs: tuple[Input, ...], choose: Callable[..., np.ndarray]
) -> None:
    videos = by_split(folder, *inputs)("strict", 0)
    assert list(videos) == list(LENGTHS)
    with h5py.File(folder / "embeddings.h5") as file:
        for truth in judged().videos:
            video, group = videos[truth.name], file[truth.name]
            expected_TD = choose(group["query"][()], group["answer"][()])
            assert np.array_equal(video.inputs["states"].numpy(), expected_TD)
            assert np.array_equal(video.gtscore_T.numpy(), truth.gtscore_T)
            assert video.widths == {"states": 6}


def test_what_the_image_encoder_saw_is_an_input_like_another(folder: Path) -> None:
    seen = {video.name: np.full((len(video.picks_T), 3), 0.5, np.float32) for video in VIDEOS}
    features.write(folder / "image.h5", ((video, seen[video.name]) for video in VIDEOS))
    with Inputs(folder, "mine", ("image", "query")).reading() as file:
        found = file.video(VIDEOS[0], "strict", 0)
        assert list(found) == ["image", "query"]
        assert np.array_equal(found["image"].numpy(), seen["video_1"])
        assert found["query"].shape == (4, 6)


def test_an_input_that_the_recipe_cannot_give_names_the_model_and_what_would_give_it(
    folder: Path,
) -> None:
    with pytest.raises(
        UserError,
        match=r"mine is fed image .*not to be had.*image\.h5: the sample stage .*videos",
    ):
        by_split(folder, "query", "image")
    (folder / "embeddings.h5").unlink()
    with pytest.raises(UserError, match=r"mine is fed answer .*embeddings\.h5: the embed"):
        by_split(folder, "answer")


def _drop(file: h5py.File) -> None:
    del file["video_2"]


def _drop_answer(file: h5py.File) -> None:
    del file["video_2/answer"]


def _other_frames(file: h5py.File) -> None:
    file["video_2/picks"][0] = 7


def _not_a_number(file: h5py.File) -> None:
    file["video_2/query"][0, 0] = np.nan


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_drop, "video_2"),
        (_drop_answer, "answer"),
        (_other_frames, "video_2 .*another sampling"),
        (_not_a_number, "NaN"),
    ],
)
def test_what_does_not_fit_the_timeline_is_named(
    folder: Path, damage: Callable[[h5py.File], None], said: str
) -> None:
    with h5py.File(folder / "embeddings.h5", "r+") as file:
        damage(file)
    with pytest.raises(UserError, match=rf"embeddings\.h5.*{said}"):
        by_split(folder)("strict", 0)


def test_a_file_that_is_no_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "embeddings.h5").write_text("nonsense")
    with pytest.raises(UserError, match=r"embeddings\.h5 is not a readable HDF5 file"):
        by_split(tmp_path)("strict", 0)


def test_a_set_of_videos_is_read_once_where_splits_do_not_differ(folder: Path) -> None:
    videos = by_split(folder)
    first = videos("strict", 0)
    (folder / "embeddings.h5").unlink()
    assert videos("official", 3) is first


def test_each_split_has_its_own_where_they_differ(tmp_path: Path) -> None:
    write_embeddings(tmp_path, [("strict", 0), ("strict", 1)])
    videos = by_split(tmp_path, "query")
    zero, one = videos("strict", 0), videos("strict", 1)
    for name, video in zero.items():
        expected_TD = video.inputs["states"].numpy() + 1
        np.testing.assert_allclose(one[name].inputs["states"].numpy(), expected_TD, atol=1e-6)
    with pytest.raises(UserError, match="lacks split 1 of the protocol official"):
        videos("official", 0)


def test_another_process_is_handed_no_videos_but_reads_its_own(folder: Path) -> None:
    videos = by_split(folder)
    small = len(pickle.dumps(videos))
    before = videos("strict", 0)
    assert len(pickle.dumps(videos)) == small
    after = pickle.loads(pickle.dumps(videos))("strict", 0)
    for name, video in before.items():
        assert np.array_equal(after[name].inputs["states"], video.inputs["states"])


def test_videos_that_the_room_does_not_hold_are_read_when_they_are_wanted(folder, caplog):
    caplog.set_level("INFO")
    entry = MlpEntry(title="m", kind="mlp", inputs=("query",), width=16)
    held = BySplit.of(folder, "mine", entry, TIMELINE, judged())("strict", 0)
    small = BySplit.of(folder, "mine", entry, TIMELINE, judged(), room=100)
    for source in (small, pickle.loads(pickle.dumps(small))):
        found = source("strict", 0)
        assert isinstance(found, Shelf)
        assert list(found) == list(held)
        for name, video in held.items():
            assert np.array_equal(found[name].inputs["states"], video.inputs["states"])
            assert np.array_equal(found[name].gtscore_T, video.gtscore_T)
    assert "read whenever they are wanted" in caplog.text
    assert not isinstance(
        BySplit.of(folder, "mine", entry, TIMELINE, judged(), room=10_000)("strict", 0), Shelf
    )


def test_files_stay_open_while_their_videos_are_wanted(folder, monkeypatch):
    opened: list[str] = []

    def counted(path: Path, mode: str = "r") -> h5py.File:
        opened.append(Path(path).name)
        return opening(path, mode)

    opening = h5py.File
    entry = MlpEntry(title="m", kind="mlp", inputs=("query",), width=16)
    found = BySplit.of(folder, "mine", entry, TIMELINE, judged(), room=1)("strict", 0)
    assert isinstance(found, Shelf)
    monkeypatch.setattr(h5py, "File", counted)
    for _ in range(3):
        for name in found:
            assert found[name].name == name
    assert opened == []
