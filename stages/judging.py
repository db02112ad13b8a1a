"""A file of anyone's scores, judged by a recipe's rules against what people said.

Of the recipe its people, rules and splits are read; nothing is trained and no model is loaded.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from stages import section
from stages.artifacts import people as people_file
from stages.artifacts import results as results_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.field import Annotated
from stages.artifacts.places import Places
from stages.artifacts.predictions import Splits
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.metrics import judged, tables
from stages.metrics.judged import Document
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.metrics.printed import few
from stages.metrics.settings import Evaluate
from stages.metrics.tables import OPTIMISTIC
from stages.sources import beforehand, score_files
from stages.sources.settings import Download
from stages.splits.folds import splits as folds
from stages.splits.settings import Splits as SplitSettings
from stages.work.store import Store

_ANNOTATIONS = {
    "summe": "SumMe's folder GT, or an h5 of the field's schema",
    "tvsum": "ydata-tvsum50.mat, or an h5 of the field's schema that has user_scores",
    "mrhisum": "mr_hisum.h5",
    "demo": "an h5 as `llmvs export h5` writes it",
}
"""What people said of a dataset, by the kind of its download."""


class Recipe(BaseModel):
    """What judging reads of an entry of params.yaml: datasets; the rest is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    simulated: bool
    download: Download
    splits: SplitSettings
    evaluate: Evaluate


@dataclass(frozen=True)
class Verdict:
    """What was measured, and what its reader must know besides."""

    document: Document
    notes: tuple[str, ...]


def judge(
    path: Path,
    dataset: str,
    *,
    name: str | None = None,
    people: Path | None = None,
    against: Path | None = None,
    row: str | None = None,
    partial: bool = False,
    every_frame: bool = False,
    data: Path = Path("data"),
) -> Verdict:
    """Judge the scores of a file.

    Args:
        path: of the scores; see `stages.sources.score_files`.
        dataset: an entry of params.yaml.
        name: of the method; the file's where it has none.
        people: annotation files, in place of the stages' outputs and of the recipe's source.
        against: evaluate's folder of a dataset, and row: of it, to test against; or neither.
        partial: whether some of the videos are enough.
        every_frame: scores are of every frame.
        data: folder of what the stages made.

    Raises:
        UserError: there are no annotations, or a file is not what it should be.
    """
    if not path.is_file():
        wrong = "no such file"
        if path.exists():
            wrong = "is a folder" if path.is_dir() else "is a device or pipe"
        raise UserError(f"{path}: {wrong}; name the file of scores to judge")
    download = section.lookup(dict[str, Any], "datasets", dataset).get("download")
    if isinstance(download, dict) and download.get("kind") == "folder":
        raise UserError(f"params.yaml: datasets.{dataset}: nobody judged these films")
    recipe: Recipe = section.lookup(Recipe, "datasets", dataset)
    known = annotated(dataset, recipe.download, people, Places(data / dataset))
    rules = Rules.of(recipe.evaluate)
    timeline = known.timeline
    scores = score_files.read(path, timeline, partial=partial, every_frame=every_frame)
    judging = panels_of(known, rules, people)
    found = judged.judge(name or path.stem, scores, judging)
    saved = None
    if against is not None and row is not None:
        saved = judged.saved(*results_file.read(against), row, found, against)
    document = judged.document(
        found,
        _splits(recipe.splits, timeline, list(judging), set(scores)),
        saved,
        confidence=recipe.evaluate.confidence,
        resamples=recipe.evaluate.bootstrap,
    )
    document["by_video"] = {
        video: {"title": timeline.by_name[video].title} | marks
        for video, marks in document["by_video"].items()
    }
    missing = {one.name: one.title for one in timeline.videos if one.name not in scores}
    origins = [timeline.by_name[video].shots_from or "kts" for video in scores]
    notes = tables.flags(
        {"scores": found.row},
        {},
        {origin: origins.count(origin) for origin in origins},
        0.0,
        rules,
        [one for video in scores if (one := judging[video].unsummarised)],
        [video for video in scores if judging[video].flat],
    )
    if below := sum(float(scores_T.min()) < 0 for scores_T in scores.values()):
        notes.append(
            f"{below} of {len(scores)} videos have scores below 0. A summary never takes a shot "
            "whose mean is 0 or less, here as in the field's knapsack: where that is not meant, "
            "shift the scores above 0."
        )
    if missing:
        listed = [f"{video} ({title})" for video, title in missing.items()]
        notes.append(f"Not judged, for want of scores: {few(listed, 50)}.")
    if saved is not None and saved.trained and "official" in saved.protocols:
        notes.append(f"official: {saved.title} has its {OPTIMISTIC}.")
    head = {
        "name": found.row.title,
        "file": path.as_posix(),
        "dataset": dataset,
        "title": recipe.title,
        "simulated": known.people.simulated,
    }
    return Verdict({**head, **document, "missing": missing, "notes": notes}, tuple(notes))


def annotated(dataset: str, download: Download, people: Path | None, places: Places) -> Annotated:
    """Timeline and people: from the files named, from what stages made, or as the recipe has them
    at hand.
    """
    work = Store.default().root / "downloads"
    if people is not None:
        return beforehand.of_files(dataset, download, people.expanduser(), work)
    for made in (places.timeline, places.source / "timeline.h5"):
        if made.is_file() and places.people.is_file():
            timeline = timeline_file.read(made)
            return Annotated(timeline, people_file.read(places.people, timeline))
    if (found := beforehand.annotated(dataset, download, work, videos=False)) is not None:
        return found
    raise UserError(
        f"{places.people}: not here, so it is not known what people said of {dataset}; name their "
        f"annotations with --people ({_ANNOTATIONS[download.kind]}), or run `dvc repro "
        f"data/dvc.yaml:download@{dataset}`"
    )


def panels_of(known: Annotated, rules: Rules, people: Path | None) -> Panels:
    """Every video's panel. Raises UserError where people gave no scores, and they are needed."""
    without = [one.name for one in known.people.videos if one.user_scores_UN is None]
    if rules.agreement == "scores" and without and people is not None:
        raise UserError(
            f"{people}: holds no user_scores of {without[0]}, which agreement is with (the field's "
            "h5 of TVSum leaves them out, and SumMe has none); name what has them as --people, of "
            "TVSum ydata-tvsum50.mat"
        )
    return Panels(known.timeline, known.people, rules)


def _splits(
    planned: SplitSettings, timeline: Timeline, names: list[str], there: set[str]
) -> dict[str, Splits]:
    """Each protocol's test videos, of those there are scores of."""
    found: dict[str, Splits] = {}
    for protocol in planned.protocols:
        splits = folds(protocol, planned.source, names, planned.folds, timeline.parts)
        tested = [tuple(video for video in split.test if video in there) for split in splits]
        if kept := tuple(split for split in tested if split):
            found[protocol] = kept
    return found
