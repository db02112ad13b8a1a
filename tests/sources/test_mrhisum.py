"""MR.HiSum's files are read as published, and what is wrong with them is said in one message."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stages.artifacts import people as people_file
from stages.artifacts import timeline as timeline_file
from stages.benchmarking import replayed
from stages.errors import UserError
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.sources import mrhisum
from stages.sources.settings import MrHisumDownload


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """SYNTHETIC, of the published layout."""
    h5, split = tmp_path / "mr_hisum.h5", tmp_path / "split.json"
    replayed.write(h5, split, 12, lengths=(40, 60), width=8)
    return h5, split


def settings(h5: Path, split: Path) -> MrHisumDownload:
    return MrHisumDownload(
        kind="mrhisum", source=str(h5), split=str(split),
        split_url="http://127.0.0.1:9/split.json", split_sha256=None,
    )  # fmt: skip


def test_a_second_is_a_frame_and_its_score_the_one_judgement(files: tuple[Path, Path]) -> None:
    timeline, people = mrhisum.read("mrhisum", *files)
    assert timeline.names == tuple(f"video_{number}" for number in range(1, 13))
    with h5py.File(files[0]) as file:
        for video, judged in zip(timeline.videos, people.videos, strict=True):
            group = file[video.name]
            assert video.n_frames == len(group["features"])
            assert video.seconds == video.n_frames
            np.testing.assert_array_equal(video.picks_T, np.arange(video.n_frames))
            np.testing.assert_allclose(judged.gtscore_T, group["gtscore"][()], rtol=1e-6)
            np.testing.assert_array_equal(judged.user_summary_UN, group["gt_summary"][()][None])
            assert judged.users == 1
            # n_frame_per_seg of the authors' code
            lengths_S = np.diff(group["change_points"][()], axis=1)[:, 0]
            assert video.shots_S2 is not None
            np.testing.assert_array_equal(np.diff(video.shots_S2, axis=1)[:, 0] + 1, lengths_S)
    assert people.simulated


def test_every_video_has_the_part_that_the_split_file_gives_it(files: tuple[Path, Path]) -> None:
    said = json.loads(files[1].read_text())
    parts = mrhisum.read("mrhisum", *files).timeline.parts
    for part, key in (("train", "train_keys"), ("validation", "val_keys"), ("test", "test_keys")):
        assert {name for name, of in parts.items() if of == part} == set(said[key])


def test_a_made_up_file_has_the_authors_sizes_in_proportion(tmp_path: Path) -> None:
    replayed.write(tmp_path / "a.h5", tmp_path / "a.json", 64, lengths=(40, 41), width=2)
    said = json.loads((tmp_path / "a.json").read_text())
    assert {key: len(names) for key, names in said.items()} == {
        "train_keys": 56, "val_keys": 4, "test_keys": 4,
    }  # fmt: skip
    whole = replayed._split(np.random.default_rng(0), replayed.VIDEOS)
    assert [len(names) for names in whole.values()] == [27_892, 2_000, 2_000]
    replayed.write(tmp_path / "b.h5", tmp_path / "b.json", 64, lengths=(40, 41), width=2)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_score_itself_earns_all_there_is(files: tuple[Path, Path]) -> None:
    """The authors' summary is what their knapsack makes of the score, by their rules."""
    rules = Rules("scores", "mean", 0.15, highlights=5, beyond=1)
    for panel in Panels(*mrhisum.read("mrhisum", *files), rules).values():
        marks = panel.oracle()
        assert (marks.tau, marks.rho) == pytest.approx((1, 1))
        assert marks.f1 == (0 if panel.unsummarised else 1)
        assert panel.highlights is not None
        assert panel.highlights.oracle().map15 == pytest.approx(1)


def test_what_download_writes_is_what_the_stages_read(files: tuple[Path, Path]) -> None:
    out = files[0].parent / "source"
    mrhisum.make("mrhisum", settings(*files), True, out, files[0].parent)
    timeline = timeline_file.read(out / "timeline.h5")
    assert timeline.parts == mrhisum.read("mrhisum", *files).timeline.parts
    assert people_file.read(out / "people.h5", timeline).simulated


