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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
import yaml
from PIL import Image
from rich.table import Table

from stages.artifacts import captions, curves, embeddings, frames, people, predictions, timeline
from stages.artifacts.captions import Caption
from stages.artifacts.curves import Point
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import EVERY
from stages.benchmarking.evaluation import even_shots, synthetic
from stages.errors import UserError
from stages.scorers import checkpoints
from stages.scorers.global_attention import GlobalAttention
from stages.sources import published, tvsum
from stages.splits.folds import splits
from stages.splits.settings import Protocol
from stages.work import runs

ROOT = Path(__file__).parent.parent.parent
DATASET, MODEL = "demo", "llmvs"
"""Of params.yaml: the recipe of simulated people, which is then made as large as TVSum."""
WIDTH, EPOCHS, FOLDS = 64, 20, 5
PROTOCOLS: tuple[Protocol, ...] = ("strict", "official")
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


def _videos(mat: Path | None, count: int, length: int) -> list[tvsum.Annotations]:
    judged = (tvsum.read_mat(mat) if mat is not None else synthetic(videos=count))[:count]
    most = EVERY * length
    return [
        tvsum.Annotations(
            one.youtube_id, "", "", np.resize(one.user_scores_UN, (tvsum.USERS, most))
        )
        for one in judged
    ]


def build(root: Path, mat: Path | None, count: int, length: int) -> None:
    """Everything that the report reads, under `root`: data/, reports/results and params.yaml."""
    random = np.random.default_rng(0)
    recipe = _recipe(root / "params.yaml")
    judged = _videos(mat, count, length)
    pairs = [published.of_tvsum(number, one) for number, one in enumerate(judged, 1)]
    shown = Timeline(
        DATASET,
        tuple(video.with_shots(even_shots(video.n_frames), "kts") for video, _ in pairs),
    )
    said = People(DATASET, True, tuple(judgement for _, judgement in pairs))
    places = Places(root / "data" / DATASET)
    stills = _pictures(length)
    timeline.write(places.timeline, shown)
    people.write(places.people, said)
    frames.write(
        places.frames, (frames.Sampled(one.name, one.picks_T, stills) for one in shown.videos)
    )
    captions.write(places.captions, _captions(shown))
    lowest, highest = recipe["embed"]["prompt"]["scale"]
    _embeddings(places.embeddings, shown, (lowest, highest), random)
    _trained(places, said.by_name, random)
    _stage(
        root,
        *("evaluate", "--dataset", DATASET, "--data", f"data/{DATASET}"),
        *("--out", f"reports/results/{DATASET}"),
    )


def _recipe(path: Path) -> Mapping[str, Any]:
    """Write the params.yaml of the occasion; its recipe."""
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["run"] = {"datasets": [DATASET], "models": [MODEL], "summarise": []}
    recipe: dict[str, Any] = document["datasets"][DATASET]
    recipe["title"] = "SYNTHETIC predictions, for the benchmark of the report"
    recipe["benchmark"] = "TVSum"  # so that the paper's rows are drawn, too
    recipe["splits"] = {"protocols": list(PROTOCOLS), "source": "drawn", "folds": FOLDS}
    recipe["train"].update(seeds=[0], epochs=EPOCHS)
    recipe["evaluate"].update(random_seeds=2, bootstrap=100)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return recipe


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


def _captions(shown: Timeline) -> Iterator[Caption]:
    """Captions of twelve words."""
    for video in shown.videos:
        for index, pick in enumerate(video.picks_T.tolist()):
            said = f"{_WORDS[index % 5]} in view number {index} of a long and made-up caption."
            yield Caption(video=video.name, pick=pick, caption=said)


def _embeddings(
    path: Path, shown: Timeline, scale: tuple[int, int], random: np.random.Generator
) -> None:
    """An LLM's replies, with embeddings of random numbers."""
    lowest, highest = scale
    with embeddings.writing(path, llm="none", scale=scale) as file:
        for video in shown.videos:
            length = len(video.picks_T)
            states_TD = random.normal(size=(length, WIDTH)).astype(np.float32)
            score_T = random.integers(lowest, highest + 1, length)
            file.put(
                video.name,
                query_TW=states_TD,
                answer_TW=states_TD,
                picks_T=video.picks_T,
                score_T=score_T,
                replies=[f"score: {score}" for score in score_T],
            )


def _trained(places: Places, judged: Mapping[str, Judgement], random: np.random.Generator) -> None:
    """A row of predictions, noise upon people's mean; a small untrained model a split."""
    torch.manual_seed(0)
    made: list[Run] = []
    points: list[Point] = []
    for protocol in PROTOCOLS:
        for number, split in enumerate(splits(protocol, "drawn", list(judged), FOLDS)):
            scores = {}
            for name in split.test:
                mean_T = judged[name].gtscore_T
                noisy_T = mean_T + 0.2 * random.normal(size=len(mean_T))
                scores[name] = noisy_T.clip(0, 1).astype(np.float32)
            run = Run(protocol, 0, number, EPOCHS, scores)
            made.append(run)
            points += [
                Point(protocol, 0, number, epoch, 0.001, 0.1 / epoch, 0.08 / epoch**0.5)
                for epoch in range(1, EPOCHS + 1)
            ]
            model = GlobalAttention(WIDTH, 128, layers=3, heads=2, feedforward=128)
            place = places.checkpoints(MODEL) / f"{run.place}{checkpoints.SUFFIX}"
            checkpoints.save(place, model)
    predictions.write(places.predictions(MODEL), made)
    curves.write(places.curves(MODEL), points)


def measure(mat: Path | None, videos: int, length: int) -> Table:
    """Time, size and memory of the report. Raises UserError where the stage fails."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root, mat, videos, length)
        page = "reports/index.html"
        _stage(root, "report", "--data", "data", "--results", "reports/results", "--out", page)
        # What the process says of itself: its parent's count of it starts from the parent's own.
        record = runs.of(root / ".work", "report", root / page)
        if record is None:
            raise UserError("the report stage left no record of what it took")
        sizes = {path: path.stat().st_size for path in (root / "reports").rglob("*.html")}
        figures = sum(path.stat().st_size for path in (root / "reports/figures").iterdir())
        index = sizes[root / page]
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
