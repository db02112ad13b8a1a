"""Everything the report knows of one dataset, and the figures drawn of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np

from stages.artifacts import people, results, timeline
from stages.artifacts.places import Places
from stages.artifacts.results import Results, VideoMarks
from stages.pages import stories
from stages.pages.report import (
    attention,
    calibration,
    figures,
    folds,
    kinds,
    learning,
    provenance,
    shot_lengths,
)
from stages.pages.report.attention import Attention
from stages.pages.report.folds import Run
from stages.pages.report.kinds import Kind
from stages.pages.report.learning import Curve
from stages.pages.report.legend import Legend
from stages.pages.report.shot_lengths import ShotLengths
from stages.pages.stories import ZERO_SHOT, Story
from stages.params import Params, Recipe
from stages.scorers import registry
from stages.training.lesson import lesson
from stages.work.on_demand import InTurn
from stages.work.store import Store

REACH = 3
"""Frames on either side that count as near where no LLM's window says how many."""


@dataclass(frozen=True, eq=False)
class Chapter:
    """marks: [row][video] under the headline protocol. guess: the mean squared error of always
    answering the average score. curves, runs: of every scorer, and of the first by protocol, seed
    and split; none where nothing was trained. attention: the first one's under the headline
    protocol, None where it has none. kinds: the trained rows, none where they are of one kind.
    records: what each stage took.
    """

    name: str
    recipe: Recipe
    legend: Legend
    results: Results
    marks: Mapping[str, Mapping[str, VideoMarks]]
    stories: InTurn[Story]
    guess: float
    curves: tuple[Curve, ...]
    runs: tuple[Run, ...]
    attention: Attention | None
    kinds: tuple[Kind, ...]
    records: tuple[Mapping[str, str], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the videos, in their order."""
        return tuple(self.stories.by_name)

    def href(self, video: str) -> str:
        """Where a video's page is, from the index."""
        return f"videos/{self.name}/{video}.html"

    @property
    def top(self) -> float:
        """The end of every loss axis."""
        return learning.highest(self.curves, self.guess)

    @cached_property
    def shot_lengths(self) -> ShotLengths | None:
        """Why the measure has a floor; None where it has none."""
        budget = self.recipe.evaluate.budget
        return shot_lengths.measured(self.stories, self.marks, self.legend.first, budget)

    @property
    def typical(self) -> Story:
        """The video of median τ, which neither flatters nor shames the first scorer."""
        marks = self.marks.get(self.legend.first, {})
        taus = {name: marks[name].marks["tau"] for name in self.names if name in marks}
        if not taus:
            return self.stories[0]
        middle = median(taus.values())
        return self.stories.by_name[min(taus, key=lambda name: abs(taus[name] - middle))]


def read(
    name: str,
    settings: Params,
    *,
    data: Path,
    tables: Path,
    thumbnails: int,
    advance: Callable[[], None] = lambda: None,
) -> Chapter:
    """Gather a dataset's chapter; `advance` is called after each video.

    Args:
        name: of the dataset.
        data, tables: folders of all datasets' files, and of all their tables.
        thumbnails: how many a video may have.

    Raises:
        UserError: as `results.read`, `stories.read`, `learning.read`, `folds.read`,
            `attention.read` and `kinds.compared` do.
    """
    recipe, places = settings.datasets[name], Places(data / name)
    measured, by_video = results.read(tables / name)
    legend = _legend(settings, recipe, measured)
    told = stories.read(places, recipe, tuple(legend.scorers), thumbnails)
    for _ in told:
        advance()
    trained = list(legend.scorers) if recipe.train else []
    return Chapter(
        name=name,
        recipe=recipe,
        legend=legend,
        results=measured,
        marks=by_video[measured.headline],
        stories=told,
        guess=_guess(places),
        curves=tuple(
            learning.read(
                places.curves(model),
                model,
                measured.headline,
                squared=registry.scorer(settings.models[model].kind).lowers_squares(),
            )
            for model in trained
        ),
        runs=tuple(folds.read(places, legend.first)) if trained else (),
        attention=_attention(places, settings, recipe, legend.first) if trained else None,
        kinds=tuple(kinds.compared(places, trained, measured, Store.default().root)),
        records=tuple(
            provenance.stages_run(Store.default().root, _made(places, recipe, trained, tables))
        ),
    )


def _legend(settings: Params, recipe: Recipe, measured: Results) -> Legend:
    """Titles are evaluate's."""
    rows = measured.rows
    if recipe.given.kind == "scores":
        scorers = {row: rows[row].title for row in recipe.given.rows if row in rows}
    else:
        scorers = {
            model: rows[model].title if model in rows else settings.models[model].title
            for model in settings.run.models
            if model not in measured.left_out
        }
    return Legend(
        scorers,
        rows["human"].title if "human" in rows else "human",
        rows[ZERO_SHOT].title if ZERO_SHOT in rows else None,
        recipe.evaluate.agreement == "summary",
    )


def _guess(places: Places) -> float:
    judged = people.read(places.people, timeline.read(places.timeline))
    return float(np.concatenate([video.gtscore_T for video in judged.videos]).var())


def _attention(places: Places, settings: Params, recipe: Recipe, model: str) -> Attention | None:
    assert recipe.train is not None  # the model was trained
    return attention.read(
        places,
        model,
        lesson(settings.models[model], recipe.train, places.folder.name, model).entry.inputs,
        recipe.splits.protocols[0],
        recipe.train.seeds[0],
        recipe.embed.window // 2 if recipe.embed else REACH,
    )


def _made(
    places: Places, recipe: Recipe, trained: list[str], tables: Path
) -> list[tuple[str, str, Path]]:
    """Each stage of the recipe: what it is called here, its name, and what it made."""
    begins = recipe.given.kind
    made = [("download", "download", places.source)]
    if begins == "videos":
        made += [
            ("sample", "sample", places.frames),
            ("caption", "caption", places.captions),
        ]
    else:
        made.append(("given", "given", places.timeline))
    if recipe.embed is not None:
        made.append(("embed", "embed", places.embeddings))
    if recipe.sentences is not None:
        made.append(("sentences", "sentences", places.inputs / "sentence.h5"))
    made += [(f"train, {model}", "train", places.predictions(model)) for model in trained]
    return [*made, ("evaluate", "evaluate", tables / places.folder.name)]


def drawings(chapter: Chapter) -> dict[str, str]:
    """The chapter's figures as SVG that stands alone, by name."""
    measured, legend = chapter.results, chapter.legend
    drawn = {"agreement": figures.agreement(measured)}
    if chapter.curves:
        drawn["learning"] = learning.figure(
            chapter.curves,
            [legend.title(curve.model) for curve in chapter.curves],
            guess=chapter.guess,
            top=chapter.top,
            heading=f"Learning curves: {measured.title}, protocol {measured.headline}",
            simulated=measured.simulated,
        )
    scored = calibration.pairs(chapter.stories, legend.first)
    if len(scored[0]):
        drawn["calibration"] = calibration.figure(
            *scored,
            legend.first_title,
            heading=f"Scores against people’s: {measured.title}",
            simulated=measured.simulated,
        )
    if chapter.shot_lengths is not None:
        drawn["shots"] = shot_lengths.figure(
            chapter.shot_lengths,
            legend,
            confidence=measured.confidence,
            heading=f"Lengths of shots: {measured.title}, protocol {measured.headline}",
            simulated=measured.simulated,
        )
    drawn["video"] = figures.story(
        chapter.typical, legend, dataset=measured.title, simulated=measured.simulated
    )
    return drawn
