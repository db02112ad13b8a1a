"""Everything the report knows of one dataset, and the figures drawn of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from stages.artifacts import field as annotations
from stages.artifacts import predictions
from stages.params import Recipe
from stages.reporting import attention, calibration, figures, folds, provenance, videos
from stages.reporting.attention import Attention
from stages.reporting.folds import Run
from stages.reporting.measurements import Measurements
from stages.reporting.videos import Sources, Video
from stages.training.inputs import Inputs
from stages.work.store import Store


@dataclass(frozen=True, eq=False)
class Chapter:
    """models: titles by name, the first of them the one the page is about. guess: the mean
    squared error of always answering the average score. files: path and sha256 of what was read.
    runs: the first model's, by protocol, seed and split. attention: its global module's under the
    headline protocol, None where it has none. records: what each stage took.
    """

    name: str
    recipe: Recipe
    models: Mapping[str, str]
    measured: Measurements
    videos: tuple[Video, ...]
    guess: float
    files: tuple[Mapping[str, str], ...]
    runs: tuple[Run, ...]
    attention: Attention | None
    records: tuple[Mapping[str, str], ...]

    @property
    def first(self) -> str:
        return next(iter(self.models))

    @property
    def first_title(self) -> str:
        return self.models[self.first]

    def href(self, video: Video) -> str:
        """Where a video's page is, from the index."""
        return f"videos/{self.name}/{video.name}.html"

    @property
    def typical(self) -> Video:
        """The video of median τ, which neither flatters nor shames the first model."""
        marks = self.measured.by_video.get(self.first, {})
        judged = [video for video in self.videos if video.name in marks]
        if not judged:
            return self.videos[0]
        middle = median(marks[video.name]["tau"] for video in judged)
        return min(judged, key=lambda video: abs(marks[video.name]["tau"] - middle))


def read(
    name: str,
    recipe: Recipe,
    models: Mapping[str, str],
    measured: Measurements,
    *,
    inputs: Inputs,
    data: Path,
    results: Path,
    thumbnails: int,
    advance: Callable[[], None] = lambda: None,
) -> Chapter:
    """Gather a dataset's chapter; `advance` is called after each video.

    inputs are those of the first model; thumbnails is how many a video may have. Raises UserError
    as `videos.read` and `attention.read` do.
    """
    sources = Sources.under(data, name)
    told = []
    for video in videos.read(sources, recipe, tuple(models), thumbnails):
        told.append(video)
        advance()
    people = annotations.read(sources.annotations)
    scores = np.concatenate([video.gtscore_T for video in people.videos])
    first = next(iter(models))
    trained, headline = sources.predictions / f"{first}.h5", recipe.train.protocols[0]
    lengths = {video.name: len(video.picks_T) for video in people.videos}
    made = [
        ("download", "download", data / "raw" / name),
        ("sample", "sample", sources.frames),
        ("caption", "caption", sources.captions),
        ("embed", "embed", sources.embeddings),
        *((f"train, {m}", "train", sources.predictions / f"{m}.h5") for m in models),
        ("evaluate", "evaluate", results / name),
    ]
    used = [*sources.files(models), results / name / "results.json"]
    return Chapter(
        name=name,
        recipe=recipe,
        models=models,
        measured=measured,
        videos=tuple(told),
        guess=float(scores.var()),
        files=tuple(provenance.files(used)),
        runs=tuple(folds.read(results / name / "curves.csv", trained, first)),
        attention=attention.read(
            data / "checkpoints" / name / first,
            sources.embeddings,
            people,
            inputs,
            headline,
            predictions.read(trained, lengths, [headline])[headline].splits,
            recipe.train.seeds[0],
            recipe.embed.window // 2,
        ),
        records=tuple(provenance.stages_run(Store.default().root, made)),
    )


def drawings(chapter: Chapter) -> dict[str, str]:
    """The chapter's figures as SVG that stands alone, by name."""
    results, titles = chapter.measured.results, list(chapter.models.values())
    curves = chapter.measured.curves
    scored = calibration.pairs(chapter.videos, chapter.first)
    return {
        "agreement": figures.agreement(results),
        "learning": figures.learning(
            curves,
            [chapter.models.get(curve.model, curve.model) for curve in curves],
            guess=chapter.guess,
            top=figures.highest(curves, chapter.guess),
            heading=f"Learning curves: {results.title}, protocol {results.headline.name}",
            simulated=results.simulated,
        ),
        "calibration": calibration.figure(
            *scored,
            chapter.first_title,
            heading=f"Scores against people’s: {results.title}",
            simulated=results.simulated,
        ),
        "video": figures.story(
            chapter.typical,
            list(chapter.models),
            titles,
            dataset=results.title,
            simulated=results.simulated,
        ),
    }
