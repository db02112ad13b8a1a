"""One video's whole story, gathered from every stage: pictures, words, people, scores.

Shapes: T sampled frames, N video frames, S shots, U users.

A dataset has what its stages made and no more: one that begins with captions has no pictures, one
that begins with embeddings no words, one that begins with scores neither, and no replies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.artifacts import captions, embeddings, frames, people, predictions, timeline
from stages.artifacts import scores as scores_file
from stages.artifacts.captions import Caption
from stages.artifacts.places import Places
from stages.artifacts.predictions import Predictions, tested
from stages.artifacts.timeline import Timeline, same_picks
from stages.artifacts.video import Video
from stages.metrics.panel import Panel, Rules
from stages.metrics.panels import Panels
from stages.pages.thumbnails import Thumbnails
from stages.params import Recipe
from stages.work.on_demand import ROOM, InTurn, MadeAnew, OnDemand

Floats = npt.NDArray[np.float64]
PEOPLE, ZERO_SHOT = "people", "zero-shot"
_WORDS = 50
"""Bytes of memory of a text beside its letters."""


@dataclass(frozen=True, eq=False)
class Story:
    """What the pages show of one video. Scores are on 0 to 1.

    captions, replies, thumbnails: None where the dataset has none. scores: by row, (T,) each;
    "people" is their mean, "zero-shot" (where the LLM was asked) is NaN where the reply holds no
    score, a scorer's is the mean over seeds and over the splits that tested the video, under the
    recipe's first protocol. A scorer that never tested the video has none. judged_UT: each user's
    word on a frame, a score or whether the summary shows it. summaries: by row, inclusive
    [start, end] frames that the row's summary shows, (K, 2). shown_N: share of people whose
    summary shows the frame.
    """

    video: Video
    captions: tuple[str, ...] | None
    replies: tuple[str, ...] | None
    people_UT: Floats | None
    judged_UT: Floats
    scores: Mapping[str, Floats]
    summaries: Mapping[str, npt.NDArray[np.int64]]
    shown_N: Floats
    thumbnails: Thumbnails | None

    @property
    def name(self) -> str:
        return self.video.name

    @property
    def label(self) -> str:
        """The name, with what people call the video where that is another."""
        video = self.video
        return video.name if video.title == video.name else f"{video.name} ({video.title})"

    @property
    def users(self) -> int:
        return len(self.judged_UT)

    @property
    def shots(self) -> npt.NDArray[np.int64]:
        """Inclusive [start, end] frames (S, 2)."""
        return self.video.known_shots()

    def second(self, frame: int) -> float:
        """When sampled frame `frame` is shown."""
        return float(self.video.times_T[frame])


def runs_of(shown: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Where a mask (N,) is true: inclusive [start, end] of each unbroken run, (K, 2)."""
    mask_N = np.asarray(shown, dtype=bool).astype(np.int8)
    steps = np.diff(mask_N, prepend=0, append=0)
    return np.column_stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1])


def judged_by(places: Places, recipe: Recipe) -> tuple[Timeline, Panels]:
    """The videos, and each one's panel under the rules of the recipe."""
    videos = timeline.read(places.timeline)
    judged = people.read(places.people, videos)
    return videos, Panels(videos, judged, Rules.of(recipe.evaluate))


def read(places: Places, recipe: Recipe, rows: tuple[str, ...], thumbnails: int) -> InTurn[Story]:
    """Every video in natural order, of a published split every test video; each told when it is
    asked for, and kept where there is room for all.

    Args:
        rows: the scorers whose predictions are read.
        thumbnails: how many a video may have at most; none are looked for where it is 0.

    Raises:
        UserError: naming the file that is missing, or disagrees with the others, and the stage
            that makes it; of what is in a video's own part of a file, when it is told.
    """
    return InTurn(_Stories(places, recipe, rows, thumbnails))


