"""What the report of a dataset as large as TVSum costs: time, size, memory.

Predictions, embeddings, captions and pictures are made up; annotations are TVSum's where its .mat
is named. Everything is laid out as the stages leave it, and the report stage runs on it as a
program of its own.

Shapes: T sampled frames, D embedding width.
"""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import skimage.data
import torch
import yaml
from PIL import Image
from rich.table import Table

from stages.artifacts import embeddings as readings
from stages.artifacts import field as annotations
from stages.artifacts import frames
from stages.artifacts.field import EVERY, Annotations, VideoAnnotations
from stages.benchmarking.evaluation import even_shots, synthetic
from stages.errors import UserError
from stages.scorers import checkpoints
from stages.scorers.global_attention import GlobalAttention
from stages.sources import tvsum
from stages.splits.folds import Protocol, splits
from stages.training.records import CURVE_COLUMNS
from stages.work import runs

ROOT = Path(__file__).parent.parent.parent
WIDTH, EPOCHS = 64, 20
_WORDS = ("A dog runs", "Two people talk", "A car turns left", "Rain falls", "A man cooks")


def _pictures(count: int) -> tuple[bytes, ...]:
    """So many different photographs as JPEG: windows that wander over three."""
    sources = [skimage.data.coffee(), skimage.data.astronaut(), skimage.data.rocket()]
    encoded = []
    for index in range(count):
        source = Image.fromarray(sources[index % 3])
        left, top = index % 100, index // 5 % 100
        stream = io.BytesIO()
        source.crop((left, top, left + 300, top + 225)).resize((448, 336)).save(stream, "JPEG")
        encoded.append(stream.getvalue())
    return tuple(encoded)


def _videos(mat: Path | None, count: int, length: int) -> list[tvsum.Judged]:
    judged = (tvsum.read_mat(mat) if mat is not None else synthetic(videos=count))[:count]
    most = EVERY * length
    return [
        tvsum.Judged(one.youtube_id, "", "", np.resize(one.user_scores_UN, (tvsum.USERS, most)))
        for one in judged
    ]


def build(root: Path, mat: Path | None, count: int, length: int) -> None:
    """Everything that the report reads, under `root`: data/, reports/results and params.yaml."""
    random = np.random.default_rng(0)
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["run"] = {"datasets": ["tvsum"], "models": ["llmvs"]}
    recipe: dict[str, Any] = document["datasets"]["tvsum"]
    recipe["title"] = "SYNTHETIC predictions, for the benchmark of the report"
    recipe["simulated"] = True
    recipe["train"].update(splits="drawn", folds=5, seeds=[0], epochs=EPOCHS)
    recipe["evaluate"].update(random_seeds=2, bootstrap=100)
    (root / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    judged = _videos(mat, count, length)
    picks_T = np.arange(length) * EVERY
    told, stills = [], _pictures(length)
    for number, one in enumerate(judged):
        mean_N = (one.user_scores_UN.mean(axis=0) - 1) / 4
        told.append(
            VideoAnnotations(
                name=f"video_{number + 1}",
                video_name=one.youtube_id,
                n_frames=one.n_frames,
                picks_T=picks_T,
                gtscore_T=mean_N[picks_T].astype(np.float32),
                user_scores_UN=one.user_scores_UN,
            )
        )
    data = root / "data"
    annotations.write(data / "raw/tvsum/annotations.h5", Annotations("tvsum", True, tuple(told)))
    frames.write(data / "frames/tvsum.h5", _sampled(told, stills))
    _words(data, told, random)
    _trained(data, told, recipe, random)
    _stage(
        root,
        *("evaluate", "--dataset", "tvsum", "--annotations", "data/raw/tvsum/annotations.h5"),
        *("--frames", "data/frames/tvsum.h5", "--embeddings", "data/embeddings/tvsum.h5"),
        *("--captions", "data/captions/tvsum.jsonl", "--predictions", "data/predictions/tvsum"),
        *("--curves", "data/curves/tvsum", "--out", "reports/results/tvsum"),
    )


def _stage(root: Path, name: str, *arguments: str) -> None:
    """Run a stage in `root` as a program. Raises UserError where it fails."""
    with (root / "said").open("w+") as said:
        done = subprocess.run(
            [sys.executable, "-m", f"stages.{name}", *arguments],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(ROOT), "DVC_ROOT": str(root)},
            stdout=said,
            stderr=said,
            check=False,
        )
        if done.returncode:
            said.seek(0)
            words = said.read().strip().splitlines() or ["it was killed; memory may have run out"]
            raise UserError(f"the {name} stage failed: {words[-1]}")