def test_a_made_up_file_is_not_taken_for_real_people(files: tuple[Path, Path]) -> None:
    out = files[0].parent / "source"
    with pytest.raises(UserError, match=r"is labelled synthetic, and .*simulated: false"):
        mrhisum.make("mrhisum", settings(*files), False, out, files[0].parent)
    with h5py.File(files[0], "a") as file:
        del file.attrs["synthetic"]
    with pytest.raises(UserError, match=r"is not labelled synthetic, and .*simulated: true"):
        mrhisum.make("mrhisum", settings(*files), True, out, files[0].parent)


def gone(key: str) -> Callable[[Any], None]:
    def change(group: Any) -> None:
        del group[key]

    return change


def instead(key: str, of: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], None]:
    def change(group: Any) -> None:
        values = of(group[key][()])
        del group[key]
        group[key] = values

    return change


def holding(place: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def of(values: np.ndarray) -> np.ndarray:
        values[place] = value
        return values

    return of


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (gone("features"), "video_3: holds no features; YouTube-8M's are put into"),
        (gone("gtscore"), "video_3/gtscore: is missing"),
        (gone("gt_summary"), "video_3/gt_summary: is missing"),
        (gone("change_points"), "video_3/change_points: is missing"),
        (instead("gtscore", lambda x: x[:-1]), "different numbers of seconds (features "),
        (instead("features", lambda x: x[:-2]), "different numbers of seconds (features "),
        (instead("gtscore", holding(4, np.nan)), "video_3/gtscore: holds NaN"),
        (instead("gtscore", holding(4, 1.5)), "video_3/gtscore: must lie in 0 to 1, goes"),
        (instead("gt_summary", holding(4, 0.5)), "video_3/gt_summary: must be 0 or 1"),
        (instead("change_points", lambda x: x[1:]), "change_points of video_3: shots must follow"),
        (instead("change_points", lambda x: x[:-1]), "change_points of video_3: its shots end at"),
    ],
)
def test_what_is_wrong_with_a_video_is_named(
    files: tuple[Path, Path], change: Callable[[Any], None], said: str
) -> None:
    with h5py.File(files[0], "a") as file:
        change(file["video_3"])
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        mrhisum.read("mrhisum", *files)
    assert str(files[0]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_that_are_inclusive_already_stay() -> None:
    inclusive = np.array([[0, 9], [10, 24]])
    np.testing.assert_array_equal(mrhisum.shots(inclusive, 25), inclusive)
    np.testing.assert_array_equal(mrhisum.shots(np.array([[0, 10], [10, 25]]), 25), inclusive)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_keys": ["video_99"]}, "names video_99, which"),
        ({"val_keys": ["video_1", "video_1"]}, "names video_1 twice"),
        ({"val_keys": []}, "val_keys"),
        ({"val_keys": None}, "val_keys"),
    ],
)
def test_what_is_wrong_with_the_split_is_named(
    files: tuple[Path, Path], change: dict[str, Any], said: str
) -> None:
    document = {"train_keys": ["video_2", "video_3"], "val_keys": ["video_4"],
                "test_keys": ["video_5"]} | change  # fmt: skip
    kept = {key: value for key, value in document.items() if value is not None}
    files[1].write_text(json.dumps(kept))
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        mrhisum.read("mrhisum", *files)
    assert str(files[1]) in str(caught.value)


def test_videos_that_no_part_names_are_left_out_aloud(
    files: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    document = {"train_keys": ["video_2", "video_3"], "val_keys": ["video_4"],
                "test_keys": ["video_5"]}  # fmt: skip
    files[1].write_text(json.dumps(document))
    with caplog.at_level("WARNING", "llmvs"):
        timeline, _ = mrhisum.read("mrhisum", *files)
    assert timeline.names == ("video_2", "video_3", "video_4", "video_5")
    assert "holds 8 videos that" in caplog.text


def test_a_file_that_is_not_here_is_said_with_where_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(
        '{"train_keys": ["a"], "val_keys": ["b"], "test_keys": ["c"]}'
    )
    with pytest.raises(UserError, match=r"mr_hisum\.h5 not found; .*github\.com/MRHiSum"):
        mrhisum.read("mrhisum", tmp_path / "mr_hisum.h5", tmp_path / "split.json")
