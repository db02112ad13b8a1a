"""`llmvs head`: a trained scorer to take home, made and used.

Everything heavy is imported where it is called, so that `llmvs --help` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import command
from stages.errors import UserError

app = typer.Typer(
    no_args_is_help=True,
    help="A scorer that learnt from every judged video of some datasets, with a card that says "
    "what it learnt from, what it wants to be fed and what to expect of it.",
)

Data = Annotated[Path, typer.Option(help="folder of what the stages made")]


@app.command("list")
def listing() -> None:
    """The heads that come with this package: what they learnt from, and what the folds found."""
    from rich.console import Console

    from stages.scorers.heads import shelf
    from stages.shipping.listing import table

    if names := shelf.names():
        Console().print(table([shelf.card(name) for name in names]))
    else:
        command.stderr.print("no head comes with this package; make one: llmvs head train --help")


@app.command()
def train(
    datasets: Annotated[str, typer.Option(help="entries of params.yaml: datasets, with commas")],
    out: Annotated[Path, typer.Option(help="NAME.safetensors; NAME.json and NAME.md go beside")],
    model: Annotated[str, typer.Option(help="an entry of params.yaml: models")] = "llmvs",
    seed: Annotated[int, typer.Option(min=0, help="of weights, order and dropout")] = 0,
    captioner: Annotated[
        str | None, typer.Option(help="who wrote the captions, where they are given")
    ] = None,
    data: Data = Path("data"),
    results: Annotated[Path, typer.Option(help="folder of what evaluate made")] = Path(
        "reports/results"
    ),
) -> None:
    """Train a head on every judged video of all the datasets named together.

    Nothing is held out and nothing chosen: the last epoch's weights are kept. So nothing here says
    how good it is; what to expect is what evaluate measured on folds, strict, and the card takes
    it from there: run the datasets first (`dvc exp run -S 'run.datasets=[…]'`).

    The recipes' sections train (but for seeds), embed and caption must be the same. One seed, the
    same embeddings and torch give the same bytes on one kind of machine.
    """
    import logging

    from stages.scorers import checkpoints
    from stages.scorers.heads import card as cards
    from stages.shipping import prose, provenance, recipes, training
    from stages.training.fitting import device
    from stages.work.bar import progress
    from stages.work.files import replacing, tried

    if out.suffix != checkpoints.SUFFIX:
        raise UserError(f"--out {out}: must end in {checkpoints.SUFFIX}")
    made = out, out.with_suffix(cards.SUFFIX), out.with_suffix(prose.SUFFIX)
    for path in made:
        tried(path)
    together = recipes.joint(listed(datasets), model, captioner)
    taught, where = training.videos(together, data), device()
    expected = provenance.expected(together, data, results)
    count, epochs = sum(map(len, taught.values())), together.train.epochs
    logging.getLogger("llmvs").info(
        "training a head (%s, %s of %s) on %s: %d videos of %s, %d epochs",
        *(model, together.entry.kind, " and ".join(together.entry.inputs), where),
        *(count, " and ".join(taught), epochs),
    )
    with progress(command.stderr) as bar:
        row = bar.add_task("videos learnt from", total=epochs * count)
        learnt = training.learn(
            together,
            taught,
            seed=seed,
            where=where,
            on_epoch=lambda: bar.advance(row, count),
        )
    # The three together or none: an earlier head's card beside these weights is refused.
    with replacing(made[0]) as weights, replacing(made[1]) as said, replacing(made[2]) as shown:
        weights.write_bytes(checkpoints.packed(learnt))
        card = provenance.card(
            together, taught, learnt, out.stem, weights, expected, data=data, seed=seed, where=where
        )
        said.write_text(cards.text(card), encoding="utf-8")
        shown.write_text(prose.markdown(card), encoding="utf-8")
    command.stderr.print(
        f"{out}: {out.stat().st_size / 1e6:.1f} MB, learnt from {card.videos} videos; its card: "
        f"{' and '.join(map(str, made[1:]))}"
    )


@app.command()
def score(
    head: Annotated[str, typer.Option(help="a name of `llmvs head list`, or a .safetensors file")],
    dataset: Annotated[str, typer.Option(help="an entry of params.yaml: datasets, embedded")],
    out: Annotated[Path, typer.Option(help="JSON file to write, which `llmvs judge` reads")],
    videos: Annotated[
        str | None, typer.Option(help="these alone, by name or title, with commas")
    ] = None,
    data: Data = Path("data"),
) -> None:
    """Score a dataset's sampled frames with a head, from its embeddings.

    Embeddings must be made with the settings that the head learnt with: another prompt, LLM or
    window is refused, and what differs is named. Scores of videos that the head learnt from say
    nothing about other videos, and a warning says so.
    """
    import logging

    from stages import params
    from stages.scorers.heads import shelf
    from stages.shipping import scoring

    loaded = shelf.load(head)
    wanted = None if videos is None else listed(videos)
    found = scoring.scores(loaded, dataset, data, wanted)
    if said := scoring.in_sample(loaded.card, dataset, params.recipe(dataset)):
        logging.getLogger("llmvs").warning("%s", said)
    scoring.write(out, found)
    partial = "" if wanted is None else " --partial"
    command.stderr.print(
        f"{out}: scores of {len(found)} videos; against people: llmvs judge {out} --dataset "
        f"{dataset}{partial}"
    )


def listed(text: str) -> list[str]:
    """The names of a list with commas. Raises UserError where there is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("expected names with commas between, got none")
    return names
