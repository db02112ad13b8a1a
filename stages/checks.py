"""What can be asked before anything expensive is done: `llmvs check, doctor, weights, plan`."""

import os
import shlex
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stages import command
from stages.errors import UserError

if TYPE_CHECKING:
    from stages.params import AnyRecipe, Params, Recipe

Datasets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATASET]...", help="entries of params.yaml: datasets (default: run.datasets)"
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set-param", "-S", metavar="NAME=VALUE",
        help="a value of params.yaml, as `dvc exp run -S` takes it",
    ),
]  # fmt: skip
Data = Annotated[Path, typer.Option(help="folder of what the stages made")]


def _settings(assignments: list[str] | None) -> "Params":
    """params.yaml with the assignments."""
    from stages import params

    return params.parse(_document(assignments))


def _document(assignments: list[str] | None) -> dict[str, Any]:
    from stages.experiments import overrides

    return overrides.set_over(assignments or [])


def _recipes(settings: "Params", datasets: list[str] | None) -> "dict[str, Recipe]":
    """The recipes named, or those that run. Raises UserError for a recipe of films."""
    found = {}
    for name in _any(settings, datasets or settings.run.datasets):
        if name in settings.films:
            raise UserError(
                f"params.yaml: datasets.{name}: nobody judged these films; what they take says "
                f"`{_dry_run(settings, name)}`"
            )
        found[name] = settings.datasets[name]
    return found


def _any(settings: "Params", names: Iterable[str]) -> "dict[str, AnyRecipe]":
    """The recipes of these names, of films too."""
    known: dict[str, AnyRecipe] = {**settings.datasets, **settings.films}
    for name in names:
        if name not in known:
            has = ", ".join(sorted(known))
            raise UserError(f"params.yaml: datasets has no {name!r} (has {has})")
    return {name: known[name] for name in names}


def _dry_run(settings: "Params", films: str) -> str:
    source = Path(settings.films[films].download.source).expanduser()
    return shlex.join(["llmvs", "summarise", str(source), "--recipe", films, "--dry-run"])


def _note_films(
    settings: "Params", datasets: list[str] | None, assignments: list[str] | None
) -> None:
    """Who asks of what will run is told where the films among it are looked at."""
    from stages.checking.frozen import fetching

    for name in settings.run.summarise if not datasets else ():
        command.stderr.print(
            f"note: {name}, films of one's own: what they take says "
            f"`{_dry_run(settings, name)}`, and `{fetching(name, assignments or [])}` fetches "
            "their models",
            markup=False,
        )


def check(
    datasets: Datasets = None, assignments: Assignments = None, data: Data = Path("data")
) -> None:
    """Check recipes before the first expensive stage: nothing is fetched, no weights are read.

    params.yaml as a whole; whether every scorer can be fed; annotations against the field's h5, and
    what is given against the timeline; splits; prompts against the LLM's context; memory, time and
    disk. What is known only after download is said to be so. Ends with 1 where there is a problem.
    """
    from stages import params, section
    from stages.experiments import aliases

    aliases.sole(section.document())
    document = _document(assignments)
    settings = params.parse(document)
    recipes = _recipes(settings, datasets)
    # What is heavy only now: a mistyped name is answered at once.
    from stages.checking import finding, table
    from stages.work.store import Store

    work = Store.default().root / "downloads"
    found = {
        name: [
            finding.found("stages", partial(_stages, name, document)),
            *table.findings(settings, name, recipe, data, work),
        ]
        for name, recipe in recipes.items()
    }
    command.stderr.print(table.table(found), soft_wrap=False)
    _note_films(settings, datasets, assignments)
    if places := aliases.unshared():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        command.stderr.print(
            f"note: params.yaml: {places[0]}{more} say each key of their `<<` anew, as `dvc exp` "
            "writes it, so that a change of what they share reaches them no longer: set what is to "
            "stay by hand in the file as it was (`git restore params.yaml`)"
        )
    if any(one.state == "problem" for each in found.values() for one in each):
        raise SystemExit(1)


def _stages(recipe: str, document: dict[str, Any]) -> str:
    """Whether the DAG has the stages of a recipe. Raises UserError where it has others."""
    from stages import dag

    if astray := dag.astray(recipe, document):
        raise UserError(
            f"{dag.PIPELINES[0]} is not of what params.yaml says of this recipe "
            f"({', '.join(astray)}): llmvs deps --write"
        )
    if unsaid := dag.unsaid(recipe, document):
        raise UserError(
            f"params.yaml: has no {', '.join(unsaid)}, without which DVC does not run; write it, "
            "as the other recipes have it"
        )
    return f"as {dag.PIPELINES[0]} has them"


