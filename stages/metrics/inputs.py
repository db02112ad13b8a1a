"""What evaluate reads besides predictions: people's annotations, shots, the LLM's own scores.

Shapes: T sampled frames, N video frames, S shots, U users, C appearances of a video.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import captions as caption_file
from stages.artifacts import embeddings as readings
from stages.artifacts.field import VideoAnnotations
from stages.artifacts.field import read as read_annotations
from stages.artifacts.predictions import Splits
from stages.errors import UserError
from stages.metrics.panel import Panel, Rules
from stages.metrics.zero_shot import without_gaps
from stages.summaries.keyshots import summarise


@contextmanager
def _opened(path: Path, stage: str) -> Iterator[h5py.File]:
    """The file, with anything that goes wrong reading it said in its name."""
    again = f"run the {stage} stage again (`dvc repro`)"
    try:
        with h5py.File(path) as file:
            yield file
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; {again}") from error
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: not what the {stage} stage writes ({error}); {again}") from error


@dataclass(frozen=True)
class People:
    """The annotated videos, whether simulated, and how many shots came from our segmentation."""

    panels: dict[str, Panel]
    simulated: bool
    segmented: int


def read_people(annotations: Path, frames: Path, rules: Rules) -> People:
    """Every annotated video's panel, with the sample stage's picks and shots.

    Where people gave scores but no summaries, each user's summary is built from that user's
    scores over the same shots and budget as a prediction's. Raises UserError where a file is
    missing or not in the schema, a video was not sampled, or was sampled at other picks.
    """
    annotated = read_annotations(annotations)
    panels: dict[str, Panel] = {}
    segmented = 0
    with _opened(frames, "sample") as sampled:
        for video in annotated.videos:
            if video.name not in sampled:
                raise UserError(
                    f"{frames}: lacks {video.name} of {annotations}; run the sample stage again"
                )
            group = sampled[video.name]
            picks_T = np.asarray(group["picks"], dtype=np.int64)
            shots_S2 = np.asarray(group["change_points"], dtype=np.int64)
            if not np.array_equal(picks_T, video.picks_T):
                raise UserError(
                    f"{video.name}: {frames} holds {len(picks_T)} sampled frames and {annotations} "
                    f"{len(video.picks_T)}, or others; run the sample stage again"
                )
            segmented += group.attrs.get("change_points_from") == "kts"
            panels[video.name] = Panel(
                video.name,
                rules,
                n_frames=video.n_frames,
                picks=picks_T,
                change_points=shots_S2,
                user_summary=_user_summary(video, shots_S2, rules.budget),
                user_scores=video.user_scores_UN,
            )
    return People(panels, annotated.simulated, segmented)


def _user_summary(
    video: VideoAnnotations, shots_S2: npt.NDArray[np.int64], budget: float
) -> npt.NDArray[np.float32]:
    if video.user_summary_UN is not None:
        return video.user_summary_UN
    assert video.user_scores_UN is not None  # annotations hold at least one of the two
    summaries = [summarise(scores_N, shots_S2, budget) for scores_N in video.user_scores_UN]
    return np.array(summaries, dtype=np.float32)


@dataclass(frozen=True)
class Replies:
    """A model's own scores (C, T) of each video without gaps, and how many replies had none.

    C: 1, or the splits that test the video where what the model was shown differs by split.
    """

    scores: dict[str, npt.NDArray[np.float64]]
    replies: int
    unparsed: int


def read_replies(
    embeddings: Path, lengths: Mapping[str, int], protocol: str, splits: Splits
) -> Replies:
    """The LLM's own scores of the videos that a protocol's splits test; gaps as in
    `stages.metrics.zero_shot`.

    lengths are the videos' sampled frames. Raises UserError where the file is missing or not in
    the schema, or a video is missing or has another number of frames.
    """
    with _opened(embeddings, "embed") as file:
        middle = (float(file.attrs["lowest"]) + float(file.attrs["highest"])) / 2
        given: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
        for number, split in enumerate(splits):
            for video in split:
                place = readings.place(file, video, protocol, number)
                group = given.setdefault(video, {})
                if place not in group:
                    group[place] = np.asarray(file[f"{place}/score"], dtype=np.float64)
    return _replies(
        embeddings, {video: list(of.values()) for video, of in given.items()}, lengths, middle
    )


def read_direct(captions: Path, lengths: Mapping[str, int], splits: Splits) -> Replies | None:
    """The scores that the captioner gave when asked directly; None where it was not asked.

    Raises UserError as `captions.read` and `read_replies`.
    """
    said = caption_file.read(captions, needed=False)
    if all(frame.reply is None for frames in said.values() for frame in frames):
        return None
    given = {
        video: [np.array([np.nan if f.score is None else f.score for f in said.get(video, ())])]
        for split in splits
        for video in split
    }
    return _replies(captions, given, lengths, 0.5)


def _replies(
    path: Path,
    given: Mapping[str, Sequence[npt.NDArray[np.float64]]],
    lengths: Mapping[str, int],
    middle: float,
) -> Replies:
    scores: dict[str, npt.NDArray[np.float64]] = {}
    replies = unparsed = 0
    for video, each in given.items():
        filled = []
        for given_T in each:
            if given_T.shape != (lengths[video],):
                raise UserError(
                    f"{path}: {video} has {given_T.size} scores and the video {lengths[video]} "
                    "sampled frames; run the stage that made it again (`dvc repro`)"
                )
            score_T, missing = without_gaps(given_T, middle)
            filled.append(score_T)
            replies, unparsed = replies + given_T.size, unparsed + missing
        scores[video] = np.stack(filled)
    return Replies(scores, replies, unparsed)
