import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.artifacts import timeline

ROOT = Path(__file__).parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose params.yaml asks for a small demo."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["datasets"]["demo"]["download"].update(
        videos=5, shots=[2, 3], shot_seconds=[0.5, 0.6], subjects_per_video=[2, 2], size=[64, 48]
    )
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return tmp_path


def download(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stages.download", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_download_writes_timeline_people_and_videos(project: Path) -> None:
    done = download(project, "--dataset", "demo", "--out", "data/demo/source")
    assert done.returncode == 0, done.stderr
    videos = [f"videos/demo-0{number}.mp4" for number in range(1, 6)]
    assert files(project / "data/demo/source") == ["people.h5", "timeline.h5", *videos]


def test_without_given_videos_there_are_none(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    params["datasets"]["demo"]["given"] = {"kind": "captions", "source": "captions.json"}
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    done = download(project, "--dataset", "demo", "--out", "source")
    assert done.returncode == 0, done.stderr
    assert files(project / "source") == ["people.h5", "timeline.h5"]


def test_given_captions_of_other_frames_end_the_download(project: Path) -> None:
    """The timeline is known then, and a recipe's expensive stages come later."""
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    params["datasets"]["demo"]["given"] = {"kind": "captions", "source": "captions.json"}
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    done = download(project, "--dataset", "demo", "--out", "source")
    assert "given.source: there is no file captions.json; the stage that follows" in " ".join(
        done.stderr.split()
    )
    known = timeline.read(project / "source" / "timeline.h5")
    said = {
        video.title: {"picks": video.picks_T.tolist(), "captions": ["A cat."] * len(video.picks_T)}
        for video in known.videos
    }
    (project / "captions.json").write_text(json.dumps(said), encoding="utf-8")
    assert download(project, "--dataset", "demo", "--out", "source").returncode == 0
    last = known.videos[-1]
    said[last.title]["picks"][1] += 1
    (project / "captions.json").write_text(json.dumps(said), encoding="utf-8")
    done = download(project, "--dataset", "demo", "--out", "source")
    assert done.returncode == 1
    assert f"captions.json: {last.name}" in done.stderr
    assert "number 2 is frame 16, not 15" in " ".join(done.stderr.split())


def test_an_unknown_dataset_is_named_with_the_known_ones(project: Path) -> None:
    done = download(project, "--dataset", "dmeo", "--out", "raw")
    assert done.returncode == 1
    assert "datasets has no 'dmeo' (has demo" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "raw").exists()
