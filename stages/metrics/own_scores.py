"""What is judged, gathered of the evidence: every row that has scores of its own.

Shapes: R training seeds, C appearances of a video among the splits' test sets, T sampled frames.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

from stages.artifacts.judged_scores import (
    About,
    Floats,
    JudgedScores,
    ScoredProtocol,
    ScoredRow,
    Video,
)
from stages.artifacts.results import Replies as Counted
from stages.metrics.evidence import Evidence
from stages.metrics.replies import Replies
from stages.work.on_demand import MadeAnew

TUNED = "{}, fine-tuned"
"""What a row is called whose model was fine-tuned on people's scores."""
TUNED_MODEL = {"zero-shot*": "fine-tuned LLM", "direct*": "fine-tuned captioner"}


class _Scores(MadeAnew[Floats]):
    """By the video's name (R, C, T), each put together when it is asked for."""

    def __init__(self, videos: Iterable[str], of_video: Callable[[str], Floats]) -> None:
        super().__init__(videos)
        self._of_video = of_video

    def make(self, name: str) -> Floats:
        return self._of_video(name)


def gather(found: Evidence, titles: Mapping[str, str], recipe: Mapping[str, Any]) -> JudgedScores:
    """Every row's own scores of the videos that each protocol's splits test, in the tables' order.

    Args:
        found: the evidence.
        titles: of the rows that were to be trained.
        recipe: dataset, title, benchmark, given, evaluate and files, as `About` has them.
    """
    protocols, scores = {}, {}
    left_out = {name: {"title": titles[name], "why": why} for name, why in found.left_out.items()}
    titles = {name: title for name, title in titles.items() if name not in left_out}
    for protocol, splits in found.splits.items():
        rows = {name: (row, of_row) for name, row, of_row in _rows(found, protocol, titles)}
        protocols[protocol] = ScoredProtocol(
            splits=splits,
            asked={
                "LLM": _counted(found.own[protocol]),
                "captioner": _counted(found.direct[protocol]),
            }
            | {
                TUNED_MODEL[row]: Counted(**of[protocol])
                for row, of in found.asked.items()
                if protocol in of
            },
            rows={name: row for name, (row, _) in rows.items()},
        )
        scores[protocol] = {name: of_row for name, (_, of_row) in rows.items()}
    head = {**recipe, "videos": _videos(found), "protocols": protocols, "left_out": left_out}
    return JudgedScores(About.model_validate(head), scores)


def _rows(
    found: Evidence, protocol: str, titles: Mapping[str, str]
) -> Iterator[tuple[str, ScoredRow, _Scores]]:
    videos = found.tested(protocol)
    for name, title in titles.items():
        predictions = found.trained[name][protocol]
        seeds = tuple(predictions.scores)
        yield name, *_row(title, "model", _Scores(videos, predictions.of_video), seeds)
    for name, given in found.given.items():
        yield name, *_row(name, "baseline", _Scores(videos, partial(_given, given)))
    for name, title, replies in (
        ("zero-shot", "Zero-shot (LLM's own score)", found.own[protocol]),
        ("direct", "Captioner, asked directly", found.direct[protocol]),
    ):
        if replies is not None and replies.say_something:
            yield name, *_row(title, "baseline", _Scores(videos, partial(_said, replies.scores)))
        of_row = found.tuned.get(f"{name}*", {}).get(protocol)
        if of_row is not None:
            learnt = _Scores(videos, of_row.of_video)
            yield f"{name}*", *_row(TUNED.format(title), "baseline", learnt, tuple(of_row.scores))


def _given(scores: Mapping[str, Floats], video: str) -> Floats:
    return scores[video][None, None]


def _said(scores: Mapping[str, Floats], video: str) -> Floats:
    return scores[video][None]


def _row(
    title: str, kind: Literal["model", "baseline"], scores: _Scores, seeds: tuple[str, ...] = ()
) -> tuple[ScoredRow, _Scores]:
    by_split = any(x_RCT.shape[1] > 1 for x_RCT in scores.values())
    return ScoredRow(title=title, kind=kind, seeds=seeds, by_split=by_split), scores


def _counted(replies: Replies | None) -> Counted | None:
    if replies is None:
        return None
    return Counted(replies=replies.replies, unparsed=replies.unparsed)


def _videos(found: Evidence) -> tuple[Video, ...]:
    """The judged ones."""
    videos = []
    for name in found.panels:
        video = found.timeline.by_name[name]
        origin, shots_S2 = video.shots_from or "kts", video.known_shots()
        videos.append(
            Video(
                name=name,
                title=video.title,
                n_frames=video.n_frames,
                sampled=len(video.picks_T),
                shots_from=origin,
                shots=tuple(map(tuple, shots_S2.tolist())) if origin == "kts" else None,
                cut=video.cut.frames,
            )
        )
    return tuple(videos)