def _sampled(told: list[VideoAnnotations], stills: tuple[bytes, ...]) -> Iterator[frames.Sampled]:
    for video in told:
        yield frames.Sampled(
            name=video.name,
            video_name=video.video_name,
            n_frames=video.n_frames,
            fps=30.0,
            jpegs=stills,
            picks_T=video.picks_T,
            features_TD=np.zeros((len(video.picks_T), 1), np.float32),
            change_points_S2=even_shots(video.n_frames),
            change_points_from="kts",
        )


def _words(data: Path, told: list[VideoAnnotations], random: np.random.Generator) -> None:
    """Captions of twelve words and the LLM's replies, with embeddings of random numbers."""
    lines = []
    for name in ("captions", "embeddings", "predictions/tvsum", "curves/tvsum"):
        (data / name).mkdir(parents=True, exist_ok=True)
    with h5py.File(data / "embeddings/tvsum.h5", "w") as file:
        file.attrs.update(llm="none", lowest=0, highest=10, unparsed=0)
        for video in told:
            length = len(video.picks_T)
            for index, pick in enumerate(video.picks_T.tolist()):
                said = f"{_WORDS[index % 5]} in view number {index} of a long and made-up caption."
                lines.append(f'{{"video": "{video.name}", "pick": {pick}, "caption": "{said}"}}\n')
            states_TD = random.normal(size=(length, WIDTH)).astype(np.float32)
            score_T = random.integers(0, 11, length)
            readings.put(
                file.create_group(video.name),
                query_TW=states_TD,
                answer_TW=states_TD,
                score_T=score_T,
                replies=[f"score: {score}" for score in score_T],
                picks_T=video.picks_T,
            )
    (data / "captions/tvsum.jsonl").write_text("".join(lines), encoding="utf-8")


def _trained(
    data: Path, told: list[VideoAnnotations], recipe: Any, random: np.random.Generator
) -> None:
    """A row of predictions, noise upon people's mean; a small untrained model a split."""
    torch.manual_seed(0)
    by_name = {video.name: video for video in told}
    curve = [",".join(CURVE_COLUMNS)]
    protocols: tuple[Protocol, ...] = ("strict", "official")
    with h5py.File(data / "predictions/tvsum/llmvs.h5", "w") as file:
        for protocol in protocols:
            for number, split in enumerate(splits(protocol, "drawn", list(by_name), 5)):
                group = file.create_group(f"{protocol}/seed_0/split_{number}")
                group.attrs["epoch"] = EPOCHS
                for name in split.test:
                    mean_T = by_name[name].gtscore_T
                    noisy_T = mean_T + 0.2 * random.normal(size=len(mean_T))
                    group[name] = noisy_T.clip(0, 1).astype(np.float32)
                curve += [
                    f"{protocol},0,{number},{epoch},0.001,{0.1 / epoch},{0.08 / epoch**0.5},"
                    for epoch in range(1, EPOCHS + 1)
                ]
                place = f"checkpoints/tvsum/llmvs/{protocol}/seed_0/split_{number}.safetensors"
                model = GlobalAttention(WIDTH, 128, layers=3, heads=2, feedforward=128)
                checkpoints.save(data / place, model)
    (data / "curves/tvsum/llmvs.csv").write_text("\n".join(curve) + "\n", encoding="utf-8")


def measure(mat: Path | None, videos: int, length: int) -> Table:
    """Time, size and memory of the report. Raises UserError where the stage fails."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, mat, videos, length)
        _stage(root, "report")
        # What the process says of itself: its parent's count of it starts from the parent's own.
        record = runs.of(root / ".work", "report", root / "reports/index.html")
        if record is None:
            raise UserError("the report stage left no record of what it took")
        sizes = {path: path.stat().st_size for path in (root / "reports").rglob("*.html")}
        figures = sum(path.stat().st_size for path in (root / "reports/figures").iterdir())
        index = sizes[root / "reports/index.html"]
    people = "TVSum's annotations" if mat else "SYNTHETIC annotations"
    table = Table(
        "what",
        "measured",
        title=f"{videos} videos of {length} frames\nSYNTHETIC predictions, {people}",
    )
    table.add_row("time", f"{record.seconds:.1f} s")
    table.add_row("pages", f"{len(sizes)}, {sum(sizes.values()) / 1e6:.1f} MB")
    table.add_row("the index", f"{index / 1e6:.2f} MB")
    table.add_row("the largest page", f"{max(sizes.values()) / 1e6:.2f} MB")
    table.add_row("figures", f"{figures / 1e6:.2f} MB")
    table.add_row("peak memory", f"{record.peak_bytes / 1e6:.0f} MB")
    return table
