"""What a run was: its parameters, what each stage took, the versions at work."""

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from stages.params import Recipe
from stages.work import runs

PACKAGES = ("torch", "transformers", "accelerate", "dvc", "numpy", "scipy", "h5py", "av", "llmvs")


def versions() -> list[tuple[str, str]]:
    """Python and the packages that decide figures, as they are while the page is made."""
    found = [("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found


def recipe_parts(recipe: Recipe) -> list[dict[str, Any]]:
    """The recipe, a sub-section a stage, as YAML with a gist of its first settings."""
    parts = []
    for name, section in recipe.model_dump(mode="json").items():
        if not isinstance(section, dict):
            continue
        plain = [f"{k} {v}" for k, v in section.items() if isinstance(v, str | int | float)]
        text = yaml.safe_dump(section, sort_keys=False, allow_unicode=True, width=88)
        parts.append({"name": name, "gist": ", ".join(plain[:4]), "yaml": text})
    return parts


def stages_run(root: Path, outputs: Iterable[tuple[str, str, Path]]) -> list[dict[str, str]]:
    """What each stage took, where its present output was made on this machine.

    Args:
        root: of the work store.
        outputs: what a stage is called here, its name, and what it made.
    """
    told = []
    for title, stage, output in outputs:
        record = runs.of(root, stage, output)
        text = (
            "no record: its output was made elsewhere, or restored" if not record else _took(record)
        )
        told.append({"stage": title, "text": text})
    return told


def _took(record: runs.Record) -> str:
    minutes, seconds = divmod(record.seconds, 60)
    time = f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"
    parts = [time, f"{record.peak_bytes / 1e9:.2f} GB at most"]
    parts += [
        f"{reused} of {wanted} {noun} were there already"
        for noun, (reused, wanted) in record.reused.items()
        if reused
    ]
    return f"{', '.join(parts)}; {record.machine}; {record.finished}"
