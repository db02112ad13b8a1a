"""Authors' checkpoints on what their authors feed them, marked by this project's own measure.

Shapes: T sampled frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.table import Table

from stages.artifacts import field
from stages.artifacts import timeline as timeline_file
from stages.artifacts.field import Annotated
from stages.artifacts.names import natural
from stages.artifacts.timeline import Timeline
from stages.errors import UserError
from stages.metrics.panel import Marks, Panel, Rules
from stages.metrics.panels import Panels
from stages.metrics.tables import UNRANKED
from stages.metrics.unsummarised import sentence
from stages.peer_release import PeerRelease, complete
from stages.people import HUMAN, RULES, Kind
from stages.scorers import registry
from stages.scorers.entry import Input
from stages.scorers.release import load_checkpoint
from stages.sources import pooled, shots, tvsum
from stages.splits.folds import field_tests

Floats = npt.NDArray[np.float32]

LLMVS = ("global-attention", "mlp")
"""The kinds that LLMVS's own release is of; which one a checkpoint is, its layers say."""


@dataclass(frozen=True)
class Release:
    """LLMVS's own files, as its authors publish them.

    checkpoint: a Lightning checkpoint. query, answer: `user_prompt_pool.h5` and `gen_pool.h5`.
    """

    checkpoint: Path
    query: Path
    answer: Path

    def scores(self, timeline: Timeline) -> Iterator[tuple[str, Floats]]:
        """As `PeerRelease.scores`."""
        model = load_checkpoint(self.checkpoint)
        expected = model.architecture["embedding"]
        for video, query_TW, answer_TW in pooled.read(self.query, self.answer, timeline):
            if query_TW.shape[1] != expected:
                raise UserError(
                    f"{self.checkpoint} takes embeddings {expected} wide, and those in "
                    f"{self.query} are {query_TW.shape[1]} wide; they are not of the same LLM"
                )
            states = {"query": torch.from_numpy(query_TW), "answer": torch.from_numpy(answer_TW)}
            yield video.name, model.scores(states).numpy()


def released(kind: str, checkpoint: Path, files: Mapping[Input, Path]) -> Release | PeerRelease:
    """A checkpoint of a kind, with the files at hand.

    Raises UserError for a kind that there is not, or LLMVS's without its embeddings; what other
    kinds lack is known when they are loaded.
    """
    registry.scorer(kind)
    if kind not in LLMVS:
        return PeerRelease(kind, checkpoint, files)
    complete(kind, checkpoint, ("query", "answer"), files)
    return Release(checkpoint, files["query"], files["answer"])


def evaluate_release(
    release: Release | PeerRelease,
    annotated: Path,
    kind: Kind,
    *,
    timeline: Path | None = None,
    scores: Path | None = None,
    only: Sequence[str] | None = None,
    split: int | None = None,
) -> Table:
    """The mean over videos of what the checkpoint's scores, and people, earn.

    Args:
        release: what is marked.
        annotated: annotations in the field's schema.
        kind: the dataset whose rules apply.
        timeline: shots, where the annotations bring none and the field published none.
        scores: `ydata-tvsum50.mat`, where TVSum's annotations bring no user_scores.
        only: names of the videos; all of them by default.
        split: number of a split of the release, 0 to 4: its test videos.

    Raises:
        UserError: a file is not what it should be, or files do not fit each other.
    """
    rules = RULES[kind]
    everything = _with_shots(_with_scores(field.read(annotated), scores), kind, timeline)
    chosen = _chosen(everything, kind, only, split)
    _complete(chosen, rules)
    judged = Panels(*chosen, rules)
    scored = dict(release.scores(chosen.timeline))
    verdicts = [panel.verdict(scored[name]) for name, panel in judged.items()]
    note = _counted_zeros(
        sum(
            verdict.unranked
            for verdict, panel in zip(verdicts, judged.values(), strict=True)
            if panel.rankable
        ),
        judged,
        rules,
    )
    shown = Table("row", "tau", "rho", "F1", title=f"{kind}, {len(judged)} videos", caption=note)
    rows: dict[str, list[Marks]] = {
        release.checkpoint.name: [verdict.marks for verdict in verdicts],
        HUMAN: [panel.human() for panel in judged.values()],
    }
    for title, marks in rows.items():
        shown.add_row(title, *(f"{mean:.4f}" for mean in np.mean(marks, axis=0)))
    return shown


