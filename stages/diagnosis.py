"""What this machine has, what recipes want of it, what is missing, and how to get it."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stages.errors import UserError
from stages.params import Params, Recipe
from stages.work import allowance

PACKAGES = ("torch", "transformers", "accelerate", "dvc", "av", "h5py", "numpy", "scipy")


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis; `remedy` is empty where nothing needs doing."""

    subject: str
    state: str
    remedy: str = ""


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    yield Finding("python", version, "install Python 3.11 or newer" if old else "")
    for package in PACKAGES:
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing", "pip install -c constraints.txt -e .")


def _device() -> Iterator[Finding]:
    import torch

    from stages.work.arithmetic import is_native

    def bfloat16(place: str) -> str:
        return "bfloat16" if is_native("bfloat16", torch.device(place)) else "no bfloat16"

    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(index)
            bf16 = bfloat16(f"cuda:{index}")
            yield Finding(f"cuda:{index}", f"{card.name}, {card.total_memory / 1e9:.0f} GB, {bf16}")
    elif torch.backends.mps.is_available():
        yield Finding("device", "Apple GPU (mps), for training alone")
    else:
        threads = f"CPU, {torch.get_num_threads()} threads, {bfloat16('cpu')}"
        yield Finding("device", f"{threads}; no GPU")


def _room() -> Iterator[Finding]:
    free = f"{allowance.free() / 1e9:.1f} GB free of {allowance.total() / 1e9:.1f}"
    yield Finding("memory", free)
    yield Finding("disk", f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB free")


def _project(wrong: UserError | None) -> Iterator[Finding]:
    inside = os.environ.get("VIRTUAL_ENV") or sys.prefix != sys.base_prefix
    yield Finding("environment", sys.prefix if inside else "none (the system's Python)")
    found = shutil.which("dvc")
    yield Finding("dvc command", found or "not on PATH", "" if found else "activate .venv")
    state = "valid" if wrong is None else "unusable"
    yield Finding("params.yaml", state, "" if wrong is None else str(wrong))


def _recipe(
    settings: Params, name: str, recipe: Recipe, assignments: Sequence[str], data: Path
) -> Iterator[Finding]:
    """What a recipe that will run wants of this machine."""
    import torch

    from stages.artifacts.places import Places
    from stages.checking import frozen, table
    from stages.checking.recipe import Dataset
    from stages.checking.room import Room
    from stages.work import arithmetic
    from stages.work.store import Store

    fetch = frozen.fetching(name, assignments)
    for model in frozen.models(recipe):
        status = model.status()
        remedy = "" if status.present else status.remedy.replace("llmvs weights", fetch)
        try:
            model.access()
        except UserError as error:
            remedy = str(error)
        yield Finding(f"weights of {model.name}", status.state, remedy)
    if recipe.embed is not None:
        where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if said := arithmetic.warning(recipe.embed.dtype, where):
            yield Finding(f"datasets.{name}.embed.dtype", said)
    dataset = Dataset(name, recipe, Places(data / name), Store.default().root / "downloads")
    for one in table.of_machine(Room(settings, dataset, data)):
        subject = f"{name}: {one.subject}"
        yield (
            Finding(subject, one.said)
            if one.state == "ok"
            else Finding(subject, one.state, one.said)
        )


def diagnose(
    console: Console,
    settings: Params | UserError,
    recipes: Mapping[str, Recipe] = MappingProxyType({}),
    assignments: Sequence[str] = (),
    data: Path = Path("data"),
) -> bool:
    """Print the diagnosis. True where nothing is missing.

    Args:
        settings: params.yaml with the assignments, or what is wrong with it.
        recipes: those that will run, by name.
        assignments: NAME=VALUE, as they were given.
        data: folder of what the stages made.
    """
    table = Table(title="llmvs doctor", show_lines=False)
    for column in ("what", "found", "to do"):
        table.add_column(column, overflow="fold")
    sections = [_python(), _device(), _room()]
    if isinstance(settings, UserError):
        sections.append(_project(settings))
    else:
        sections.append(_project(None))
        sections += [
            _recipe(settings, name, recipe, assignments, data) for name, recipe in recipes.items()
        ]
    healthy = True
    for section in sections:
        for finding in section:
            mark = f"[bold red]{escape(finding.remedy)}[/]" if finding.remedy else "[green]ok[/]"
            table.add_row(escape(finding.subject), escape(finding.state), mark)
            healthy = healthy and not finding.remedy
        table.add_section()
    console.print(table)
    return healthy
