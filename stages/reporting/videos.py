"""One video's whole story, gathered from every stage: frames, captions, replies, people, scores.

Shapes: T sampled frames, N video frames, S shots, U users.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import captions, frames, predictions
from stages.errors import UserError
from stages.metrics.inputs import People, read_people
from stages.metrics.panel import Panel, Rules
from stages.params import Recipe
from stages.reporting.thumbnails import Thumbnails

Floats = npt.NDArray[np.float64]
PEOPLE, ZERO_SHOT = "people", "zero-shot"


@dataclass(frozen=True)
class Sources:
    """Where the stages left a dataset's artifacts."""

    annotations: Path
    frames: Path
    captions: Path
    embeddings: Path
    predictions: Path  # a folder of M.h5

    @classmethod
    def under(cls, data: Path, dataset: str) -> "Sources":
        return cls(
            annotations=data / "raw" / dataset / "annotations.h5",
            frames=data / "frames" / f"{dataset}.h5",
            captions=data / "captions" / f"{dataset}.jsonl",
            embeddings=data / "embeddings" / f"{dataset}.h5",
            predictions=data / "predictions" / dataset,
        )

    def files(self, models: Iterable[str]) -> list[Path]:
        """Every file of these, predictions of the named models alone."""
        trained = [self.predictions / f"{model}.h5" for model in models]
        return [self.annotations, self.frames, self.captions, self.embeddings, *trained]


@dataclass(frozen=True, eq=False)
class Video:
    """What the page shows of one video. Scores are on 0 to 1.

    scores: by row, (T,) each; "people" is their mean, "zero-shot" is NaN where the reply holds no
    score, a model's is the mean over seeds and over the splits that tested the video, under
    the recipe's first protocol. A model that never tested the video has none. judged_UT: each
    user's word on a frame, a score or whether the summary shows it. summaries: by row, inclusive
    [start, end] frames that the row's summary shows, (K, 2). shown_N: share of people whose
    summary shows the frame.
    """

    name: str
    video_name: str
    fps: float
    n_frames: int
    picks_T: npt.NDArray[np.int64]
    shots_S2: npt.NDArray[np.int64]
    shots_from: str
    captions: tuple[str, ...]
    replies: tuple[str, ...]
    users: int
    people_UT: Floats | None
    judged_UT: Floats
    scores: Mapping[str, Floats]
    summaries: Mapping[str, npt.NDArray[np.int64]]
    shown_N: Floats
    thumbnails: Thumbnails

    @property
    def seconds(self) -> float:
        return self.n_frames / self.fps


