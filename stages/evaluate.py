"""evaluate: scores against people."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.artifacts.predictions import Predictions, Splits
from stages.artifacts.predictions import read as read_predictions
from stages.errors import UserError
from stages.metrics import inputs, leaderboard, results, score_curves, standings
from stages.metrics.leaderboard import Row
from stages.metrics.panel import Panel, Rules
from stages.work.executor import progress

Watched = Callable[[str, Iterable[str]], Iterable[Panel]]


def evaluate(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    annotations: Annotated[Path, typer.Option(help="people's annotations (from download)")],
    frames: Annotated[Path, typer.Option(help="picks and shots (from sample)")],
    embeddings: Annotated[Path, typer.Option(help="the LLM's own scores (from embed)")],
    captions: Annotated[Path, typer.Option(help="the captioner's own scores (from caption)")],
    predictions: Annotated[Path, typer.Option(help="folder of M.h5, one a model (from train)")],
    curves: Annotated[Path, typer.Option(help="folder of M.csv, one a model (from train)")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")],
) -> None:
    """Measure how well scores agree with people's: Kendall's τ-b, Spearman's ρ, keyshot F1.

    Rows: every model of run.models, the LLM's own score without training, people against each
    other, people's mean as if it were a prediction (the ceiling), and random scores. A figure is
    the mean over users, then the test videos of a split, then splits, then seeds. Its interval
    resamples videos; its spread is the standard deviation over seeds. Every row is tested against
    llmvs by a paired permutation test over videos, corrected for the number of rows.

    Each of the recipe's protocols has its own table, over the videos that its splits test.

    Writes metrics.json (means, for `dvc metrics`), results.json (everything, for the report),
    per_video.csv, curves.csv (every model's learning curves), and of the first model under the
    first protocol learning.csv (its curve, averaged over seeds and splits) and score_curves.csv
    (its scores over the frames of every video beside people's), for `dvc plots`; prints the tables.
    """
    recipe, everything = params.recipe(dataset), params.load()
    settings = recipe.evaluate
    protocols: tuple[str, ...] = recipe.train.protocols
    models = {name: everything.models[name].title for name in everything.run.models}
    rules = Rules(settings.agreement, settings.f1, settings.budget)

    people = inputs.read_people(annotations, frames, rules)
    lengths = {name: len(panel.picks) for name, panel in people.panels.items()}
    trained = {
        name: read_predictions(predictions / f"{name}.h5", lengths, protocols) for name in models
    }
    splits = {
        protocol: _shared_splits(predictions, {name: of[protocol] for name, of in trained.items()})
        for protocol in protocols
    }
    learning = {name: results.read_curves(curves / f"{name}.csv") for name in models}
    tested = {protocol: tuple(leaderboard.video_weights(of)) for protocol, of in splits.items()}
    any_tested = tuple(dict.fromkeys(video for of in tested.values() for video in of))

    own = {
        protocol: inputs.read_replies(embeddings, lengths, protocol, of)
        for protocol, of in splits.items()
    }
    heard = max(own.values(), key=lambda replies: replies.replies)
    direct = {p: inputs.read_direct(captions, lengths, of) for p, of in splits.items()}

    rounds = [*tested.values()] * (len(models) + 2) + [any_tested] * 3
    with _watching(people.panels, sum(map(len, rounds))) as watched:
        untrained = {
            "human": leaderboard.human_row(watched("human", any_tested)),
            "oracle": leaderboard.oracle_row(watched("oracle", any_tested)),
            "random": leaderboard.random_row(settings.random_seeds, watched("random", any_tested)),
        }
        rows: dict[str, dict[str, Row]] = {}
        for protocol, videos in tested.items():
            rows[protocol] = {
                name: leaderboard.model_row(
                    title, trained[name][protocol], watched(f"{name}, {protocol}", videos)
                )
                for name, title in models.items()
            }
            for name, title, replies in (
                ("zero-shot", "Zero-shot (LLM's own score)", own[protocol]),
                ("direct", "Captioner, asked directly", direct[protocol]),
            ):
                # There are none where embeddings were given, or where nobody asked for them.
                if replies is not None and replies.unparsed < replies.replies:
                    rows[protocol][name] = leaderboard.untrained_row(
                        title, replies.scores, watched(f"{name}, {protocol}", videos)
                    )
            rows[protocol] |= {name: row.among(videos) for name, row in untrained.items()}

    document = {
        "dataset": dataset,
        "title": recipe.title,
        "simulated": people.simulated or recipe.simulated,
        "confidence": settings.confidence,
        "llm": {"replies": heard.replies, "unparsed": heard.unparsed},
        "protocols": {
            protocol: {
                "videos": len(tested[protocol]),
                "flags": results.flags(
                    of,
                    {"LLM": own[protocol], "captioner": direct[protocol]},
                    people.segmented,
                    len(people.panels),
                ),
                "rows": standings.rows_document(
                    of,
                    splits[protocol],
                    confidence=settings.confidence,
                    resamples=settings.bootstrap,
                ),
            }
            for protocol, of in rows.items()
        },
    }
    results.write_json(out / "results.json", document)
    results.write_json(out / "metrics.json", results.metrics_document(document))
    results.write_per_video(
        out / "per_video.csv", {protocol: (of, splits[protocol]) for protocol, of in rows.items()}
    )
    results.write_curves(out / "curves.csv", learning)
    first, curve = next(iter(learning.items()))
    results.write_learning(out / "learning.csv", first, protocols[0], curve)
    headline = trained[first][protocols[0]]
    score_curves.write(out / "score_curves.csv", people.panels, headline)
    for table in results.tables(document):
        command.stderr.print(table, soft_wrap=False)


def _shared_splits(folder: Path, trained: Mapping[str, Predictions]) -> Splits:
    """A protocol's test splits, which every model must share for rows to compare."""
    (first, reference), *others = trained.items()
    for name, other in others:
        if other.splits != reference.splits:
            raise UserError(
                f"{folder / name}.h5 and {folder / first}.h5 differ in the test splits of "
                f"{reference.protocol}, so their rows cannot be compared; run the train stage "
                "again for both"
            )
    return reference.splits


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
