"""A repository whose demo was measured, and an experiment in which one video fell."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from stage_outputs import make

from stages.artifacts import captions, people, predictions, timeline
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.evaluate import evaluate

FALLEN, FRAME = "video_3", 4


def command(root: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def measured(root: Path) -> None:
    """evaluate's tables for the artifacts as they are; `root` must be the current folder."""
    evaluate(dataset="demo", data=Path("data/demo"), out=Path("reports/results/demo"))


def places(root: Path) -> Places:
    return Places(root / "data" / "demo")


def interest(root: Path, video: str) -> np.ndarray:
    """People's mean at the sampled frames."""
    of = places(root)
    return people.read(of.people, timeline.read(of.timeline)).by_name[video].gtscore_T


def predict(root: Path, video: str, scores_T: np.ndarray) -> None:
    """Put a video's scores into every seed and split of llmvs."""
    of = places(root)
    path = of.predictions("llmvs")
    lengths = {each.name: len(each.picks_T) for each in timeline.read(of.timeline).videos}
    runs = [
        Run(
            protocol,
            int(seed.removeprefix("seed_")),
            number,
            found.epochs[seed][number],
            {name: scores_T if name == video else held_T for name, held_T in split.items()},
        )
        for protocol, found in predictions.read(path, lengths, ["strict", "official"]).items()
        for seed, splits in found.scores.items()
        for number, split in enumerate(splits)
    ]
    predictions.write(path, runs)


def caption(root: Path, video: str, frame: int, said: str) -> None:
    path = places(root).captions
    changed = [
        each.model_copy(update={"caption": said})
        if each.video == video and each.pick == 15 * frame
        else each
        for of_video in captions.read(path).values()
        for each in of_video
    ]
    captions.write(path, changed)


def set_up(root: Path) -> None:
    """In the workspace llmvs knows every video but a frame; in the experiment `fallen` it is wrong
    about one video, and puts that frame of it, whose caption is another too, first and not last.
    """
    make(root)
    command(root, "git", "init", "--quiet")
    command(root, "git", "config", "user.email", "test@example.org")
    command(root, "git", "config", "user.name", "test")
    dvc = (sys.executable, "-m", "dvc")
    command(root, *dvc, "init", "--quiet")
    (root / "dvc.lock").write_text("stages: {}\n")
    for number in range(1, 6):
        scores_T = interest(root, f"video_{number}")
        scores_T[FRAME] = -1
        predict(root, f"video_{number}", scores_T)
    measured(root)
    command(root, *dvc, "add", "--quiet", "data")
    command(root, "git", "add", "--all")
    command(root, "git", "commit", "--quiet", "--message", "as measured")
    head = command(root, "git", "rev-parse", "HEAD")

    scores_T = 1 - interest(root, FALLEN)
    scores_T[FRAME] = 2
    predict(root, FALLEN, scores_T)
    caption(root, FALLEN, FRAME, "Something else & <b>bold</b>.")
    settings = yaml.safe_load((root / "params.yaml").read_text())
    settings["datasets"]["demo"]["train"]["lr"] = 0.5
    (root / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    measured(root)
    command(root, *dvc, "add", "--quiet", "data")
    command(root, "git", "commit", "--quiet", "--all", "--message", "experiment")
    made = command(root, "git", "rev-parse", "HEAD")
    command(root, "git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/fallen", made)
    command(root, "git", "reset", "--quiet", "--hard", head)
    command(root, *dvc, "checkout", "--quiet")