def runs_of(shown: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Where a mask (N,) is true: inclusive [start, end] of each unbroken run, (K, 2)."""
    mask_N = np.asarray(shown, dtype=bool).astype(np.int8)
    steps = np.diff(mask_N, prepend=0, append=0)
    return np.column_stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1])


def read(
    sources: Sources, recipe: Recipe, models: tuple[str, ...], thumbnails: int
) -> Iterator[Video]:
    """Every annotated video in natural order, one at a time: only one video's frames are held.

    thumbnails is how many a video may have at most. Raises UserError naming the file that is
    missing, or disagrees with the others, and the stage that makes it.
    """
    settings = recipe.evaluate
    rules = Rules(settings.agreement, settings.f1, settings.budget)
    people = read_people(sources.annotations, sources.frames, rules)
    lengths = {name: len(panel.picks) for name, panel in people.panels.items()}
    described = _captions(sources.captions, people.panels)
    headline = recipe.train.protocols[0]
    scored = {
        model: _means(
            predictions.read(sources.predictions / f"{model}.h5", lengths, [headline])[headline]
        )
        for model in models
    }
    scale = _scale(people)
    with frames.reading(sources.frames) as sampled, _embedded(sources.embeddings) as replied:
        stills = {video.name: video for video in sampled}
        for name, panel in people.panels.items():
            still, said = stills[name], _said(sources.embeddings, replied, name, lengths[name])
            users_UT = _users(panel, scale)
            judged_UT = _judged(panel, users_UT)
            scores = {PEOPLE: judged_UT.mean(axis=0)}
            scores |= {model: of[name] for model, of in scored.items() if name in of}
            yield Video(
                name=name,
                video_name=still.video_name,
                fps=still.fps,
                n_frames=panel.n_frames,
                picks_T=panel.picks,
                shots_S2=panel.change_points,
                shots_from=still.change_points_from,
                captions=described[name],
                replies=said.replies,
                users=len(panel.user_summary),
                people_UT=users_UT,
                judged_UT=judged_UT,
                scores=scores | {ZERO_SHOT: said.scores_T},
                summaries={
                    row: runs_of(panel.summary(scores_T))
                    for row, scores_T in scores.items()
                    if row in models
                },
                shown_N=panel.user_summary.mean(axis=0, dtype=np.float64),
                thumbnails=Thumbnails.of(
                    len(still), still.jpeg, thumbnails, f"{sources.frames}: {name}"
                ),
            )


@contextmanager
def _embedded(path: Path) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; run the embed stage (`dvc repro`)") from error
    except OSError as error:
        raise UserError(
            f"{path} is not a readable HDF5 file ({error}); run the embed stage again"
        ) from error
    with file:
        yield file


class _Said(NamedTuple):
    """The LLM's replies (T), and the scores in them on 0 to 1 (T,), NaN where there is none."""

    replies: tuple[str, ...]
    scores_T: Floats


def _said(path: Path, file: h5py.File, name: str, length: int) -> _Said:
    try:
        low, high = float(file.attrs["lowest"]), float(file.attrs["highest"])
        scores_T = (np.asarray(file[name]["score"], dtype=np.float64) - low) / (high - low)
        replies = tuple(file[name]["reply"].asstr()[()].tolist())
    except (KeyError, AttributeError, TypeError) as error:
        raise UserError(
            f"{path}: {name} is not what the embed stage writes ({error}); run it again"
        ) from error
    if not len(scores_T) == len(replies) == length:
        raise UserError(
            f"{path}: {name} has {len(scores_T)} scores and {len(replies)} replies for {length} "
            "sampled frames; run the embed stage again"
        )
    return _Said(replies, scores_T)


def _scale(people: People) -> tuple[float, float] | None:
    """The users' own scale, from what they gave over the whole dataset; None without scores."""
    given = [p.user_scores for p in people.panels.values() if p.user_scores is not None]
    if not given:
        return None
    low = float(np.floor(min(scores_UN.min() for scores_UN in given)))
    high = float(np.ceil(max(scores_UN.max() for scores_UN in given)))
    return low, max(high, low + 1)


def _users(panel: Panel, scale: tuple[float, float] | None) -> Floats | None:
    """Each user's scores at the sampled frames, their scale put on 0 to 1. (U, T)"""
    if panel.user_scores is None or scale is None:
        return None
    low, high = scale
    return (panel.user_scores[:, panel.picks].astype(np.float64) - low) / (high - low)


def _judged(panel: Panel, users_UT: Floats | None) -> Floats:
    """Each user's score at the sampled frames; whether the summary shows them where none scored."""
    if users_UT is not None:
        return users_UT
    return panel.user_summary[:, panel.picks].astype(np.float64)


def _means(trained: predictions.Predictions) -> dict[str, Floats]:
    """A video's scores over seeds, and over the splits that tested it."""
    each: dict[str, list[Floats]] = {}
    for splits in trained.scores.values():
        for split in splits:
            for video, scores_T in split.items():
                each.setdefault(video, []).append(scores_T)
    return {video: np.mean(scores, axis=0) for video, scores in each.items()}


def _captions(path: Path, panels: Mapping[str, Panel]) -> dict[str, tuple[str, ...]]:
    said = captions.read(path, needed=False)
    for name, panel in panels.items():
        if [frame.pick for frame in said.get(name, ())] != panel.picks.tolist():
            raise UserError(
                f"{path}: the captions of {name} are not of its frames; run the caption stage "
                "(`dvc repro`) again"
            )
    return {name: tuple(frame.caption for frame in said[name]) for name in panels}
