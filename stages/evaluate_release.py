"""The authors' checkpoint on the authors' embeddings, marked by this project's own measure.

Shapes: T sampled frames, S shots, U users.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from stages.artifacts import field as annotations
from stages.artifacts.field import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.metrics import inputs
from stages.metrics.panel import Marks, Panel, Rules
from stages.people import HUMAN, RULES, Kind
from stages.scorers.release import load_checkpoint
from stages.sources import pooled, tvsum
from stages.splits import folds as splits
from stages.summaries.keyshots import summarise
from stages.training.fitting import predict


def evaluate_release(
    checkpoint: Path,
    query: Path,
    answer: Path,
    annotated: Path,
    kind: Kind,
    frames: Path | None = None,
    scores: Path | None = None,
    only: Sequence[str] | None = None,
    split: int | None = None,
) -> Table:
    """The mean over videos of what the checkpoint's scores, and people, earn.

    Args:
        checkpoint: a Lightning checkpoint of the release.
        query, answer: the release's `user_prompt_pool.h5` and `gen_pool.h5`.
        annotated: annotations in the field's schema.
        kind: the dataset whose rules apply.
        frames: shots, where the annotations bring none (from the sample stage).
        scores: `ydata-tvsum50.mat`, where TVSum's annotations bring no user_scores.
        only: names of the videos; all of them by default.
        split: number of a split of the release, 0 to 4: its test videos.

    Raises:
        UserError: a file is not what it should be, or files do not fit each other.
    """
    rules = RULES[kind]
    everything = _with_scores(annotations.read(annotated), scores)
    everything = _with_shots(everything, annotated, frames, rules)
    chosen = _chosen(everything, kind, only, split)
    panels = [_panel(video, rules) for video in chosen.videos]
    model = load_checkpoint(checkpoint)
    videos = pooled.read(query, answer, chosen)
    width, expected = videos[0].x_TD.shape[1], model.architecture["embedding"]
    if width != expected:
        raise UserError(
            f"{checkpoint} takes embeddings {expected} wide, and those in {query} are {width} "
            "wide; they are not of the same LLM"
        )
    verdicts = [
        panel.verdict(predict(model, video)) for panel, video in zip(panels, videos, strict=True)
    ]
    unranked = sum(verdict.unranked for verdict in verdicts)
    note = f"{unranked} videos were given one score throughout: a counted 0" if unranked else None
    shown = Table("row", "tau", "rho", "F1", title=f"{kind}, {len(panels)} videos", caption=note)
    rows: dict[str, list[Marks]] = {
        checkpoint.name: [verdict.marks for verdict in verdicts],
        HUMAN: [panel.human() for panel in panels],
    }
    for title, marks in rows.items():
        shown.add_row(title, *(f"{mean:.4f}" for mean in np.mean(marks, axis=0)))
    return shown


def _with_scores(everything: Annotations, mat: Path | None) -> Annotations:
    """The annotations with TVSum's user scores, which the field's h5 leaves out."""
    if mat is None:
        return everything
    judged = {f"video_{number}": video for number, video in enumerate(tvsum.read_mat(mat), 1)}
    videos = []
    for video in everything.videos:
        own = judged.get(video.name)
        if own is None or own.n_frames != video.n_frames:
            found = "no such video" if own is None else f"{own.n_frames} frames"
            raise UserError(f"{mat}: {video.name} has {video.n_frames} frames; found {found}")
        videos.append(replace(video, user_scores_UN=own.user_scores_UN))
    return replace(everything, videos=tuple(videos))


def _chosen(
    everything: Annotations, kind: Kind, only: Sequence[str] | None, split: int | None
) -> Annotations:
    names = [video.name for video in everything.videos]
    if split is not None:
        if only is not None:
            raise UserError("name either videos or a split, not both")
        of_release = splits.splits("official", kind, names, 5)
        if not 0 <= split < len(of_release):
            raise UserError(f"the release has the splits 0 to {len(of_release) - 1}, no {split}")
        only = of_release[split].test
    if only is None:
        return everything
    if missing := [name for name in only if name not in names]:
        raise UserError(
            f"the annotations hold no {', '.join(missing)}; they go from {names[0]} to {names[-1]}"
        )
    videos = tuple(video for video in everything.videos if video.name in only)
    return replace(everything, videos=videos)


def _with_shots(
    everything: Annotations, annotated: Path, frames: Path | None, rules: Rules
) -> Annotations:
    """The annotations with the sample stage's shots."""
    if frames is None:
        return everything
    panels = inputs.read_people(annotated, frames, replace(rules, agreement="summary")).panels
    videos = tuple(
        replace(video, change_points_S2=panels[video.name].change_points)
        for video in everything.videos
    )
    return replace(everything, videos=videos)


def _panel(video: VideoAnnotations, rules: Rules) -> Panel:
    if rules.agreement == "scores" and video.user_scores_UN is None:
        raise UserError(
            f"{video.name} is annotated without user_scores, which TVSum's agreement is with (the "
            "field's h5 leaves them out); name ydata-tvsum50.mat as --scores"
        )
    if video.change_points_S2 is None:
        raise UserError(
            f"{video.name} is annotated without change_points; name the output of the sample "
            "stage as --frames, or the field's h5 as --annotations"
        )
    summary_UN = video.user_summary_UN
    if summary_UN is None:
        assert video.user_scores_UN is not None  # annotations hold one of the two
        each = [summarise(of, video.change_points_S2, rules.budget) for of in video.user_scores_UN]
        summary_UN = np.array(each, dtype=np.float32)
    return Panel(
        video.name,
        rules,
        video.n_frames,
        video.picks_T,
        video.change_points_S2,
        summary_UN,
        video.user_scores_UN,
    )
