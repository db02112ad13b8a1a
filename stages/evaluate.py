"""evaluate: scores against people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stages import command, section
from stages.artifacts import curves as curves_file
from stages.artifacts import judged_scores, predictions
from stages.artifacts import results as results_file
from stages.artifacts.places import GivenKind, Places
from stages.metrics import (
    choosing,
    choosing_table,
    evidence,
    own_scores,
    plots,
    score_curves,
    tables,
)
from stages.metrics.measurement import measure
from stages.metrics.panel import Rules
from stages.metrics.settings import Evaluate
from stages.splits.settings import Splits
from stages.training import provisions
from stages.work.store import content_hash


def evaluate(
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets")],
    data: Annotated[Path, typer.Option(help="the dataset's folder, data/D")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")],
) -> None:
    """Measure how well scores agree with people's: Kendall's τ-b, Spearman's ρ, keyshot F1.

    Rows: every model of run.models, or the scores that were given; the LLM's own score, without
    training and, where finetune.rows says so, fine-tuned on people's; people against each other,
    people's mean as if it were a prediction (the ceiling), random scores, and constant ones where
    the measure looks at summaries and so has a floor. A figure is the mean over the test videos of
    a split, then splits, then seeds; of a video it is as the recipe says (evaluate: agreement, f1).
    Its interval resamples videos; its spread is the standard deviation over seeds. Every row is
    tested against llmvs by a paired permutation test over videos, corrected for the number of rows.
    A row that could not be fed is named below each table, with what would provide what it lacks.

    Each of the recipe's protocols has its own table, over the videos that its splits test. Where
    there are both, another says of each row how τ comes from strict to official: by the other test
    videos, the other training videos, and the epoch chosen on the test videos.

    Writes metrics.json (means, for `dvc metrics`), results.json (everything, for the report),
    per_video.csv, scores.h5 (what each row scored, for `llmvs rejudge`) and, where something was
    trained, curves.csv (every model's learning curves) and of the first model under the first
    protocol learning.csv (its curve, averaged over seeds and splits) and score_curves.csv (its
    scores over the frames of every video beside people's), for `dvc plots`; prints the tables.
    """
    place = ("datasets", dataset)
    recipe = section.lookup(dict[str, Any], *place)
    tuned = section.lookup(list[str], *place, "finetune", "rows") if "finetune" in recipe else []
    settings: Evaluate = section.lookup(Evaluate, *place, "evaluate")
    given: GivenKind = section.lookup(GivenKind, *place, "given", "kind")
    names = [] if given == "scores" else section.lookup(list[str], "run", "models")
    places = Places(data)
    found = evidence.read(
        places,
        given,
        names,
        section.lookup(Splits, *place, "splits"),
        Rules.of(settings),
        tuned,
    )
    fed = {name: predictions.inputs(places.predictions(name)) for name in found.trained}
    fed_all = [name for names_of in fed.values() for name in names_of]
    titles = {name: _title(name, fed.get(name, ())) for name in names}
    learning = {name: curves_file.read(places.curves(name)) for name in found.trained}
    judged = own_scores.gather(
        found,
        titles,
        {
            "dataset": dataset,
            "title": section.lookup(str, *place, "title"),
            "benchmark": section.lookup(str | None, *place, "benchmark"),
            "given": given,
            "evaluate": settings.model_dump(mode="json"),
            "files": [
                {"path": path.as_posix(), "sha256": content_hash(path)}
                for path in places.files(given, names, provisions.files(fed_all), tuned)
            ],
        },
    )
    measured = measure(judged, found.panels, found.people, command.stderr)
    steps = choosing.of_rows(measured.rows, found.splits, learning, found.trained)
    results = measured.results.model_copy(update={"choosing": steps})
    judged_scores.write(out / judged_scores.NAME, judged)
    results_file.write(out, results, measured.by_video)
    results_file.write_json(out / "metrics.json", measured.means)
    headline = results.headline
    plots.write_curves(out, learning, headline)
    first = next((of[headline] for of in found.trained.values()), None)
    score_curves.write(out / "score_curves.csv", found.panels, first)
    chain = choosing_table.table(results)
    for table in (*tables.tables(results), *([] if chain is None else [chain])):
        command.stderr.print(table, soft_wrap=False)


def _title(model: str, fed: Sequence[str]) -> str:
    """A row's title, which says what it is fed where that is not what its entry says."""
    title: str = section.lookup(str, "models", model, "title")
    if not fed or list(fed) == section.lookup(list[str], "models", model, "inputs"):
        return title
    return f"{title}, fed {' and '.join(fed)}"


if __name__ == "__main__":
    command.run(evaluate)
