import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.artifacts import field as annotations
from stages.artifacts import frames
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
def raw(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "raw"))


def sample(raw: Path, out: Path) -> subprocess.CompletedProcess[str]:
    options = ["--dataset", "demo", "--raw", str(raw), "--out", str(out)]
    return subprocess.run(
        [sys.executable, "-m", "stages.sample", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_sample_writes_what_later_stages_read_and_again_the_same_bytes(
    raw: Path, tmp_path: Path
) -> None:
    done = sample(raw, tmp_path / "one.h5")
    assert done.returncode == 0, done.stderr
    annotated = annotations.read(raw / "annotations.h5").videos
    with frames.reading(tmp_path / "one.h5") as videos:
        assert [video.name for video in videos] == [video.name for video in annotated]
        for video, people in zip(videos, annotated, strict=True):
            assert (video.picks() == people.picks_T).all()
            assert (video.change_points() == people.change_points_S2).all()
            assert video.features().shape == (len(video), 1280)
            assert video.image(0).shape == (336, 448, 3)
    assert sample(raw, tmp_path / "two.h5").returncode == 0
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def truncate(raw: Path) -> None:
    video = raw / "videos" / "demo-03.mp4"
    video.write_bytes(video.read_bytes()[:-200])


def empty(raw: Path) -> None:
    shutil.rmtree(raw / "videos")
    (raw / "videos").mkdir()


def lose_one(raw: Path) -> None:
    (raw / "videos" / "demo-03.mp4").unlink()


def swap(raw: Path) -> None:
    shutil.copy(raw / "videos" / "demo-01.mp4", raw / "videos" / "demo-03.mp4")


def spoil_annotations(raw: Path) -> None:
    (raw / "annotations.h5").write_text("<html>404</html>")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (truncate, "demo-03.mp4 cannot be decoded"),
        (empty, "videos holds no videos"),
        (lose_one, "holds no video demo-03"),
        (swap, "frames, but the annotations of video_3 are for"),
        (spoil_annotations, "annotations.h5 is not a readable HDF5 file"),
    ],
)
def test_bad_input_is_one_message_and_the_earlier_frames_stay(
    raw: Path, tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    out = tmp_path / "frames.h5"
    out.write_bytes(b"earlier")
    harm(raw)
    done = sample(raw, out)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames.h5", "raw"]
