"""What evaluate wrote, held against its own scores and people's annotations.

Of params.yaml only where annotations are found is read; the rules are those that evaluate went by.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages import judging, section
from stages.artifacts import judged_scores
from stages.artifacts import results as results_file
from stages.artifacts.field import Annotated
from stages.artifacts.judged_scores import About, shots_of
from stages.artifacts.people import as_far_as
from stages.artifacts.places import Places
from stages.artifacts.results import FROM_CURVES, ByVideo, Results
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.metrics import measurement
from stages.metrics.figures import DECIMALS
from stages.metrics.measurement import Measured
from stages.metrics.panel import Rules
from stages.metrics.settings import Evaluate
from stages.sources.settings import Download

SHOWN = 5
"""Of figures that differ, how many are named."""

ROUNDING = 1.5 * 10.0**-DECIMALS
"""A figure's last decimal, and half of it for what binary fractions make of that."""

Place = tuple[str, ...]
"""The table, and the keys that lead to a value of it."""


@dataclass(frozen=True)
class Discrepancy:
    """A value that comes out another; None where it is not there."""

    place: Place
    saved: object
    anew: object

    @property
    def said(self) -> str:
        table, *keys = self.place
        where = ".".join(keys)
        if table != results_file.RESULTS:
            where = f"{table}: {where}"
        return f"{where}: {_shown(self.saved)} saved, {_shown(self.anew)} anew"


@dataclass(frozen=True)
class Comparison:
    """Evaluate's tables against the same made anew.

    folder: evaluate's. figures, others: how many numbers and how many other values were compared.
    aside: how many were not, as they rest on learning curves. deviation: the largest between two
    numbers.
    """

    folder: Path
    figures: int
    others: int
    aside: int
    deviation: float
    differences: tuple[Discrepancy, ...]

    @property
    def said(self) -> str:
        aside = (
            f" ({self.aside:,} that rest on learning curves were left aside)" if self.aside else ""
        )
        return (
            f"{self.folder}: {self.figures:,} figures and {self.others:,} other values of "
            f"{results_file.RESULTS} and {results_file.PER_VIDEO} were made anew{aside}; "
            f"{len(self.differences):,} differ, the largest deviation is {self.deviation:g}"
        )

    def refuse_differences(self) -> None:
        """Raises UserError, naming the first values that differ, where any does."""
        if not self.differences:
            return
        named = [one.said for one in self.differences[:SHOWN]]
        if (more := len(self.differences) - SHOWN) > 0:
            named.append(f"and {more:,} more")
        raise UserError(
            "\n".join(
                [
                    f"{self.folder}: its tables do not come out of its scores and these "
                    f"annotations; {results_file.AGAIN}, or name the annotations that "
                    "evaluate went by (--people)",
                    *named,
                ]
            )
        )


def measure(
    dataset: str, folder: Path, *, people: Path | None = None, data: Path = Path("data")
) -> Measured:
    """Measure again what evaluate judged.

    Args:
        dataset: an entry of params.yaml.
        folder: evaluate's, with scores.h5.
        people: annotation files, in place of the stages' outputs and of the recipe's source.
        data: folder of what the stages made.

    Raises:
        UserError: there are no annotations or scores, or they do not fit each other.
    """
    download: Any = section.lookup(Download, "datasets", dataset, "download")
    path = folder / judged_scores.NAME
    judged = judged_scores.read(path)
    about = judged.about
    if about.dataset != dataset:
        raise UserError(f"{path}: is of {about.dataset}, not of {dataset}; name that one")
    found = judging.annotated(dataset, download, people, Places(data / dataset))
    settings: Evaluate = section.validated(Evaluate, about.evaluate, str(path), "about.evaluate")
    rules = Rules.of(settings)
    fitted = _fitted(found, about, path)
    return measurement.measure(judged, judging.panels_of(fitted, rules, people), fitted.people)


def _fitted(found: Annotated, about: About, path: Path) -> Annotated:
    """Annotations of exactly the videos that were judged, as far as those went, with the shots they
    were judged by.

    Raises UserError, naming the video, where they are of others or of other lengths.
    """
    judged = {video.name: video for video in about.videos}
    timeline, people = found
    known = {video.name: video for video in timeline.videos if video.name in people.by_name}
    if known.keys() != judged.keys():
        odd = sorted(known.keys() ^ judged.keys())[0]
        where = "which the annotations lack" if odd in judged else "which was not judged"
        raise UserError(
            f"{path}: is of {len(judged)} videos and the annotations of {len(known)}; one "
            f"has {odd}, {where}; name the annotations that evaluate went by"
        )
    videos, said = [], []
    for name, whole in known.items():
        of = judged[name]
        video = whole.ending_at(whole.n_frames - max(of.cut - whole.cut.frames, 0))
        if (video.n_frames, len(video.picks_T)) != (of.n_frames, of.sampled):
            raise UserError(
                f"{path}: {video.name} ({of.title}) was judged as {of.n_frames} frames, "
                f"{of.sampled} sampled, and is annotated as {video.n_frames}, "
                f"{len(video.picks_T)}; name the annotations that evaluate went by"
            )
        shots_S2 = shots_of(of)
        videos.append(video if shots_S2 is None else video.with_shots(shots_S2, "kts"))
        said.append(as_far_as(video, people.by_name[name]))
    return Annotated(Timeline(timeline.dataset, tuple(videos)), replace(people, videos=tuple(said)))


def compare(measured: Measured, folder: Path) -> Comparison:
    """Hold evaluate's tables to the same made anew, value by value.

    Raises UserError where a table is missing or damaged, or rests on other files than the scores.
    """
    results, by_video = results_file.read(folder)
    judged_scores.same_run(folder, results.files, measured.results.files)
    saved = _values(results, by_video)
    anew = _values(measured.results, measured.by_video)
    places = list(dict.fromkeys([*anew, *saved]))
    kept = [place for place in places if not FROM_CURVES & set(place)]
    pairs: dict[Place, tuple[Any, Any]] = {
        place: (saved.get(place), anew.get(place)) for place in kept
    }
    numbers = [pair for pair in pairs.values() if all(map(_number, pair))]
    return Comparison(
        folder,
        figures=len(numbers),
        others=len(pairs) - len(numbers),
        aside=len(places) - len(kept),
        deviation=max((abs(one - other) for one, other in numbers), default=0.0),
        differences=tuple(
            Discrepancy(place, *pair) for place, pair in pairs.items() if not _same(*pair)
        ),
    )


def _values(results: Results, by_video: ByVideo) -> dict[Place, Any]:
    """Every single value of the tables, by where it stands."""
    of_videos = {
        protocol: {
            row: {video: {**of.marks, "weight": of.weight} for video, of in videos.items()}
            for row, videos in rows.items()
        }
        for protocol, rows in by_video.items()
    }
    return {
        **dict(_leaves((results_file.RESULTS,), results.model_dump(mode="json"))),
        **dict(_leaves((results_file.PER_VIDEO,), of_videos)),
    }


def _leaves(place: Place, document: object) -> Iterator[tuple[Place, Any]]:
    match document:
        case dict():
            parts: Iterable[tuple[object, object]] = document.items()
        case list() | tuple():
            parts = enumerate(document)
        case _:
            yield place, document
            return
    for key, part in parts:
        yield from _leaves((*place, str(key)), part)


def _same(saved: object, anew: object) -> bool:
    """Whether values are equal, numbers up to the last decimal that evaluate writes: another
    processor may round a last bit the other way.
    """
    if _number(saved) and _number(anew):
        return bool(abs(saved - anew) < ROUNDING)  # type: ignore[operator]
    return saved == anew


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)