class _Stories(OnDemand[Story]):
    def __init__(
        self, places: Places, recipe: Recipe, rows: tuple[str, ...], thumbnails: int
    ) -> None:
        self._videos, self._panels = judged_by(places, recipe)
        names = (of.name for of in self._videos.videos if of.part in (None, "test"))
        super().__init__(names, 2 * ROOM)  # where there are pictures they take most of it
        self._places, self._kind, self._thumbnails = places, recipe.given.kind, thumbnails
        self._captions: Mapping[str, Sequence[Caption]] = {}
        if self._kind in ("videos", "captions"):
            self._captions = captions.of_timeline(places.captions, self._videos)
        self._scored = _scored(places, recipe, rows, self._videos)
        self._scale = _scale(self._panels[name] for name in self)

    def make(self, name: str) -> Story:
        video, panel = self._videos.by_name[name], self._panels[name]
        users_UT = _users(panel, self._scale)
        judged_UT = _judged(panel, users_UT)
        scores = {row: of[name] for row, of in self._scored.items() if name in of}
        own_T, replies = self._said(video)
        said = self._captions.get(name)
        return Story(
            video=video,
            captions=tuple(caption.caption for caption in said) if said else None,
            replies=replies,
            people_UT=users_UT,
            judged_UT=judged_UT,
            scores={PEOPLE: judged_UT.mean(axis=0)}
            | scores
            | ({} if own_T is None else {ZERO_SHOT: own_T}),
            summaries={row: runs_of(panel.summary(scores_T)) for row, scores_T in scores.items()},
            shown_N=panel.user_summary.mean(axis=0, dtype=np.float64),
            thumbnails=self._pictures(video),
        )

    def size(self, value: Story) -> int:
        pictures = 0 if value.thumbnails is None else sum(map(len, value.thumbnails.images))
        words = [*(value.captions or ()), *(value.replies or ())]
        numbers = (
            1 + (value.people_UT is not None)
        ) * value.judged_UT.nbytes + value.shown_N.nbytes
        return pictures + sum(_WORDS + len(each) for each in words) + numbers

    def _pictures(self, video: Video) -> Thumbnails | None:
        if self._kind != "videos" or not self._thumbnails:
            return None
        path = self._places.frames
        with frames.reading_one(path, video.name) as still:
            same_picks(video, still.picks(), str(path))
            where = f"{path}: {video.name}"
            return Thumbnails.of(len(still), still.jpeg, self._thumbnails, where)

    def _said(self, video: Video) -> tuple[Floats | None, tuple[str, ...] | None]:
        """The LLM's own scores on 0 to 1 (T,), NaN where there is none, and its replies (T); None
        where it was not asked for them. Where they differ by split, those of the first that tests
        the video.
        """
        if self._kind in ("features", "scores"):
            return None, None
        with embeddings.reading(self._places.embeddings) as embedded:
            of = embedded.video(video)
            own_T, replies = of.score_T, None if of.replies is None else tuple(of.replies)
            if own_T is None or embedded.scale is None:
                return None, replies
            low, high = embedded.scale
            return (own_T.astype(np.float64) - low) / (high - low), replies


def _scale(panels: Iterable[Panel]) -> tuple[float, float] | None:
    """The users' own scale, from what they gave over all these videos; None without scores."""
    given = [
        (panel.user_scores.min(), panel.user_scores.max())
        for panel in panels
        if panel.user_scores is not None
    ]
    if not given:
        return None
    low = float(np.floor(min(lowest for lowest, _ in given)))
    high = float(np.ceil(max(highest for _, highest in given)))
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


def _scored(
    places: Places, recipe: Recipe, rows: tuple[str, ...], videos: Timeline
) -> dict[str, Mapping[str, Floats]]:
    """Each row's scores by video, on 0 to 1: as they were given, or the mean over seeds, and over
    the splits that tested it, of the models that did not train on the video.
    """
    if recipe.given.kind == "scores":
        given = scores_file.read(places.scores, videos)
        return {row: _unit(given[row]) for row in rows}
    lengths = {video.name: len(video.picks_T) for video in videos.videos}
    headline = recipe.splits.protocols[0]
    return {
        row: _Means(predictions.read(places.predictions(row), lengths, [headline])[headline])
        for row in rows
    }


def _unit(scores: Mapping[str, Floats]) -> Mapping[str, Floats]:
    """A row's scores, its own range over all videos put on 0 to 1 unless it lies there."""
    low = min(float(scores_T.min()) for scores_T in scores.values())
    high = max(float(scores_T.max()) for scores_T in scores.values())
    if low >= 0 and high <= 1:
        return scores
    return {video: (scores_T - low) / ((high - low) or 1) for video, scores_T in scores.items()}


class _Means(MadeAnew[Floats]):
    """Of each video that a model was tested on, its scores' mean over seeds and splits (T,)."""

    def __init__(self, scored: Predictions) -> None:
        super().__init__(tested(scored.splits))
        self._scored = scored

    def make(self, name: str) -> Floats:
        scores_RCT = self._scored.of_video(name)
        means_T: Floats = scores_RCT.reshape(-1, scores_RCT.shape[-1]).mean(axis=0)
        return means_T
