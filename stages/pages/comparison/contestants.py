"""One side of a comparison: what a revision measured, and what it made of each video.

Shapes: R training seeds, E epochs.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages import params
from stages.artifacts import curves, predictions, scores
from stages.artifacts.places import Places
from stages.artifacts.results import ByVideo, Results
from stages.errors import UserError
from stages.experiments import freshness
from stages.experiments import measured as tables
from stages.experiments.revisions import Revision, resolve
from stages.metrics.panel import Panel
from stages.pages import stories
from stages.pages.comparison.revision_files import files
from stages.pages.stories import Story
from stages.params import Params, Recipe
from stages.splits.folds import splits as folds

Floats = npt.NDArray[np.float64]
Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Learning:
    """Losses by epoch, the mean over seeds and splits."""

    epochs_E: Floats
    train_E: Floats
    test_E: Floats


@dataclass(frozen=True, eq=False)
class Contestant:
    """A revision's row: tables, params, and under the headline protocol each tested video's story
    and its τ by seed (R,), in the order of `seeds`. learning: None of scores that were given.
    """

    name: str
    params: Json
    results: Results
    videos: ByVideo
    row: str
    protocol: str
    learning: Learning | None
    stories: Mapping[str, Story]
    seeds: tuple[str, ...]
    taus: Mapping[str, Floats]


def read(names: Sequence[str], dataset: str, row: str) -> list[Contestant]:
    """Each revision named, the first that the others are set against.

    Raises UserError where a name is unknown or given twice, a revision lacks the dataset, the row
    or a file, or where they tested different videos.
    """
    if len(names) < 2:
        raise UserError("a comparison takes at least two names; `workspace` is one")
    if len(set(names)) != len(names):
        raise UserError("a name is given twice")
    revisions = [resolve(name) for name in names]
    found = [_read(*side, dataset, row) for side in zip(names, revisions, strict=True)]
    first = found[0]
    for other in found[1:]:
        if other.protocol != first.protocol or set(other.taus) != set(first.taus):
            raise UserError(
                f"{other.name} and {first.name} tested different videos, or under protocols in "
                "another order, so they cannot be compared video by video"
            )
    return found


def _read(name: str, revision: Revision, dataset: str, row: str) -> Contestant:
    document = revision.document("params.yaml")
    settings = params.parse(document, f"{name}: params.yaml")
    if dataset not in settings.datasets:
        raise UserError(f"{name}: params.yaml has no dataset {dataset!r}")
    if (why := freshness.outdated(dataset, revision)) is not None:
        if dataset not in settings.run.datasets:
            ran = ", ".join(settings.run.datasets)
            raise UserError(f"{name}: ran {ran}, and not {dataset}; --dataset names another")
        raise UserError(f"{name}: {why}, then compare")
    recipe = settings.datasets[dataset]
    protocol = recipe.splits.protocols[0]
    measured = tables.read(revision, dataset)
    band = measured.results.protocols.get(protocol)
    if band is None or row not in band.rows or row not in _scorers(settings, recipe):
        raise UserError(f"{name}: has no trained row {row!r} of {dataset} under {protocol}")
    with tempfile.TemporaryDirectory() as folder:
        places = files(revision, dataset, recipe, row, Path(folder))
        told = stories.read(places, recipe, (row,), 0).by_name
        seeds, taus = _taus(places, recipe, row)
        each = {video: told[video] for video in taus}  # while the files are there
        learnt = None
        if recipe.train is not None:
            learnt = _learning(places.curves(row), protocol, f"{name}: {dataset}, {row}")
    return Contestant(
        name=name,
        params=document,
        results=measured.results,
        videos=measured.videos,
        row=row,
        protocol=protocol,
        learning=learnt,
        stories=each,
        seeds=seeds,
        taus=taus,
    )


def _scorers(settings: Params, recipe: Recipe) -> Sequence[str]:
    """The rows that a dataset's scorers have: those trained, or those whose scores are given."""
    return list(recipe.given.rows if recipe.given.kind == "scores" else settings.models)


def _learning(path: Path, protocol: str, origin: str) -> Learning:
    points: dict[float, list[tuple[float, float]]] = {}
    for point in curves.read(path):
        if point.protocol == protocol:
            points.setdefault(point.epoch, []).append((point.train_loss, point.test_loss))
    if not points:
        raise UserError(f"{origin}: has no learning curve under {protocol}")
    epochs = sorted(points)
    means_E2 = np.array([np.mean(points[epoch], axis=0) for epoch in epochs])
    return Learning(np.array(epochs), means_E2[:, 0], means_E2[:, 1])


def _taus(places: Places, recipe: Recipe, row: str) -> tuple[tuple[str, ...], dict[str, Floats]]:
    """Seeds, and τ of each tested video by seed, over the splits that tested it."""
    videos, panels = stories.judged_by(places, recipe)
    if recipe.given.kind == "scores":
        given = scores.read(places.scores, videos)[row]
        by = recipe.splits
        of_first = folds(by.protocols[0], by.source, [*panels], by.folds, videos.parts)
        shown = predictions.tested(tuple(split.test for split in of_first))
        return (), {video: np.array([panels[video].agreement(given[video]).tau]) for video in shown}
    lengths = {name: len(panel.picks) for name, panel in panels.items()}
    protocol = recipe.splits.protocols[0]
    of = predictions.read(places.predictions(row), lengths, (protocol,))[protocol]
    tested = predictions.tested(of.splits)
    return tuple(of.scores), {video: _by_seed(panels[video], of.scores) for video in tested}


def _by_seed(panel: Panel, trained: predictions.Scores) -> Floats:
    return np.array(
        [
            np.mean([panel.agreement(split[panel.name]).tau for split in of if panel.name in split])
            for of in trained.values()
        ]
    )
