"""The machines of a Ray cluster, what each has, and whether it can work for this process."""

import importlib.metadata
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from stages.checking.frozen import Frozen
from stages.work import cluster, hub
from stages.work.cluster import Node
from stages.work.edition import edition

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pillow")
"""Whose versions decide the last bits of a result, or more of it."""
PATIENCE = 120.0
"""Seconds for a machine to answer: it may have to take this package in first."""


@dataclass(frozen=True)
class Said:
    """What a machine says of itself: versions by package, "" of one that is missing, and each
    model's state by its name.
    """

    edition: str
    python: str
    versions: dict[str, str]
    models: dict[str, str]


def here(models: Sequence[Frozen] = ()) -> Said:
    """What the machine says on which this is called."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = ""
    states = {model.name: model.status().state for model in models}
    return Said(edition(), platform.python_version(), versions, states)


def asked(models: Sequence[Frozen]) -> Iterator[tuple[Node, Said | str]]:
    """Every machine with what it says, or why it says nothing.

    Raises UserError as `cluster.joined`.
    """
    ray = cluster.joined()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # A folder is one by its place on this machine, and is known to be none anywhere else.
    told = [model for model in models if not hub.is_path(model.name)]
    look = ray.remote(num_cpus=0, max_retries=0)(here)
    answers = [
        (node, look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.name, False)))
        for node in cluster.nodes(ray)
    ]
    for node, answer in [(node, each.remote(told)) for node, each in answers]:
        try:
            yield node, ray.get(answer, timeout=PATIENCE)
        except ray.exceptions.RayError as error:
            yield node, (str(error).strip().splitlines() or [type(error).__name__])[-1]


def wrong(said: Said, own: Said) -> list[str]:
    """What keeps a machine from working for this process, and what to do."""
    found = []
    if said.edition != own.edition:
        found.append(
            f"runs edition {said.edition} of this package, here {own.edition}: install the same "
            "sources there, or join from a process that has not initialised Ray by itself"
        )
    different = [
        f"{package} {said.versions[package] or 'missing'} (here {version})"
        for package, version in own.versions.items()
        if said.versions[package] != version
    ]
    if different:
        found.append(
            f"{', '.join(different)}: pip install -c constraints.txt there, as here; else numbers "
            "differ between machines"
        )
    return found


def table(models: Sequence[Frozen]) -> tuple[Table, bool]:
    """A row a machine, and whether all of them can work. Raises UserError as `asked`."""
    own = here()
    told = Table(title="llmvs doctor --cluster", show_lines=False)
    for column in ("machine", "has", "edition", "models", "to do"):
        told.add_column(column, overflow="fold")
    healthy = True
    for node, said in asked(models):
        if isinstance(said, Said):
            faults = wrong(said, own)
            words = [
                f"{each.name}: {said.models.get(each.name, 'sent by the driver')}"
                for each in models
            ]
            row = said.edition, "\n".join(words) or "-"
        else:
            faults, row = [f"does not answer: {said}"], ("-", "-")
        healthy = healthy and not faults
        mark = f"[bold red]{escape('; '.join(faults))}[/]" if faults else "[green]ok[/]"
        told.add_row(f"{node.address}\n{node.name[:12]}", _has(node), *map(escape, row), mark)
    return told, healthy


def _has(node: Node) -> str:
    cards = f"{node.gpus} GPUs {node.card}".strip() if node.gpus else "no GPU"
    return f"{node.cpus:g} CPUs, {cards}, object store {node.store / 1e9:.1f} GB"