def doctor(
    datasets: Datasets = None,
    assignments: Assignments = None,
    data: Data = Path("data"),
    cluster: Annotated[
        bool, typer.Option("--cluster", help="the machines of the cluster at RAY_ADDRESS instead")
    ] = False,
) -> None:
    """Say what this machine has, what the recipes that will run want of it, and how to get it.

    Device, memory, time and disk against the plan, and each model: every file of it here, or access
    to it on the hub, which is asked. Without a GPU, a large model that would take more than a day
    is refused here and by its stage, unless LLMVS_SLOW=1. Ends with 1 where anything is missing.

    With --cluster, each machine of a Ray cluster: processors, cards, object store, which edition of
    this package it runs, the versions that decide numbers, and whether the models are there. A
    model that is not is fetched by the first worker there, and a folder is sent.
    """
    if cluster:
        _cluster(datasets, assignments)
        return
    from stages.diagnosis import diagnose

    try:
        settings = _settings(assignments)
        recipes = _recipes(settings, datasets)
    except UserError as error:
        healthy = diagnose(command.stderr, error)
    else:
        healthy = diagnose(command.stderr, settings, recipes, assignments or [], data)
        _note_films(settings, datasets, assignments)
    if not healthy:
        raise SystemExit(1)


def _cluster(datasets: list[str] | None, assignments: list[str] | None) -> None:
    from stages.checking import cluster, frozen
    from stages.work.cluster import ADDRESS

    if not os.environ.get(ADDRESS):
        raise UserError(f"{ADDRESS} is not set: name the cluster's address, such as head:6379")
    recipes = _recipes(_settings(assignments), datasets)
    wanted = dict.fromkeys(each for recipe in recipes.values() for each in frozen.models(recipe))
    told, healthy = cluster.table(list(wanted))
    command.stderr.print(told, soft_wrap=False)
    if not healthy:
        raise SystemExit(1)


def weights(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="entries of params.yaml: datasets, films among them (default: run.datasets and "
            "run.summarise)",
        ),
    ] = None,
    assignments: Assignments = None,
) -> None:
    """Fetch the frozen models that the recipes name (done once, then offline).

    Refused before the first byte where there is no access to one, or no room for it.
    """
    from stages.captioners import registry
    from stages.checking import frozen

    settings = _settings(assignments)
    recipes = _any(settings, datasets or (*settings.run.datasets, *settings.run.summarise))
    wanted = dict.fromkeys(each for recipe in recipes.values() for each in frozen.models(recipe))
    for model in wanted:
        model.access()
    for recipe in recipes.values():
        if recipe.caption is not None and recipe.caption.captioner == "imagenet-tags":
            (tagger,) = registry.plans(recipe.caption).values()
            command.stderr.print(f"{recipe.caption.captioner}: {tagger.fetch()}")
    for model in wanted:
        command.stderr.print(f"{model.name}: {model.fetch()}")


def plan(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="an entry of params.yaml: datasets (with --videos, tvsum is the default)"
        ),
    ] = None,
    gpu: Annotated[
        str,
        typer.Option(
            help="h100, h200, a100, a100-40, l40s, 6000ada, 4090, 3090, v100, t4; here: this "
            "machine, its processor where it has no GPU"
        ),
    ] = "h100",
    cards: Annotated[int | None, typer.Option(help="how many of them [1]")] = None,
    efficiency: Annotated[
        float | None, typer.Option(help="share of a card's rate and bandwidth reached [0.4]")
    ] = None,
    words: Annotated[int, typer.Option(min=1, help="of a caption; the paper gives none")] = 25,
    videos: Annotated[
        int | None, typer.Option(help="so many equal videos, in place of the recipe's own")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="of each of --videos")] = None,
    assignments: Assignments = None,
) -> None:
    """What a recipe will cost, before anything is downloaded: operations, memory, hours, disk.

    From the models' configurations and the dataset's lengths. Says when a stage will not fit, and
    what would, and how to fetch what is not here.

    Of --videos as well: bytes read, written and kept in the work store, what passes between the
    driver of a cluster and its workers, the driver's own hours and memory, what grows faster than
    the corpus, and what this machine could not hold. stages/planning/README.md has the formulas.
    """
    from rich.console import Console

    from stages.checking import frozen
    from stages.planning import accounts, estimate, here, plan, workload
    from stages.planning import cards as known

    reached = here.EFFICIENCY if efficiency is None else efficiency
    estimate.checked(reached, 1 if cards is None else cards)
    corpus = None
    if videos is not None and seconds is not None:
        corpus = workload.equal(videos, seconds)
        dataset = dataset or "tvsum"  # the paper's models
    elif videos is not None or seconds is not None:
        raise UserError("--videos and --seconds go together: how many, and how long each is")
    elif dataset is None:
        raise UserError("name an entry of params.yaml: datasets; or --videos and --seconds")
    settings = _settings(assignments)
    recipes = _recipes(settings, [dataset])
    recipe = recipes[dataset]
    if gpu == "here":
        if cards is not None:
            raise UserError("--cards: those of this machine are counted; leave it out")
        if efficiency is not None:
            raise UserError("--efficiency: of this machine it is known or measured; leave it out")
        machine = here.machine(recipe)
    else:
        machine = estimate.Machine(known.card(gpu), cards or 1, reached)
    made = plan.make(settings, dataset, recipe, words, machine, corpus)
    Console().print(plan.table(made))
    if corpus is not None:
        Console().print(accounts.table(made))
    absent = [each.name for each in frozen.models(recipe) if not each.status().present]
    if absent:
        fetch = frozen.fetching(dataset, assignments or [])
        Console().print(f"not here: {', '.join(absent)}; {fetch}", soft_wrap=True, markup=False)
