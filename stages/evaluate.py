"""evaluate: scores against people."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stages import command, section
from stages.artifacts import curves as curves_file
from stages.artifacts import results as results_file
from stages.artifacts.places import GivenKind, Places
from stages.artifacts.results import MARKS, Results
from stages.metrics import evidence, figures, leaderboard, plots, score_curves, tables
from stages.metrics.evidence import Evidence
from stages.metrics.leaderboard import Scored
from stages.metrics.panel import Panel, Rules
from stages.metrics.settings import Evaluate
from stages.splits.settings import Splits
from stages.work.executor import progress
from stages.work.store import content_hash

log = logging.getLogger("llmvs")

Watched = Callable[[str, Iterable[str]], Iterable[Panel]]
Rows = dict[str, dict[str, Scored]]


def evaluate(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    data: Annotated[Path, typer.Option(help="the dataset's folder, data/D")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")],
) -> None:
    """Measure how well scores agree with people's: Kendall's τ-b, Spearman's ρ, keyshot F1.

    Rows: every model of run.models, or the scores that were given; the LLM's own score without
    training, people against each other, people's mean as if it were a prediction (the ceiling),
    random scores, and constant ones where the measure looks at summaries and so has a floor. A
    figure is the mean over users, then the test videos of a split, then splits, then seeds. Its
    interval resamples videos; its spread is the standard deviation over seeds. Every row is tested
    against llmvs by a paired permutation test over videos, corrected for the number of rows.

    Each of the recipe's protocols has its own table, over the videos that its splits test.

    Writes metrics.json (means, for `dvc metrics`), results.json (everything, for the report),
    per_video.csv and, where something was trained, curves.csv (every model's learning curves) and
    of the first model under the first protocol learning.csv (its curve, averaged over seeds and
    splits) and score_curves.csv (its scores over the frames of every video beside people's), for
    `dvc plots`; prints the tables.
    """
    place = ("datasets", dataset)
    settings: Evaluate = section.lookup(Evaluate, *place, "evaluate")
    given: GivenKind = section.lookup(GivenKind, *place, "given", "kind")
    names = [] if given == "scores" else section.lookup(list[str], "run", "models")
    titles = {name: section.lookup(str, "models", name, "title") for name in names}
    places = Places(data)
    found = evidence.read(
        places,
        given,
        names,
        section.lookup(Splits, *place, "splits"),
        Rules(settings.agreement, settings.f1, settings.budget),
    )
    learning = {name: curves_file.read(places.curves(name)) for name in names}
    rows = _rows(found, titles, settings)
    title: str = section.lookup(str, *place, "title")
    benchmark: str | None = section.lookup(str | None, *place, "benchmark")
    measured = Results.model_validate(
        {
            "dataset": dataset,
            "title": title,
            "simulated": found.simulated,
            "benchmark": benchmark,
            "given": given,
            "shots": found.shots,
            "confidence": settings.confidence,
            "llm": _heard(found),
            "files": [
                {"path": path.as_posix(), "sha256": content_hash(path)}
                for path in places.files(given, names)
            ],
            "protocols": {
                protocol: _protocol(benchmark or title, found, protocol, of, settings)
                for protocol, of in rows.items()
            },
        }
    )
    results_file.write(
        out,
        measured,
        {name: figures.video_marks(of, found.splits[name]) for name, of in rows.items()},
    )
    results_file.write_json(out / "metrics.json", _means(measured))
    plots.write_curves(out, learning, next(iter(rows)))
    first = found.trained[names[0]][next(iter(rows))] if names else None
    score_curves.write(out / "score_curves.csv", found.panels, first)
    for table in tables.tables(measured):
        command.stderr.print(table, soft_wrap=False)


def _means(measured: Results) -> dict[str, dict[str, dict[str, float]]]:
    """The means alone, for `dvc metrics`: {protocol: {row: {mark: mean}}}."""
    return {
        protocol: {
            name: {mark: row.figure(mark).mean for mark in MARKS} for name, row in of.rows.items()
        }
        for protocol, of in measured.protocols.items()
    }


def _heard(found: Evidence) -> dict[str, int] | None:
    """How many replies of the LLM's there are over the protocols, and how many hold no score."""
    said = [replies for replies in found.own.values() if replies is not None]
    if not said:
        return None
    most = max(said, key=lambda replies: replies.replies)
    return {"replies": most.replies, "unparsed": most.unparsed}


def _rows(found: Evidence, titles: Mapping[str, str], settings: Evaluate) -> Rows:
    """Every row of every protocol, judged."""
    tested = {protocol: found.tested(protocol) for protocol in found.splits}
    any_tested = tuple(dict.fromkeys(video for of in tested.values() for video in of))
    floored = settings.agreement == "summary"
    judged = sum(map(len, tested.values())) * (len(titles) + len(found.given) + 2)
    with _watching(found.panels, judged + (3 + floored) * len(any_tested)) as watched:
        everywhere = {
            "human": leaderboard.human_row(watched("human", any_tested)),
            "oracle": leaderboard.oracle_row(watched("oracle", any_tested)),
            "random": leaderboard.random_row(settings.random_seeds, watched("random", any_tested)),
        }
        if floored:
            everywhere["constant"] = leaderboard.constant_row(watched("constant", any_tested))
        return {
            protocol: _scorers(found, protocol, titles, watched)
            | {name: row.among(videos) for name, row in everywhere.items()}
            for protocol, videos in tested.items()
        }


def _scorers(
    found: Evidence, protocol: str, titles: Mapping[str, str], watched: Watched
) -> dict[str, Scored]:
    """The rows of whatever scored a protocol's videos."""
    videos = found.tested(protocol)
    rows = {
        name: leaderboard.model_row(
            title, found.trained[name][protocol], watched(f"{name}, {protocol}", videos)
        )
        for name, title in titles.items()
    }
    for name, scores in found.given.items():
        as_appearances = {video: scores_T[None] for video, scores_T in scores.items()}
        rows[name] = leaderboard.untrained_row(
            name, as_appearances, watched(f"{name}, {protocol}", videos)
        )
    for name, title, replies in (
        ("zero-shot", "Zero-shot (LLM's own score)", found.own[protocol]),
        ("direct", "Captioner, asked directly", found.direct[protocol]),
    ):
        if replies is not None and replies.say_something:
            rows[name] = leaderboard.untrained_row(
                title, replies.scores, watched(f"{name}, {protocol}", videos)
            )
    return rows


def _protocol(
    name: str, found: Evidence, protocol: str, rows: Mapping[str, Scored], settings: Evaluate
) -> results_file.Protocol:
    """One protocol's part of results.json."""
    asked = {"LLM": found.own[protocol], "captioner": found.direct[protocol]}
    rules = Rules(settings.agreement, settings.f1, settings.budget)
    tested = found.tested(protocol)
    unsummarised = [one for video in tested if (one := found.panels[video].unsummarised)]
    if unsummarised:
        log.warning(
            "%s: no shot of %d of %d videos fits the budget; their summaries are empty",
            *(protocol, len(unsummarised), len(tested)),
        )
    of_rows = figures.rows_document(
        rows,
        found.splits[protocol],
        confidence=settings.confidence,
        resamples=settings.bootstrap,
        people=found.deviation,
    )
    of = results_file.Protocol.model_validate(
        {
            "videos": len(tested),
            "flags": tables.flags(rows, asked, found.shots, found.deviation, rules, unsummarised),
            "unsummarised": unsummarised,
            "floor": None,
            "rows": of_rows,
        }
    )
    if "constant" not in of.rows:
        return of
    floor = results_file.Floor(tau=of.rows["constant"].tau.mean, rho=of.rows["constant"].rho.mean)
    flags = (tables.floor_said(name, of.rows), *of.flags)
    return of.model_copy(update={"floor": floor, "flags": flags})


@contextmanager
def _watching(panels: Mapping[str, Panel], total: int) -> Iterator[Watched]:
    """A function that gives videos out for one row, under a progress bar over all rows."""
    with progress(command.stderr) as bar:
        task = bar.add_task("judging", total=total)

        def watched(row: str, videos: Iterable[str]) -> Iterator[Panel]:
            bar.update(task, description=f"judging {row}")
            for video in videos:
                yield panels[video]
                bar.advance(task)

        yield watched


if __name__ == "__main__":
    command.run(evaluate)
