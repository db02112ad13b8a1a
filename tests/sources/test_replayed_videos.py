"""MR.HiSum's videos, named by YouTube ids: those that are there are judged at their own frames."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages import section
from stages.artifacts import frames as frames_file
from stages.artifacts import people as people_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.field import Annotated
from stages.artifacts.places import Places
from stages.benchmarking import replayed
from stages.benchmarking.processes import ROOT
from stages.download import download
from stages.errors import UserError
from stages.media import video
from stages.sample import sample
from stages.sources import mrhisum
from stages.sources.replayed_videos import there

FPS = 2
VIDEOS = 6
GONE, SHORT, LONG, BRACKETED = (f"video_{number}" for number in (2, 3, 4, 5))
D = "mrhisum-videos"


def youtube_id(name: str) -> str:
    return f"abc_DEF-{name.removeprefix('video_'):0>3}"


def encoded(path: Path, seconds: int) -> None:
    """Each second of another grey."""
    images = (np.full((16, 16, 3), 4 * (at // FPS) % 256, np.uint8) for at in range(FPS * seconds))
    video.encode(path, images, FPS, (16, 16))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mr_hisum.h5, SYNTHETIC, split.json, metadata.csv and videos/ of all but one."""
    where = tmp_path_factory.mktemp("replayed")
    replayed.write(where / "mr_hisum.h5", where / "split.json", VIDEOS, lengths=(20, 30), width=4)
    judged = mrhisum.read(D, where / "mr_hisum.h5", where / "split.json")
    with (where / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video_id", "yt8m_file", "random_id", "youtube_id", "duration"])
        for of in judged.timeline.videos:
            rows.writerow([of.name, "train0026", "ORaA", youtube_id(of.name), of.n_frames])
    (where / "videos/below").mkdir(parents=True)
    for of in judged.timeline.videos:
        stem = youtube_id(of.name)
        if of.name == BRACKETED:
            stem = f"below/Sparta, top ten [{stem}]"
        seconds = of.n_frames + {SHORT: -5, LONG: 7}.get(of.name, 0)
        if of.name != GONE:
            encoded(where / f"videos/{stem}.mp4", seconds)
    (where / "videos/notes.txt").write_text("no video")
    return where


@pytest.fixture
def judged(folder: Path) -> Annotated:
    return mrhisum.read(D, folder / "mr_hisum.h5", folder / "split.json", features=False)


def test_those_that_are_there_have_their_seconds_scores_at_their_frames(
    folder: Path, judged: Annotated
) -> None:
    found = there(judged, folder / "videos", folder / "metadata.csv")
    here = [of.name for of in found.annotated.timeline.videos]
    assert here == [name for name in judged.timeline.names if name not in (GONE, SHORT)]
    assert found.annotated.people.simulated
    for of in found.annotated.timeline.videos:
        own, before = found.annotated.people.by_name[of.name], judged.people.by_name[of.name]
        seconds = judged.timeline.by_name[of.name]
        assert (of.title, of.part) == (youtube_id(of.name), seconds.part)
        assert (of.n_frames, of.fps) == (FPS * seconds.n_frames, FPS)
        np.testing.assert_array_equal(of.picks_T, FPS * np.arange(seconds.n_frames))
        np.testing.assert_array_equal(of.times_T, np.arange(seconds.n_frames))
        np.testing.assert_array_equal(own.gtscore_T, before.gtscore_T)
        assert own.user_scores_UN is not None
        assert own.user_summary_UN is not None
        np.testing.assert_array_equal(own.user_scores_UN[0, of.picks_T], before.gtscore_T)
        assert before.user_summary_UN is not None
        np.testing.assert_array_equal(
            own.user_summary_UN, np.repeat(before.user_summary_UN, FPS, axis=1)
        )
        shots_S2 = seconds.known_shots()
        np.testing.assert_array_equal(of.known_shots()[:, 0], FPS * shots_S2[:, 0])
        np.testing.assert_array_equal(of.known_shots()[:, 1], FPS * shots_S2[:, 1] + FPS - 1)


def test_a_rate_that_is_no_whole_number_gives_each_frame_to_its_second(
    folder: Path, judged: Annotated, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = 30000 / 1001
    header = video.header
    monkeypatch.setattr(video, "header", lambda path: header(path)._replace(rate=rate))
    for of in there(judged, folder / "videos", folder / "metadata.csv").annotated.timeline.videos:
        second_N = np.floor(np.arange(of.n_frames) / rate + 1e-9).astype(int)
        np.testing.assert_array_equal(second_N[of.picks_T], np.arange(len(of.picks_T)))
        np.testing.assert_array_equal(second_N[of.picks_T[1:] - 1], np.arange(len(of.picks_T) - 1))


def test_what_is_missing_is_listed_with_the_reason(folder: Path, judged: Annotated) -> None:
    missing = there(judged, folder / "videos", folder / "metadata.csv").missing
    assert [(one.name, one.youtube_id) for one in missing] == [
        (name, youtube_id(name)) for name in (GONE, SHORT)
    ]
    seconds = judged.timeline.by_name[SHORT].n_frames
    assert missing[0].why == "there is no file of it"
    assert f"lasts {seconds - 5} s, and its scores {seconds} s" in missing[1].why


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("video_id,yt8m_file\nvideo_1,x\n", r"no column youtube_id"),
        ("video_id,youtube_id\nvideo_1,x\n", r"names no video_2 \(5 of 6 videos are missing"),
        (None, r"metadata\.csv: cannot be read .*download\.metadata"),
    ],
)
def test_a_csv_that_is_another_is_named(
    folder: Path, judged: Annotated, tmp_path: Path, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "metadata.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        there(judged, folder / "videos", tmp_path / "metadata.csv")


def test_a_folder_that_has_none_of_them_is_named(
    folder: Path, judged: Annotated, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"holds none of the 6 videos.*abc_DEF-001\.mp4"):
        there(judged, tmp_path, folder / "metadata.csv")


def test_download_and_sample_take_what_is_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    document: Any = section.document(ROOT / section.PARAMS)
    recipe = document["datasets"][D]
    recipe["simulated"] = True
    recipe["download"] |= {
        "source": str(folder / "mr_hisum.h5"),
        "split": str(folder / "split.json"),
        "videos": str(folder / "videos"),
        "metadata": str(folder / "metadata.csv"),
    }
    Path("params.yaml").write_text(yaml.safe_dump(document))
    places = Places(Path("data") / D)
    download(D, places.source)
    assert "2 of 6 videos are left out, the first video_2" in caplog.text
    listed = list(csv.DictReader((places.source / "missing.csv").open()))
    assert [row["name"] for row in listed] == [GONE, SHORT]
    sample(D, places.source, places.timeline, places.frames, places.folder / "images.h5")
    timeline = timeline_file.read(places.timeline)
    people = people_file.read(places.people, timeline)
    said = json.loads((folder / "split.json").read_text())
    assert set(timeline.parts.values()) <= {"train", "validation", "test"}
    assert timeline.parts["video_1"] == next(
        part
        for part, key in (
            ("train", "train_keys"),
            ("validation", "val_keys"),
            ("test", "test_keys"),
        )
        if "video_1" in said[key]
    )
    with frames_file.reading(places.frames) as shown:
        for of in timeline.videos:
            assert len(people.by_name[of.name].gtscore_T) == len(of.picks_T)
            greys = [shown.by_name[of.name].image(at).mean() for at in range(len(of.picks_T))]
            np.testing.assert_allclose(greys, 4.0 * np.arange(len(of.picks_T)), atol=3)
