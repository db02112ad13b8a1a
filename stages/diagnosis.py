"""What this machine has, what is missing, and how to get it."""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from stages.errors import UserError

PACKAGES = ("torch", "transformers", "accelerate", "dvc", "av", "h5py", "numpy", "scipy")
DISK_WANTED = 4e9
MEMORY_WANTED = 4e9


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
        yield Finding("device", "Apple GPU (mps)")
    else:
        threads = f"CPU, {torch.get_num_threads()} threads, {bfloat16('cpu')}"
        yield Finding("device", f"{threads}; enough for the demo")


def _room() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield Finding(
        "memory",
        f"{memory.available / 1e9:.1f} GB free of {memory.total / 1e9:.1f}",
        "close something: the demo wants 4 GB" if memory.available < MEMORY_WANTED else "",
    )
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        "disk",
        f"{free / 1e9:.1f} GB free",
        "make room (llmvs gc; dvc gc -w): the demo wants 4 GB" if free < DISK_WANTED else "",
    )


def _project() -> Iterator[Finding]:
    import torch

    from stages import params
    from stages.captioners import llava
    from stages.llm import weights
    from stages.work import arithmetic, hub

    inside = os.environ.get("VIRTUAL_ENV") or sys.prefix != sys.base_prefix
    yield Finding("environment", sys.prefix if inside else "none (the system's Python)")
    found = shutil.which("dvc")
    yield Finding("dvc command", found or "not on PATH", "" if found else "activate .venv")
    try:
        settings = params.load()
    except UserError as error:
        yield Finding("params.yaml", "unusable", str(error))
        return
    yield Finding("params.yaml", "valid")
    for name in settings.run.datasets:
        recipe = settings.datasets[name]
        caption, embed = recipe.caption, recipe.embed
        models = {}
        if embed is not None:
            models[embed.llm] = weights.status(embed.llm, embed.revision)
            where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            if said := arithmetic.warning(embed.dtype, where):
                yield Finding(f"datasets.{name}.embed.dtype", said)
        if caption is not None and caption.captioner == "llava":
            models[caption.model] = hub.status(caption.model, caption.revision, llava.KIND)
        for model, status in models.items():
            remedy = "" if status.present else status.remedy
            yield Finding(f"weights of {model}", status.state, remedy)


def diagnose(console: Console) -> bool:
    """Print the diagnosis. True where nothing is missing."""
    table = Table(title="llmvs doctor", show_lines=False)
    for column in ("what", "found", "to do"):
        table.add_column(column, overflow="fold")
    healthy = True
    for section in (_python, _device, _room, _project):
        for finding in section():
            mark = "[green]ok[/]" if not finding.remedy else f"[bold red]{finding.remedy}[/]"
            table.add_row(finding.subject, finding.state, mark)
            healthy = healthy and not finding.remedy
        table.add_section()
    console.print(table)
    return healthy