def _counted_zeros(unranked: int, judged: Mapping[str, Panel], rules: Rules) -> str | None:
    """What a reader must know of figures that are 0 by the rule."""
    said = []
    if unsummarised := [one for panel in judged.values() if (one := panel.unsummarised)]:
        said.append(sentence(unsummarised, rules.budget, rules.agreement))
    if unranked:
        counted = f"{unranked} of {len(judged)} predictions {UNRANKED[rules.agreement]}"
        said.append(f"{counted} τ and ρ are a counted 0.")
    return "\n".join(said) or None


def _with_scores(everything: Annotated, mat: Path | None) -> Annotated:
    """The annotations with TVSum's user scores, which the field's h5 leaves out."""
    if mat is None:
        return everything
    known = {f"video_{number}": video for number, video in enumerate(tvsum.read_mat(mat), 1)}
    judged = []
    for video in everything.people.videos:
        own, n_frames = known.get(video.name), everything.timeline.by_name[video.name].n_frames
        if own is None or own.n_frames != n_frames:
            found = "no such video" if own is None else f"{own.n_frames} frames"
            raise UserError(f"{mat}: {video.name} has {n_frames} frames; found {found}")
        judged.append(replace(video, user_scores_UN=own.user_scores_UN))
    return everything._replace(people=replace(everything.people, videos=tuple(judged)))


def _with_shots(everything: Annotated, kind: Kind, path: Path | None) -> Annotated:
    """The annotations with shots: their own, a timeline's, or those that the field published."""
    videos = everything.timeline.videos
    if all(video.shots_S2 is not None for video in videos):
        return everything
    if path is None:
        placed = tuple(shots.with_field(kind, videos))
    else:
        known = timeline_file.read(path).by_name
        placed = tuple(
            video.with_shots(known[video.name].known_shots(), known[video.name].shots_from or "kts")
            if video.name in known
            else video
            for video in videos
        )
    return everything._replace(timeline=replace(everything.timeline, videos=placed))


def _chosen(
    everything: Annotated, kind: Kind, only: Sequence[str] | None, split: int | None
) -> Annotated:
    names = list(everything.timeline.names)
    if split is not None:
        if only is not None:
            raise UserError("name either videos or a split, not both")
        of_release = field_tests("official", kind)
        if not 0 <= split < len(of_release):
            raise UserError(f"the release has the splits 0 to {len(of_release) - 1}, no {split}")
        only = sorted(of_release[split], key=natural)
    if only is None:
        return everything
    if missing := [name for name in only if name not in names]:
        raise UserError(
            f"the annotations hold no {', '.join(missing)}; they go from {names[0]} to {names[-1]}"
        )
    timeline, people = everything
    return Annotated(
        replace(timeline, videos=tuple(v for v in timeline.videos if v.name in only)),
        replace(people, videos=tuple(v for v in people.videos if v.name in only)),
    )


def _complete(chosen: Annotated, rules: Rules) -> None:
    """Raises UserError, with what brings it, where something the rules need is not there."""
    for video in chosen.timeline.videos:
        judged = chosen.people.by_name[video.name]
        if rules.agreement == "scores" and judged.user_scores_UN is None:
            raise UserError(
                f"{video.name} is annotated without user_scores, which TVSum's agreement is with "
                "(the field's h5 leaves them out); name ydata-tvsum50.mat as --scores"
            )
        if video.shots_S2 is None:
            raise UserError(
                f"{video.name} is annotated without change_points; name a timeline of the sample "
                "stage as --timeline, or the field's h5 as --annotations"
            )
