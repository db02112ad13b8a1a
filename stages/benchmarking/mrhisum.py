"""The recipe mrhisum on a SYNTHETIC file of the same layout: each stage's time and peak memory."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from stages import section
from stages.artifacts.places import Places
from stages.benchmarking.processes import ROOT, Taken, run
from stages.errors import UserError

DATASET = "mrhisum"
TITLE = "SYNTHETIC videos in the layout of MR.HiSum"
H5, SPLIT = "mr_hisum.h5", "mr_hisum_split.json"
ROWS = ("mlp", "vasnet", "pgl-sum")
"""That can be measured: fed pool5, a frame or a whole video at a time."""
SMALL = {"width": 64}
"""Of mlp, so that reading and judging are what is measured."""


def recipe(row: str, epochs: int) -> dict[str, Any]:
    """params.yaml with the one recipe, which reads the files beside it."""
    document = section.document(ROOT / section.PARAMS)
    found = document["datasets"][DATASET]
    found |= {"title": TITLE, "simulated": True}
    found["download"] |= {"source": H5, "split": SPLIT}
    found["features"] |= {"pool5": H5}
    small = {"scorer": SMALL} if row == "mlp" else {}
    found["train"]["models"] = {
        row: {"inputs": ["pool5"], "epochs": epochs, "batch": 16, "accumulate": 16, **small}
    }
    found["evaluate"] |= {"random_seeds": 1, "bootstrap": 1000}
    run_of = {"datasets": [DATASET], "models": [row], "summarise": []}
    return document | {"run": run_of, "datasets": {DATASET: found}}


def stages(row: str) -> dict[str, list[str]]:
    """The stages in their order, as DVC calls them, by what they are called here."""
    places = Places(Path("data") / DATASET)
    named = ["--dataset", DATASET]
    timeline = ["--timeline", places.timeline.as_posix()]
    fed = ["--inputs", places.inputs.as_posix()]
    return {
        "download": ["stages.download", *named, "--out", places.source.as_posix()],
        "given": ["stages.given", *named, "--source", places.source.as_posix(), *timeline],
        "features": ["stages.features", *named, *timeline, "--out", places.inputs.as_posix()],
        "feeds": ["stages.feeds", *named, *fed, "--out", places.feed(row).parent.as_posix()],
        "train": [
            *("stages.train", *named, "--model", row, *timeline, *fed),
            *("--people", places.people.as_posix(), "--curves", places.curves(row).as_posix()),
            *("--predictions", places.predictions(row).as_posix()),
            *("--checkpoints", places.checkpoints(row).as_posix()),
            *("--feed", places.feed(row).as_posix()),
        ],
        "evaluate": [
            *("stages.evaluate", *named, "--data", places.folder.as_posix()),
            *("--out", f"reports/results/{DATASET}"),
        ],
    }


def measure(videos: int, epochs: int, row: str, folder: Path | None) -> Table:
    """A line a stage, and what the row earned of the test videos.

    Args:
        videos: of the file, in the authors' proportions of training, validation and test.
        epochs: of training.
        row: an entry of models.
        folder: to work in, which needs twice the file's size; None for the system's temporary one.

    Raises:
        UserError: another row than those that can be measured, or a stage fails.
    """
    if row not in ROWS:
        raise UserError(f"--model {row}: is not measured here (there are {', '.join(ROWS)})")
    room = os.environ.get("LLMVS_ROOM", "1")
    with tempfile.TemporaryDirectory(prefix="llmvs-mrhisum-", dir=folder) as made:
        root = Path(made)
        text = yaml.safe_dump(recipe(row, epochs), sort_keys=False)
        (root / section.PARAMS).write_text(text, encoding="utf-8")
        maker = ["stages.benchmarking.replayed", H5, SPLIT, str(videos)]
        found = {"making the file": run(root, maker)}
        parts = json.loads((root / SPLIT).read_text(encoding="utf-8"))
        size = (root / H5).stat().st_size
        for name, arguments in stages(row).items():
            found[name] = run(root, arguments, LLMVS_ROOM=room)
            if name == "features":
                (root / H5).unlink()  # from here on all is read of its copy
        earned = _earned(root / f"reports/results/{DATASET}/metrics.json", row)
        shutil.rmtree(root / "data")
    counts = ", ".join(f"{len(parts[key]):,} {key.removesuffix('_keys')}" for key in parts)
    return _table(
        f"{TITLE}: {videos:,} videos ({counts}), {size / 1e9:.2f} GB of float16",
        f"{row}, {epochs} epoch{'s' * (epochs > 1)}; LLMVS_ROOM={room} GB of videos kept in "
        f"memory. {earned}",
        found,
    )


def _table(title: str, caption: str, found: dict[str, Taken]) -> Table:
    table = Table("stage", title=title, caption=caption)
    for column in ("seconds", "peak memory"):
        table.add_column(column, justify="right")
    for name, taken in found.items():
        table.add_row(name, f"{taken.seconds:.1f}", f"{taken.peak / 1e6:.0f} MB")
    together = sum(taken.seconds for taken in found.values())
    highest = max(taken.peak for taken in found.values())
    table.add_row("together", f"{together:.1f}", f"{highest / 1e6:.0f} MB")
    return table


def _earned(path: Path, row: str) -> str:
    """What the test videos said, which is of made-up videos and says nothing of real ones."""
    rows = json.loads(path.read_text(encoding="utf-8"))["fixed"]
    said = (
        f"{name} " + ", ".join(f"{mark} {value:.3f}" for mark, value in rows[name].items())
        for name in (row, "random")
    )
    return f"SYNTHETIC: {'; '.join(said)}"
