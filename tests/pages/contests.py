"""A repository whose demo was measured, and an experiment in which one video fell."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import yaml

sys.path.append(str(Path(__file__).parent.parent / "reporting"))
from stage_outputs import make

from stages.evaluate import evaluate
from stages.metrics.results import CURVE

FALLEN, FRAME = "video_3", 4


def command(root: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def measured(root: Path) -> None:
    """evaluate's tables for the artifacts as they are; `root` must be the current folder."""
    settings = yaml.safe_load((root / "params.yaml").read_text())
    for model in settings["run"]["models"]:
        path = root / "data" / "curves" / "demo" / f"{model}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(CURVE)
            for protocol in ("strict", "official"):
                for run in ((seed, split) for seed in (0, 1) for split in (0, 1)):
                    for epoch in (1, 2, 3):
                        writer.writerow(
                            [protocol, *run, epoch, 0.001, 0.1 / epoch, 0.2 / epoch, ""]
                        )
    evaluate(
        dataset="demo",
        annotations=Path("data/raw/demo/annotations.h5"),
        frames=Path("data/frames/demo.h5"),
        captions=Path("data/captions/demo.jsonl"),
        embeddings=Path("data/embeddings/demo.h5"),
        predictions=Path("data/predictions/demo"),
        curves=Path("data/curves/demo"),
        out=Path("reports/results/demo"),
    )


def interest(root: Path, video: str) -> np.ndarray:
    """People's mean at the sampled frames."""
    with h5py.File(root / "data" / "raw" / "demo" / "annotations.h5") as file:
        return np.asarray(file[video]["gtscore"], dtype=np.float32)


def predict(root: Path, video: str, scores_T: np.ndarray) -> None:
    """Put a video's scores into every seed and split of llmvs."""
    with h5py.File(root / "data" / "predictions" / "demo" / "llmvs.h5", "a") as file:
        for protocol in file.values():
            for seed in protocol.values():
                for split in seed.values():
                    if video in split:
                        split[video][...] = scores_T


def caption(root: Path, video: str, frame: int, said: str) -> None:
    path = root / "data" / "captions" / "demo.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["video"] == video and line["pick"] == 15 * frame:
            line["caption"] = said
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


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
