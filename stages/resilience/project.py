"""A small copy of the project: the demo cut short, whose stages take seconds."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from stages import section
from stages.resilience.pipeline import Step
from stages.resilience.process import ROOT
from stages.work.store import content_hash

DATASET, MODEL = "demo", "llmvs"
PART = ".part"
"""What the name of a file ends in while it is written."""

Marks = dict[str, tuple[int, int]]
"""Of each item its inode and when it was written: others where it was written again."""


def recipe(finely: bool = False) -> dict[str, Any]:
    """params.yaml with the demo alone and cut short: five videos of two or three seconds.

    finely: a caption or prompt is a share of the work by itself.
    """
    document = section.document(ROOT / section.PARAMS)
    demo = document["datasets"][DATASET]
    demo["download"].update(
        videos=5, shots=[2, 3], shot_seconds=[1.0, 1.2], subjects_per_video=[1, 2], fps=15
    )
    demo["download"]["size"] = [224, 168]
    demo["sample"]["short_side"] = 168
    demo["splits"].update(protocols=["strict", "official"], folds=2)
    demo["train"].update(seeds=[0], epochs=10)
    demo["train"]["scorer"].update(width=32, feedforward=64)
    demo["evaluate"].update(random_seeds=5, bootstrap=100)
    if finely:
        demo["caption"]["batch"] = demo["embed"]["token_budget"] = 1
    document["run"] = {"datasets": [DATASET], "models": [MODEL], "summarise": []}
    document["datasets"] = {DATASET: demo}
    return document


class Project:
    """The copy's folder, and what lies in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def new(cls, root: Path, finely: bool = False) -> "Project":
        root.mkdir(parents=True)
        text = yaml.safe_dump(recipe(finely), sort_keys=False)
        (root / section.PARAMS).write_text(text, encoding="utf-8")
        return cls(root)

    @property
    def store(self) -> Path:
        return self.root / ".work"

    def become(self, other: "Project") -> None:
        """Hold what another holds and nothing else; the folder itself stays."""
        self.root.mkdir(exist_ok=True)
        for path in self.root.iterdir():
            _remove(path)
        shutil.copytree(other.root, self.root, symlinks=True, dirs_exist_ok=True)

    def remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            _remove(self.root / path)

    def files(self, *below: str) -> set[str]:
        """Every file, or those at and below the paths named, from the root."""
        found: set[str] = set()
        for top in [self.root / path for path in below] or [self.root]:
            walked = top.rglob("*") if top.is_dir() else [top]
            found.update(_named(path, self.root) for path in walked if path.is_file())
        return found

    def outputs(self, step: Step) -> dict[str, str]:
        """sha256 of each finished file that is there of what a stage makes."""
        made = (path for path in self.files(*step.outputs) if not path.endswith(PART))
        return {path: content_hash(self.root / path) for path in made}

    def items(self) -> Marks:
        """The finished items of the work store."""
        found = {}
        for path in sorted((self.store / "items").rglob("*")):
            if path.is_file() and path.suffix != PART:
                status = path.stat()
                found[_named(path, self.root)] = (status.st_ino, status.st_mtime_ns)
        return found


def _named(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
