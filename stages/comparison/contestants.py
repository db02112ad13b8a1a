"""One side of a comparison: what a revision measured, and what it made of each video.

Shapes: R training seeds, E epochs.
"""

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages import params
from stages.artifacts import predictions
from stages.comparison.sources import files
from stages.errors import UserError
from stages.experiments import measured
from stages.experiments.measured import Measured
from stages.experiments.revisions import resolve
from stages.metrics.inputs import read_people
from stages.metrics.panel import Panel, Rules
from stages.reporting import videos
from stages.reporting.videos import Sources, Video

Floats = npt.NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Learning:
    """Losses (mean squared error) by epoch, the mean over seeds and splits."""

    epochs_E: Floats
    train_E: Floats
    test_E: Floats


@dataclass(frozen=True, eq=False)
class Contestant:
    """A revision's row: tables, params, and under the headline protocol each tested video's story
    and its τ by seed (R,).
    """

    name: str
    params: Json
    measured: Measured
    row: str
    protocol: str
    learning: Learning
    stories: Mapping[str, Video]
    taus: Mapping[str, Floats]

    @property
    def simulated(self) -> bool:
        return bool(self.measured.results["simulated"])


def read(names: Sequence[str], dataset: str, row: str) -> list[Contestant]:
    """Each revision named, the first that the others are set against.

    Raises UserError where a name is unknown or given twice, a revision lacks the dataset, the row
    or a file, or where they tested different videos.
    """
    if len(names) < 2:
        raise UserError("a comparison takes at least two names; `workspace` is one")
    if len(set(names)) != len(names):
        raise UserError("a name is given twice")
    found = [_read(name, dataset, row) for name in names]
    first = found[0]
    for other in found[1:]:
        if other.protocol != first.protocol or set(other.taus) != set(first.taus):
            raise UserError(
                f"{other.name} and {first.name} tested different videos, or under protocols in "
                "another order, so they cannot be compared video by video"
            )
    return found


def _read(name: str, dataset: str, row: str) -> Contestant:
    revision = resolve(name)
    document = revision.document("params.yaml")
    settings = params.parse(document, f"{name}: params.yaml")
    if dataset not in settings.datasets:
        raise UserError(f"{name}: params.yaml has no dataset {dataset!r}")
    tables = measured.read(revision, dataset)
    recipe = settings.datasets[dataset]
    protocol = recipe.train.protocols[0]
    if tables.row(protocol, row) is None or row not in settings.models:
        raise UserError(f"{name}: has no trained row {row!r} of {dataset} under {protocol}")
    curves = f"reports/results/{dataset}/curves.csv"
    learning = _learning(revision.text(curves) or "", row, protocol, f"{name}: {curves}")
    with tempfile.TemporaryDirectory() as folder:
        sources = files(revision, dataset, row, Path(folder))
        stories = {story.name: story for story in videos.read(sources, recipe, (row,), 1)}
        taus = _taus(sources, recipe, row, protocol)
    return Contestant(
        name=name,
        params=document,
        measured=tables,
        row=row,
        protocol=protocol,
        learning=learning,
        stories={video: stories[video] for video in taus},
        taus=taus,
    )


def _learning(text: str, row: str, protocol: str, origin: str) -> Learning:
    points: dict[float, list[tuple[float, float]]] = {}
    try:
        for line in csv.DictReader(io.StringIO(text)):
            if (line["model"], line["protocol"]) == (row, protocol):
                losses = float(line["train_loss"]), float(line["test_loss"])
                points.setdefault(float(line["epoch"]), []).append(losses)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{origin}: not what evaluate writes ({error})") from error
    if not points:
        raise UserError(f"{origin}: has no learning curve of {row} under {protocol}")
    epochs = sorted(points)
    means_E2 = np.array([np.mean(points[epoch], axis=0) for epoch in epochs])
    return Learning(np.array(epochs), means_E2[:, 0], means_E2[:, 1])


def _taus(sources: Sources, recipe: params.Recipe, row: str, protocol: str) -> dict[str, Floats]:
    """τ of each tested video by seed, over the splits that tested it."""
    settings = recipe.evaluate
    rules = Rules(settings.agreement, settings.f1, settings.budget)
    panels = read_people(sources.annotations, sources.frames, rules).panels
    lengths = {name: len(panel.picks) for name, panel in panels.items()}
    path = sources.predictions / f"{row}.h5"
    of = predictions.read(path, lengths, (protocol,))[protocol]
    tested = dict.fromkeys(video for split in of.splits for video in split)
    return {video: _by_seed(panels[video], of.scores) for video in tested}


def _by_seed(panel: Panel, scores: predictions.Scores) -> Floats:
    return np.array(
        [
            np.mean([panel.agreement(split[panel.name]).tau for split in of if panel.name in split])
            for of in scores.values()
        ]
    )
