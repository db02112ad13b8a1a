"""Videos that are not as long as people annotated: from the archive to the marks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import published_archives as fake
import pytest
import yaml

from stages import export
from stages.artifacts import features, field, frames, people, timeline
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.sources.published import make_summe
from stages.sources.settings import SumMeDownload

ROOT = Path(__file__).parent.parent
SHORT = {"Snorkel": 1, "Leaps": 2}
"""Frames fewer than annotated. Snorkel's last frame is a pick."""


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/summe/source of an archive in which two videos are short."""
    folder = tmp_path_factory.mktemp("downloaded")
    source = fake.summe(folder / "archive", SHORT)
    settings = SumMeDownload(kind="summe", source=str(source), url="http://127.0.0.1:9/", h5=None)
    make_summe("summe", settings, folder / "source", folder / "work" / "downloads")
    return folder / "source"


def sample(
    source: Path, at: Path, tolerance: int, workers: int = 2
) -> subprocess.CompletedProcess[str]:
    """Run the stage in a folder with a recipe of its own, into data/summe there."""
    given = {
        "tolerance": tolerance,
        "short_side": 48,
        "jpeg_quality": 90,
        "segmentation": {"rule": "field"},
    }
    at.mkdir(exist_ok=True)
    params = {"datasets": {"summe": {"sample": given}}}
    (at / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    data = at / "data/summe"
    options = ["--dataset", "summe", "--source", source, "--timeline", data / "timeline.h5"]
    options += ["--frames", data / "frames.h5", "--images", data / "inputs/image.h5"]
    return subprocess.run(
        [sys.executable, "-m", "stages.sample", *map(str, options)],
        cwd=at,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DVC_ROOT": str(at),
            "LLMVS_WORKERS": str(workers),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def words(said: str) -> str:
    return re.sub(r"\s+", " ", said)


@pytest.fixture(scope="module")
def refused(downloaded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which sampling found the mismatches, and what it said."""
    at = tmp_path_factory.mktemp("sampled")
    done = sample(downloaded, at, tolerance=0)
    assert done.returncode == 1
    assert not list((at / "data").rglob("*.h5*"))
    return at, done.stderr


@pytest.fixture(scope="module")
def sampled(downloaded: Path, refused: tuple[Path, str]) -> tuple[Path, str]:
    """The same where as many frames are tolerated, and what that said."""
    done = sample(downloaded, refused[0], tolerance=2)
    assert done.returncode == 0, done.stderr
    return refused[0], done.stderr


def test_all_mismatches_are_named_at_once_and_nothing_is_decoded_again(
    refused: tuple[Path, str], sampled: tuple[Path, str]
) -> None:
    for said in (
        "Leaps.mp4 decodes to 58 frames, but video_3 is known to have 60",
        "Snorkel.mp4 decodes to 75 frames, but video_4 is known to have 76",
        "raise sample.tolerance",
    ):
        assert words(refused[1]).count(said) == 1
    assert "Traceback" not in refused[1]
    assert "reused 5 of 5" in sampled[1]


def test_within_the_tolerance_every_file_agrees_on_the_shorter_length(
    downloaded: Path, sampled: tuple[Path, str], tmp_path: Path
) -> None:
    assert words(sampled[1]).count("75 frames decoded, 76 annotated") == 1
    data = sampled[0] / "data/summe"
    known = timeline.read(downloaded / "timeline.h5")
    spine = timeline.read(data / "timeline.h5")
    lengths = {one.title: fake.SUMME[one.title] - SHORT.get(one.title, 0) for one in known.videos}
    assert {one.title: one.n_frames for one in spine.videos} == lengths
    assert [len(one.picks_T) for one in spine.videos] == [6, 7, 4, 5, 5]
    assert len(known.by_name["video_4"].picks_T) == 6
    with (
        frames.reading(data / "frames.h5") as shown,
        features.reading(data / "inputs/image.h5") as seen,
    ):
        for video, one in zip(shown, spine.videos, strict=True):
            np.testing.assert_array_equal(video.picks(), one.picks_T)
            assert len(seen.video(one)) == len(video) == len(one.picks_T)

    # People's file is as it was downloaded; read with the timeline it goes as far as that.
    whole = people.read(downloaded / "people.h5", known)
    said = people.read(downloaded / "people.h5", spine)
    for before, after, one in zip(whole.videos, said.videos, spine.videos, strict=True):
        expected = before.user_summary_UN[:, : one.n_frames]
        np.testing.assert_array_equal(after.user_summary_UN, expected)
        np.testing.assert_array_equal(after.gtscore_T, before.gtscore_T[: len(one.picks_T)])
    for name, panel in Panels(spine, said, Rules("summary", "mean", 0.5)).items():
        video = spine.by_name[name]
        assert panel.summary(np.ones(len(video.picks_T))).shape == (video.n_frames,)
        assert np.isfinite(panel.verdict(np.arange(len(video.picks_T))).marks.f1)

    (data / "source").symlink_to(downloaded)
    export.field_h5(data, tmp_path / "field.h5")
    again = field.read(tmp_path / "field.h5")
    assert {one.title: one.n_frames for one in again.timeline.videos} == lengths


def test_one_process_gives_the_bytes_that_two_give(
    downloaded: Path, sampled: tuple[Path, str], tmp_path: Path
) -> None:
    done = sample(downloaded, tmp_path, tolerance=2, workers=1)
    assert done.returncode == 0, done.stderr
    for name in ("timeline.h5", "frames.h5", "inputs/image.h5"):
        one, two = (at / "data/summe" / name for at in (tmp_path, sampled[0]))
        assert one.read_bytes() == two.read_bytes()
