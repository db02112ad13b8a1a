"""How the stages' time and memory grow with the number of videos, on SYNTHETIC corpora.

Each stage is a process of its own (`benchmarking.processes`). Training reads each video whenever it
is wanted, as it does of a corpus that memory would not hold: what it may keep is for LLMVS_ROOM.
"""

import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from stages.benchmarking.corpus import DATASET, MODEL, STEPS
from stages.benchmarking.processes import Taken, run

ROOM = "0.001"
"""Gigabytes that training may keep: fewer than a hundred of these videos take."""


def _stages() -> dict[str, list[str]]:
    """The stages in their order, as DVC calls them."""
    data = f"data/{DATASET}"
    said = ["--captions", f"{data}/captions.jsonl", "--timeline", f"{data}/timeline.h5"]
    fed = ["--inputs", f"{data}/inputs"]
    trained = [
        *("--dataset", DATASET, "--model", MODEL, "--timeline", f"{data}/timeline.h5", *fed),
        *("--people", f"{data}/source/people.h5", "--curves", f"{data}/curves/{MODEL}.csv"),
        *("--predictions", f"{data}/predictions/{MODEL}.h5"),
        *("--checkpoints", f"{data}/checkpoints/{MODEL}", "--feed", f"{data}/feeds/{MODEL}.json"),
    ]
    named = ["--dataset", DATASET]
    embedded = ["stages.embed", *named, *said, "--out", f"{data}/inputs/embeddings.h5"]
    pages = ["--data", "data", "--results", "reports/results", "--out", "reports/index.html"]
    return {
        "caption, by a stand-in": [
            *("stages.benchmarking.standing_captions", *named),
            *("--frames", f"{data}/frames.h5", "--out", f"{data}/captions.jsonl"),
        ],
        "embed, by a stand-in": embedded,
        "embed, from the store": embedded,
        "feeds": ["stages.feeds", *named, *fed, "--out", f"{data}/feeds"],
        "train, an epoch of two runs, reading": ["stages.train", *trained],
        "evaluate": [
            *("stages.evaluate", *named, "--data", data, "--out", f"reports/results/{DATASET}"),
        ],
        "report": ["stages.report", *pages],
    }  # fmt: skip


def measure(sizes: Sequence[int]) -> Table:
    """A row a stage: seconds and peak memory of each size, and the exponents by which they grow
    from the last but one to the last. Raises UserError where a stage fails.
    """
    found: list[dict[str, Taken]] = []
    with tempfile.TemporaryDirectory(prefix="llmvs-scale-") as folder:
        for size in sizes:
            root = Path(folder) / str(size)
            root.mkdir()
            run(root, ["stages.benchmarking.corpus", ".", str(size), "../llm"])
            found.append(
                {name: run(root, each, LLMVS_ROOM=ROOM) for name, each in _stages().items()}
            )
            shutil.rmtree(root)
    table = Table(title=f"SYNTHETIC videos of {STEPS} frames: seconds and peak memory")
    table.add_column("stage")
    for size in sizes:
        table.add_column(f"{size:,} videos", justify="right")
    if len(sizes) > 1:
        table.add_column("time grows as", justify="right")
        table.add_column("memory as", justify="right")
    for name in _stages():
        cells = [f"{of[name].seconds:.1f} s, {of[name].peak / 1e6:.0f} MB" for of in found]
        table.add_row(name, *cells, *_exponents(sizes, [of[name] for of in found]))
    return table


def _exponents(sizes: Sequence[int], taken: Sequence[Taken]) -> list[str]:
    if len(sizes) < 2:
        return []
    more = math.log(sizes[-1] / sizes[-2])
    before, after = taken[-2:]
    return [f"n^{math.log(b / a) / more:.2f}" for a, b in zip(before, after, strict=True)]
