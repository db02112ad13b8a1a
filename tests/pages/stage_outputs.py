"""A small, complete set of artifacts as the stages before report leave them, with random scores."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from stages.artifacts import field as annotations
from stages.artifacts import frames
from stages.artifacts.field import Annotations, VideoAnnotations
from stages.artifacts.frames import Sampled
from stages.report import report
from stages.scorers import checkpoints
from stages.scorers.global_attention import GlobalAttention

ROOT = Path(__file__).parent.parent.parent
LOWEST, HIGHEST = 0, 10
BASELINES = {
    "zero-shot": ("LLM's own score (zero-shot)", "baseline"),
    "human": ("Human (pairs of users)", "people"),
    "oracle": ("Oracle (people's mean)", "people"),
    "random": ("Random (100 draws)", "baseline"),
}


def jpeg(hue: float, frame: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A coloured gradient that moves a little from frame to frame."""
    width, height = size
    ramp = np.linspace(0, 1, width)[None, :] + np.linspace(0, 1, height)[:, None]
    channels = [np.sin(3 * ramp + hue + shift + 0.1 * frame) for shift in (0, 2, 4)]
    pixels = (127 + 120 * np.stack(channels, axis=-1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def tested(protocol: str, names: list[str]) -> list[str]:
    """The videos that a protocol tests: "official" leaves the first one out."""
    return names if protocol == "strict" else names[1:]


def make(
    root: Path,
    *,
    dataset: str = "demo",
    videos: int = 5,
    steps: int = 12,
    users: int = 4,
    folds: int = 2,
    seeds: tuple[int, ...] = (0, 1),
    caption: Callable[[int, int], str] = lambda video, frame: f"Frame {frame} of video {video}.",
    simulated: bool = True,
    scores: bool = True,
    protocols: tuple[str, ...] = ("strict", "official"),
    attention: bool = True,
) -> Path:
    """Write params.yaml, data/ and reports/results/ under root; returns root."""
    random = np.random.default_rng(7)
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    recipe = settings["datasets"]["demo"]
    recipe["title"] = f"{dataset} for tests"
    recipe["simulated"] = simulated
    recipe["train"].update(folds=folds, seeds=list(seeds), protocols=list(protocols))
    if not scores:
        recipe["evaluate"].update(agreement="summary", f1="max")
    settings["run"]["datasets"] = [dataset]
    settings["datasets"] = {dataset: recipe}
    root.mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    models = {name: settings["models"][name]["title"] for name in settings["run"]["models"]}

    n_frames, fps = 15 * steps, 30.0
    names = [f"video_{number + 1}" for number in range(videos)]
    picks_T = np.arange(0, n_frames, 15)
    edges = np.unique(np.linspace(0, n_frames, 9).astype(int))
    shots_S2 = np.column_stack([edges[:-1], edges[1:] - 1])
    people, sampled = [], []
    for name in names:
        scores_UT = random.integers(1, 6, (users, steps)).astype(np.float32)
        chosen = random.integers(0, len(shots_S2), users)
        summary_UN = np.zeros((users, n_frames), dtype=np.float32)
        for user, shot in enumerate(chosen):
            summary_UN[user, slice(shots_S2[shot][0], shots_S2[shot][1] + 1)] = 1
        people.append(
            VideoAnnotations(
                name=name,
                video_name=name,
                n_frames=n_frames,
                picks_T=picks_T,
                gtscore_T=(scores_UT.mean(axis=0) - 1) / 4,
                change_points_S2=shots_S2,
                user_summary_UN=summary_UN,
                user_scores_UN=np.repeat(scores_UT, 15, axis=1) if scores else None,
            )
        )
        hue = float(random.uniform(0, 6))
        sampled.append(
            Sampled(
                name=name,
                video_name=name,
                n_frames=n_frames,
                fps=fps,
                jpegs=tuple(jpeg(hue, frame) for frame in range(steps)),
                picks_T=picks_T,
                features_TD=np.zeros((steps, 4), dtype=np.float32),
                change_points_S2=shots_S2,
                change_points_from="annotations",
            )
        )
    data = root / "data"
    annotations.write(
        data / "raw" / dataset / "annotations.h5", Annotations(dataset, simulated, tuple(people))
    )
    frames.write(data / "frames" / f"{dataset}.h5", sampled)
    _captions(data / "captions" / f"{dataset}.jsonl", names, picks_T, caption)
    _embeddings(data / "embeddings" / f"{dataset}.h5", names, picks_T, random)
    torch.manual_seed(0)
    for model in models:
        path = data / "predictions" / dataset / f"{model}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            for seed in seeds:
                for protocol in protocols:
                    for number, name in enumerate(tested(protocol, names)):
                        where = f"{protocol}/seed_{seed}/split_{number % folds}/{name}"
                        file[where] = random.random(steps).astype(np.float32)
                for protocol in protocols:
                    for split in range(folds):
                        group = file.require_group(f"{protocol}/seed_{seed}/split_{split}")
                        group.attrs["epoch"] = 5.5 if protocol == "official" else 8.0
                        where = f"{protocol}/seed_{seed}/split_{split}.safetensors"
                        trained = GlobalAttention(
                            4, 16, layers=2, heads=2, feedforward=8, attention=attention
                        )
                        checkpoints.save(data / "checkpoints" / dataset / model / where, trained)
    _results(root / "reports" / "results" / dataset, dataset, recipe, names, models, random)
    return root


def _captions(path: Path, names: list[str], picks_T: Any, caption: Any) -> None:
    path.parent.mkdir(parents=True)
    lines = [
        {"video": name, "pick": int(pick), "caption": caption(number + 1, frame)}
        for number, name in enumerate(names)
        for frame, pick in enumerate(picks_T)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _embeddings(path: Path, names: list[str], picks_T: Any, random: Any) -> None:
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file.attrs.update(llm="a-model", lowest=LOWEST, highest=HIGHEST, unparsed=len(names))
        for name in names:
            scores_T = random.integers(LOWEST, HIGHEST + 1, len(picks_T)).astype(np.float32)
            replies = [f"score: {score:.0f}" for score in scores_T]
            scores_T[2], replies[2] = np.nan, "I cannot say."
            group = file.create_group(name)
            group["score"], group["picks"] = scores_T, picks_T
            group.create_dataset("reply", data=replies, dtype=h5py.string_dtype())
            for key in ("query", "answer"):
                group[key] = np.zeros((len(picks_T), 4), dtype=np.float32)


def _results(
    folder: Path, dataset: str, recipe: Any, names: list[str], models: Any, random: Any
) -> None:
    folder.mkdir(parents=True)
    kinds = {name: (title, "model") for name, title in models.items()} | BASELINES
    protocols = recipe["train"]["protocols"]

    def rows() -> dict[str, Any]:
        found = {}
        for name, (title, kind) in kinds.items():
            row: dict[str, Any] = {"title": title, "kind": kind}
            for mark in ("tau", "rho", "f1"):
                mean = round(float(random.uniform(-0.05, 0.4)), 6)
                spread = 0.012 if kind == "model" else None
                ends = {"low": mean - 0.05, "high": mean + 0.05}
                row[mark] = {"mean": mean, **ends, "spread": spread, "fold_spread": 0.034}
            found[name] = row
        return found

    document = {
        "dataset": dataset,
        "title": recipe["title"],
        "simulated": recipe["simulated"],
        "confidence": 0.95,
        "llm": {"replies": 60, "unparsed": len(names)},
        "protocols": {
            protocol: {
                "videos": len(tested(protocol, names)),
                "flags": [f"A flag of {protocol} that readers must see."],
                "rows": rows(),
            }
            for protocol in protocols
        },
    }
    (folder / "results.json").write_text(json.dumps(document), encoding="utf-8")
    with (folder / "per_video.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["protocol", "row", "video", "tau", "rho", "f1"])
        for protocol in protocols:
            for row_name in kinds:
                for video in tested(protocol, names):
                    marks = random.uniform(-0.2, 0.6, 3).round(6)
                    writer.writerow([protocol, row_name, video, *marks])
    with (folder / "curves.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["model", "protocol", "seed", "split", "epoch", "lr", "train_loss", "test_loss", "tau"]
        )
        runs = [
            (model, protocol, seed, split)
            for model in models
            for protocol in protocols
            for seed in recipe["train"]["seeds"]
            for split in range(recipe["train"]["folds"])
        ]
        for run in runs:
            half = run[1] == "official"
            for epoch in np.arange(1, 17) / 2 if half else range(1, 9):
                losses = 0.08 / epoch**0.5 + random.uniform(0, 0.01, 2)
                writer.writerow([*run, f"{epoch:g}", 3e-4, *losses, 0.1 if half else ""])


def build(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the report stage in `root` and give the page."""
    monkeypatch.chdir(root)
    out = Path("reports/index.html")
    report(Path("data"), Path("reports/results"), out)
    return out.read_text(encoding="utf-8")
