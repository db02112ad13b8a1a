import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.artifacts import features, frames, timeline
from stages.sources import demo
from stages.sources.settings import DemoDownload

ROOT = Path(__file__).parent.parent

SMALL = DemoDownload(
    kind="demo",
    seed=1,
    videos=5,
    subjects=("cat", "moon"),
    shots=(2, 2),
    shot_seconds=(0.8, 1.0),
    subjects_per_video=(2, 2),
    fps=30,
    size=(64, 48),
    users=3,
    rarity=0.9,
    noise=1.0,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    demo.make("demo", SMALL, folder)
    return folder


@pytest.fixture
def source(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "source"))


OUTPUTS = ("frames.h5", "inputs/image.h5", "timeline.h5")


def sample(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run the stage over a work store of its own, beside its outputs."""
    options = ["--dataset", "demo", "--source", source, "--timeline", out / "timeline.h5"]
    options += ["--frames", out / "frames.h5", "--images", out / "inputs/image.h5"]
    return subprocess.run(
        [sys.executable, "-m", "stages.sample", *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "DVC_ROOT": str(out.with_name(f"{out.name}-root"))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stopped_run_goes_on_where_it_was_and_an_added_video_costs_that_video(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One after the other, the longest first: the broken one is the last.
    monkeypatch.setenv("LLMVS_WORKERS", "1")
    shortest = min(timeline.read(source / "timeline.h5").videos, key=lambda one: one.n_frames)
    broken = source / "videos" / f"{shortest.title}.mp4"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-200])
    assert sample(source, tmp_path / "out").returncode == 1
    broken.write_bytes(whole)
    done = sample(source, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "reused 4 of 5" in done.stderr
    assert sample(source, tmp_path / "other").returncode == 0
    for name in OUTPUTS:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_other_shots_are_found_without_decoding_again(source: Path, tmp_path: Path) -> None:
    assert sample(source, tmp_path / "out").returncode == 0
    known = timeline.read(source / "timeline.h5")
    bare = [dataclasses.replace(video, shots_S2=None) for video in known.videos]
    timeline.write(source / "timeline.h5", timeline.Timeline("demo", tuple(bare)))
    done = sample(source, tmp_path / "out")
    assert "reused 5 of 5" in done.stderr
    final = timeline.read(tmp_path / "out" / "timeline.h5")
    assert {video.shots_from for video in final.videos} == {"kts"}


def test_sample_writes_what_later_stages_read_and_again_the_same_bytes(
    source: Path, tmp_path: Path
) -> None:
    known = timeline.read(source / "timeline.h5")
    bare = [dataclasses.replace(video, shots_S2=None, fps=7.0) for video in known.videos[:2]]
    timeline.write(source / "timeline.h5", timeline.Timeline("demo", (*bare, *known.videos[2:])))
    done = sample(source, tmp_path / "one")
    assert done.returncode == 0, done.stderr
    final = timeline.read(tmp_path / "one/timeline.h5")
    assert [video.shots_from for video in final.videos] == ["kts"] * 2 + ["annotations"] * 3
    assert {video.fps for video in final.videos} == {30}
    with (
        frames.reading(tmp_path / "one/frames.h5") as videos,
        features.reading(tmp_path / "one/inputs/image.h5") as seen,
    ):
        assert [video.name for video in videos] == list(known.names)
        for video, expected in zip(videos, final.videos, strict=True):
            assert (video.picks() == expected.picks_T).all()
            assert (expected.picks_T == known.by_name[video.name].picks_T).all()
            assert seen.video(expected).shape == (len(video), 1280)
            assert video.image(0).shape == (336, 448, 3)
    assert sample(source, tmp_path / "two").returncode == 0
    for name in OUTPUTS:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def truncate(source: Path) -> None:
    video = source / "videos" / "demo-03.mp4"
    video.write_bytes(video.read_bytes()[:-200])


def empty(source: Path) -> None:
    shutil.rmtree(source / "videos")
    (source / "videos").mkdir()


def lose_one(source: Path) -> None:
    (source / "videos" / "demo-03.mp4").unlink()


def swap(source: Path) -> None:
    shutil.copy(source / "videos" / "demo-01.mp4", source / "videos" / "demo-03.mp4")


def spoil_timeline(source: Path) -> None:
    (source / "timeline.h5").write_text("<html>404</html>")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (truncate, "demo-03.mp4 cannot be decoded"),
        (empty, "videos holds no videos"),
        (lose_one, "holds no video demo-03"),
        (swap, "frames, but video_3 is known to have"),
        (spoil_timeline, "timeline.h5 is not a readable HDF5 file"),
    ],
)
def test_bad_input_is_one_message_and_what_was_there_stays(
    source: Path, tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    out = tmp_path / "out"
    for name in OUTPUTS:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"earlier")
    harm(source)
    done = sample(source, out)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.read_bytes() for path in out.rglob("*") if path.is_file()} == {b"earlier"}
    assert sum(path.is_file() for path in out.rglob("*")) == len(OUTPUTS)
