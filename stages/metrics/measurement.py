"""Every figure of a dataset, from scores and what people said, and from nothing else.

evaluate measures what it has just gathered, and rejudge what evaluate wrote, by this one function.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

from stages.artifacts import results as results_file
from stages.artifacts.judged_scores import About, Floats, JudgedScores
from stages.artifacts.people import People
from stages.artifacts.predictions import Splits
from stages.artifacts.results import ByVideo, Results
from stages.artifacts.row import MARKS, Row
from stages.metrics import figures, leaderboard, tables
from stages.metrics.leaderboard import Judging, Scored
from stages.metrics.panel import Panel, Rules
from stages.metrics.settings import Evaluate
from stages.work.bar import progress

log = logging.getLogger("llmvs")

ONE_JUDGEMENT = (
    "Each video, or one of them, has one judgement and not several people's: no row holds people "
    "against each other."
)

Rows = dict[str, dict[str, Scored]]


@dataclass(frozen=True)
class Measured:
    """What evaluate writes: results.json and per_video.csv; [protocol][row], judged; and the
    videos that each split of a protocol tests.
    """

    results: Results
    by_video: ByVideo
    rows: Rows
    splits: Mapping[str, Splits]

    @property
    def means(self) -> dict[str, dict[str, dict[str, float]]]:
        """The means alone, for `dvc metrics`: {protocol: {row: {mark: mean}}}."""
        return {
            protocol: {name: _means(row) for name, row in of.rows.items()}
            for protocol, of in self.results.protocols.items()
        }


def _means(row: Row) -> dict[str, float]:
    means = {mark: row.figure(mark).mean for mark in MARKS}
    if row.highlights is not None:
        means |= {"map50": row.highlights.map50.mean, "map15": row.highlights.map15.mean}
    return means


def measure(
    judged: JudgedScores,
    panels: Mapping[str, Panel],
    people: People,
    console: Console | None = None,
) -> Measured:
    """Measure every row of every protocol.

    Args:
        judged: the rows that have scores of their own.
        panels: of every video that people judged.
        people: what the panels are made of.
        console: for the progress bar; standard error by default.
    """
    about = judged.about
    settings = Evaluate.model_validate(about.evaluate)
    rows = _rows(judged, panels, settings, console)
    deviation = float(np.mean([video.gtscore_T.std() for video in people.videos]))
    results = Results.model_validate(
        {
            "dataset": about.dataset,
            "title": about.title,
            "simulated": people.simulated,
            "benchmark": about.benchmark,
            "given": about.given,
            "shots": _shots(about),
            "confidence": settings.confidence,
            "llm": _heard(about),
            "files": about.files,
            "left_out": about.left_out,
            "protocols": {
                protocol: _protocol(about, protocol, of, panels, deviation, settings)
                for protocol, of in rows.items()
            },
        }
    )
    splits = {protocol: of.splits for protocol, of in about.protocols.items()}
    by_video = {name: figures.video_marks(of, splits[name]) for name, of in rows.items()}
    return Measured(results, by_video, rows, splits)


def _shots(about: About) -> dict[str, int]:
    """How many of the judged videos have their shots from where."""
    origins = [str(video.shots_from) for video in about.videos]
    return {origin: origins.count(origin) for origin in sorted(set(origins))}


def _heard(about: About) -> results_file.Replies | None:
    """How many replies of the LLM's there are over the protocols, and how many hold no score."""
    said = [of.asked.get("LLM") for of in about.protocols.values()]
    return max(filter(None, said), key=lambda replies: replies.replies, default=None)


def _rows(
    judged: JudgedScores,
    panels: Mapping[str, Panel],
    settings: Evaluate,
    console: Console | None,
) -> Rows:
    """Every row of every protocol, judged: a video at a time, by all rows that scored it."""
    tested = {protocol: of.tested for protocol, of in judged.about.protocols.items()}
    everywhere: dict[str, Judging] = {}
    if not _alone(panels, {video for videos in tested.values() for video in videos}):
        everywhere["human"] = leaderboard.human()
    everywhere["oracle"] = leaderboard.oracle()
    everywhere["random"] = leaderboard.random(settings.random_seeds)
    if settings.agreement == "summary":
        everywhere["constant"] = leaderboard.constant()
    scorers = {protocol: _scorers(judged, protocol) for protocol in tested}
    by_video: dict[str, list[Judging]] = {}
    for protocol, videos in tested.items():
        for video in videos:
            by_video.setdefault(video, list(everywhere.values())).extend(scorers[protocol].values())
    with progress(console) as bar:
        task = bar.add_task("judging", total=sum(len(rows) for rows in by_video.values()))
        for video, rows in by_video.items():
            bar.update(task, description=f"judging {video}")
            panel = panels[video]
            for row in rows:
                row.add(panel)
                bar.advance(task)
    return {
        protocol: {name: row.row(videos) for name, row in (scorers[protocol] | everywhere).items()}
        for protocol, videos in tested.items()
    }


def _alone(panels: Mapping[str, Panel], tested: Iterable[str]) -> bool:
    """Whether a video has one judgement, so that there are no people to stand against others."""
    return any(len(panels[video].user_summary) == 1 for video in tested)


def _scorers(judged: JudgedScores, protocol: str) -> dict[str, Judging]:
    """The rows of whatever scored a protocol's videos."""
    return {
        name: leaderboard.scored(
            row.title, row.kind, partial(_of_video, judged.scores[protocol][name])
        )
        for name, row in judged.about.protocols[protocol].rows.items()
    }


def _of_video(scores: Mapping[str, Floats], panel: Panel) -> Floats:
    return scores[panel.name]


def _protocol(
    about: About,
    protocol: str,
    rows: Mapping[str, Scored],
    panels: Mapping[str, Panel],
    people: float,
    settings: Evaluate,
) -> results_file.ProtocolTable:
    """One protocol's part of results.json. people: the deviation of their scores."""
    of_about = about.protocols[protocol]
    rules = Rules.of(settings)
    tested = of_about.tested
    unsummarised, flat = [], []
    for video in tested:
        panel = panels[video]
        if panel.unsummarised:
            unsummarised.append(panel.unsummarised)
        if panel.flat:
            flat.append(video)
    if unsummarised:
        log.warning(
            "%s: no shot of %d of %d videos fits the budget; their summaries are empty",
            *(protocol, len(unsummarised), len(tested)),
        )
    of_rows: dict[str, Any] = figures.rows_document(
        rows,
        of_about.splits,
        confidence=settings.confidence,
        resamples=settings.bootstrap,
        people=people,
    )
    flags = tables.flags(rows, of_about.asked, _shots(about), people, rules, unsummarised, flat)
    flags += [ONE_JUDGEMENT] * ("human" not in rows)
    flags += [one.said for one in about.left_out.values()]
    of = results_file.ProtocolTable.model_validate(
        {
            "videos": len(tested),
            "flags": flags,
            "unsummarised": unsummarised,
            "floor": None,
            "rows": of_rows,
        }
    )
    if "constant" not in of.rows:
        return of
    floor = results_file.Floor(tau=of.rows["constant"].tau.mean, rho=of.rows["constant"].rho.mean)
    name = about.benchmark or about.title
    flags = [tables.floor_said(name, of.rows), *of.flags]
    return of.model_copy(update={"floor": floor, "flags": tuple(flags)})
