"""The given stage: what others made, on the timeline of a recipe that has no videos."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

from stages.artifacts import captions, embeddings, scores, timeline
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video

ROOT = Path(__file__).parent.parent
SHOTS = [[0, 19], [20, 39]]
VIDEOS = tuple(
    Video.sampled(f"video_{number}", f"film {number}", 40).with_shots(SHOTS, "field")
    for number in (1, 2)
)
OUTPUTS = {"captions": "captions.jsonl", "embeddings": "inputs/e.h5", "scores": "scores.h5"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a timeline of two videos."""
    timeline.write(tmp_path / "source/timeline.h5", Timeline("mine", VIDEOS))
    return tmp_path


def given(project: Path, settings: dict[str, Any], *, to: str | None = None) -> Any:
    params = {"datasets": {"mine": {"given": settings}}}
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    kind = to or settings["kind"]
    options = ["--dataset", "mine", "--source", "source", "--timeline", "timeline.h5"]
    return subprocess.run(
        [sys.executable, "-m", "stages.given", *options, f"--{kind}", OUTPUTS[kind]],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def said(project: Path, document: Any) -> dict[str, Any]:
    (project / "said.json").write_text(json.dumps(document), encoding="utf-8")
    return {"kind": "captions", "source": "said.json"}


def entry(words: str) -> dict[str, Any]:
    return {"picks": [0, 15, 30], "captions": [f"{words} {n}" for n in range(3)]}


def test_given_captions_become_the_captions_of_the_timeline(project: Path) -> None:
    done = given(project, said(project, {"film_1": entry("a cat"), "video_2": entry("a dog")}))
    assert done.returncode == 0, done.stderr
    assert "captions of 2 videos, 6 frames" in done.stderr
    read = captions.read(project / "captions.jsonl")
    assert {name: [one.caption for one in each] for name, each in read.items()} == {
        "video_1": ["a cat 0", "a cat 1", "a cat 2"],
        "video_2": ["a dog 0", "a dog 1", "a dog 2"],
    }
    final = timeline.read(project / "timeline.h5")
    assert [video.shots_from for video in final.videos] == ["field", "field"]


def test_given_embeddings_become_inputs_and_nothing_is_made_up(project: Path) -> None:
    states = np.random.default_rng(0).normal(size=(2, 3, 2, 5)).astype(np.float32)
    for name in ("query", "answer"):
        with h5py.File(project / f"{name}.h5", "w") as file:
            file["video_1"], file["film_2"] = states if name == "query" else -states
    done = given(project, {"kind": "embeddings", "query": "query.h5", "answer": "answer.h5"})
    assert done.returncode == 0, done.stderr
    with embeddings.reading(project / "inputs/e.h5") as file:
        for number, video in enumerate(VIDEOS):
            found = file.video(video)
            np.testing.assert_array_equal(found.query_TW, states[number].max(axis=1))
            np.testing.assert_array_equal(found.answer_TW, (-states[number]).max(axis=1))
            assert found.score_T is None
            assert found.replies is None


def test_given_scores_become_rows(project: Path) -> None:
    (project / "s.json").write_text(json.dumps({"film 1": [1, 2, 3], "film 2": [0, 0.5, 0]}))
    done = given(project, {"kind": "scores", "rows": {"b": "s.json", "a": "s.json"}})
    assert done.returncode == 0, done.stderr
    assert "scores of b, a for 2 videos, 6 frames" in done.stderr
    rows = scores.read(project / "scores.h5", Timeline("mine", VIDEOS))
    assert list(rows) == ["b", "a"]
    np.testing.assert_array_equal(rows["a"]["video_2"], [0, 0.5, 0])


def test_bad_input_is_one_message_and_what_was_there_stays(project: Path) -> None:
    for name in ("timeline.h5", "captions.jsonl"):
        (project / name).write_bytes(b"earlier")
    done = given(project, said(project, {"film_1": entry("a cat")}))
    assert done.returncode == 1
    assert "said.json: lacks captions of video_2 (film 2)" in done.stderr
    assert "Traceback" not in done.stderr
    assert (project / "timeline.h5").read_bytes() == b"earlier"
    assert (project / "captions.jsonl").read_bytes() == b"earlier"


def test_without_shots_nothing_can_be_judged(project: Path) -> None:
    bare = Timeline("mine", (VIDEOS[0], Video.sampled("video_2", "film 2", 40)))
    timeline.write(project / "source/timeline.h5", bare)
    done = given(project, said(project, {"film_1": entry("a cat"), "film_2": entry("a dog")}))
    assert done.returncode == 1
    assert "video_2 (film 2): its shots are not known" in done.stderr
    assert "download.h5" in done.stderr
    assert not (project / "captions.jsonl").exists()


def test_what_is_given_must_be_what_is_asked_for(project: Path) -> None:
    done = given(project, {"kind": "videos"}, to="captions")
    assert done.returncode == 1
    assert "videos are given; there is nothing for this stage to do" in done.stderr
    done = given(project, said(project, {}), to="scores")
    assert done.returncode == 1
    assert "captions are given; say where" in done.stderr
