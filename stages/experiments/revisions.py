"""The workspace, an experiment or a commit: where a file of this project is read as it was then.

An experiment of DVC is a commit under refs/exps/AB/CDEF…/NAME, where ABCDEF… is the commit that it
was run from. Files that git keeps, tables of results among them, are read from that commit; what
DVC keeps is read through its cache. Neither touches the workspace.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.errors import UserError

WORKSPACE = "workspace"
LOCKS = ("data/dvc.lock", "dvc.lock")
_REFERENCE = re.compile(r"refs/exps/([0-9a-f]{2}/[0-9a-f]{38})/(\S+) ([0-9a-f]{40})")


@dataclass(frozen=True)
class Revision:
    """A name for people, and the commit; no commit is the workspace as it lies there."""

    name: str
    commit: str | None = None

    def text(self, path: str) -> str | None:
        """A file as text; None where absent. Raises UserError where it is none."""
        content = self.content(path)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 text ({error})") from error

    def content(self, path: str) -> bytes | None:
        """A file that git keeps, by its path from the root of the project; None where absent."""
        if self.commit is None:
            file = Path(path)
            return file.read_bytes() if file.is_file() else None
        # "./" makes git look below the current folder rather than the root of its repository.
        done = _git("show", f"{self.commit}:./{path}")
        return done.stdout if done.returncode == 0 else None

    def document(self, path: str) -> dict[str, Any]:
        """A YAML or JSON file. Raises UserError where it is absent or damaged.

        By YAML 1.2, in which DVC writes: there 5e-05 is a number, in 1.1 it is text. Whoever asks
        for the same text has the same mapping, which nobody is to change.
        """
        text = self.text(path)
        if text is None:
            raise UserError(f"{self.name}: has no {path}")
        try:
            found = _parsed(text)
        except YAMLError as error:
            raise UserError(f"{self.name}: {path} is damaged ({error})") from error
        if not isinstance(found, dict):
            raise UserError(f"{self.name}: {path} is damaged (no mapping)")
        return found

    @property
    def before(self) -> "Revision | None":
        """The commit that an experiment was run from; None of the workspace."""
        return None if self.commit is None else Revision(f"{self.name}~1", f"{self.commit}~1")

    def locked(self) -> dict[str, Any]:
        """Every stage that was run, by its name, as the lock files record it."""
        stages: dict[str, Any] = {}
        for path in LOCKS:
            if self.text(path) is not None:
                stages |= self.document(path).get("stages") or {}
        return stages


@cache
def _parsed(text: str) -> Any:
    """Lock files take half a second each, and every experiment is held against the workspace's."""
    return YAML(typ="safe").load(text)


HERE = Revision(WORKSPACE)


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise UserError("git is not installed; experiments are commits of it") from error


def experiments() -> Iterator[Revision]:
    """Every experiment, those run from the current commit first, each half newest first."""
    done = _git(
        "for-each-ref", "--sort=-committerdate", "--format=%(refname) %(objectname)", "refs/exps"
    )
    if done.returncode:
        raise UserError(f"git cannot list experiments: {done.stderr.decode().strip()}")
    head = _git("rev-parse", "HEAD").stdout.decode().strip()
    lines = done.stdout.decode().splitlines()
    found = [match.groups() for match in map(_REFERENCE.fullmatch, lines) if match]
    for current in (True, False):
        for baseline, name, commit in found:
            if (baseline.replace("/", "") == head) == current:
                yield Revision(name, commit)


def resolve(name: str) -> Revision:
    """The workspace, an experiment by its name, or any commit that git knows by this name.

    Raises UserError where there is none.
    """
    if name == WORKSPACE:
        return HERE
    for experiment in experiments():
        if experiment.name == name:
            return experiment
    done = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if done.returncode:
        known = ", ".join(dict.fromkeys(each.name for each in experiments())) or "none yet"
        raise UserError(f"no experiment or commit {name!r}; experiments: {known} (`dvc exp show`)")
    return Revision(name, done.stdout.decode().strip())
