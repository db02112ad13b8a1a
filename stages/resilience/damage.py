"""Items of the work store damaged, and asked for."""

import logging
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from stages.resilience import expectations
from stages.resilience.outcomes import Fault, Trial
from stages.resilience.process import call
from stages.resilience.project import Project
from stages.resilience.reference import Made, Reference
from stages.work.items import Arrays
from stages.work.store import Store

BLOCK = 4096
SAID = "damaged"
"""What a stage's log calls an item that it cannot use."""
SEVERAL = 3

Drawn = random.Random
Damage = Callable[[Path, Path, Drawn], str]
"""Damages an item's file, given another's, in a way that is drawn; says where."""


def _flipped(path: Path, other: Path, drawn: Drawn) -> str:
    content = bytearray(path.read_bytes())
    place = drawn.randrange(len(content))
    content[place] ^= drawn.randrange(1, 256)
    path.write_bytes(content)
    return f"byte {place} of {len(content)}"


def _truncated(path: Path, other: Path, drawn: Drawn) -> str:
    size = path.stat().st_size
    left = drawn.randrange(1, size)
    os.truncate(path, left)
    return f"{left} of {size} bytes left"


def _zeroed(path: Path, other: Path, drawn: Drawn) -> str:
    content = bytearray(path.read_bytes())
    start = drawn.randrange(len(content))
    end = min(start + drawn.randrange(1, BLOCK), len(content))
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    return f"bytes {start} to {end} of {len(content)}"


def _lengthened(path: Path, other: Path, drawn: Drawn) -> str:
    garbage = drawn.randbytes(drawn.randrange(1, BLOCK))
    with path.open("ab") as file:
        file.write(garbage)
    return f"{len(garbage)} bytes behind the end"


def _emptied(path: Path, other: Path, drawn: Drawn) -> str:
    os.truncate(path, 0)
    return "no byte left"


def _replaced(path: Path, other: Path, drawn: Drawn) -> str:
    path.write_bytes(other.read_bytes())
    return f"the bytes of {other.stem}"


def _folder(path: Path, other: Path, drawn: Drawn) -> str:
    path.unlink()
    path.mkdir()
    return "a folder in its place"


def _locked(path: Path, other: Path, drawn: Drawn) -> str:
    path.chmod(0)
    return "mode 000"


def _dangling(path: Path, other: Path, drawn: Drawn) -> str:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))
    return "a link to nowhere"


def _pipe(path: Path, other: Path, drawn: Drawn) -> str:
    path.unlink()
    os.mkfifo(path)
    return "a pipe that nobody writes to"


KINDS: dict[str, Damage] = {
    "a byte changed": _flipped,
    "cut off": _truncated,
    "a block of zeros": _zeroed,
    "garbage behind it": _lengthened,
    "emptied": _emptied,
    "another item's bytes": _replaced,
    "a folder": _folder,
    "not readable": _locked,
    "a dangling link": _dangling,
    "a pipe": _pipe,
}


def kinds() -> dict[str, Damage]:
    """The ways that damage something here: root reads a file whatever its mode."""
    return {name: of for name, of in KINDS.items() if of is not _locked or os.geteuid()}


def items(store: Path) -> list[Path]:
    """Every item's file; its stem is its key."""
    return [path for path in sorted((store / "items").rglob("*")) if path.is_file()]


def asked(store: Path, times: int, seed: int) -> Iterator[Trial]:
    """Damage an item, ask the store for it, restore it: so many times, each way in turn.

    The store must answer that it has none, or with what was put there.
    """
    files = items(store)
    known = {path: Store(store).get(path.stem) for path in files}
    ways = list(kinds().items())
    for turn in range(times):
        kind, damage = ways[turn % len(ways)]
        drawn = random.Random(f"{seed} {turn}")
        path, other = drawn.sample(files, 2)
        with _restored(path), _unsaid():
            where = damage(path, other, drawn)
            faults, said = _asked(store, path.stem, known[path])
        yield Trial(kind, f'Store.get("{path.stem}")', where, tuple(faults), said)


def _asked(store: Path, key: str, wanted: Arrays | None) -> tuple[list[Fault], str]:
    try:
        found = Store(store).get(key)
    except Exception as error:  # any at all is what is looked for
        return [Fault(f"raises {type(error).__name__}")], f"{type(error).__name__}: {error}"
    if found is None or same(found, wanted):
        return [], ""
    return [Fault("gives other arrays")], ""


def same(found: Arrays | None, wanted: Arrays | None) -> bool:
    """Whether two items are the same to the bit."""
    if found is None or wanted is None:
        return found is wanted
    return found.keys() == wanted.keys() and all(
        (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        and found[name].tobytes() == np.asarray(array).tobytes()
        for name, array in wanted.items()
    )


@contextmanager
def _restored(path: Path) -> Iterator[None]:
    """Put a file back as it was."""
    content, status = path.read_bytes(), path.stat()
    try:
        yield
    finally:
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(status.st_mode)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextmanager
def _unsaid() -> Iterator[None]:
    """Without the log's word for each of a thousand items."""
    log = logging.getLogger("llmvs")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def rerun(reference: Reference, made: Made, seed: int) -> Iterator[Trial]:
    """For each kind of damage, a stage run again over a store with several items damaged so."""
    for kind, damage in kinds().items():
        yield _rerun(reference, made, kind, damage, random.Random(f"{seed} {kind}"))


def _rerun(reference: Reference, made: Made, kind: str, damage: Damage, drawn: Drawn) -> Trial:
    project = reference.restore()
    project.remove(made.step.outputs)
    paths = [
        project.root / item for item in drawn.sample(made.items, min(SEVERAL + 1, len(made.items)))
    ]
    *hurt, other = paths
    where = [damage(path, other, drawn) for path in hurt]
    before = project.items()
    ended = call(made.step.command, project.root)
    after = project.items()
    names = {path.relative_to(project.root).as_posix() for path in hurt}
    mended = {name for name in names if after.get(name) != before.get(name)}
    rest = {item: mark for item, mark in before.items() if item not in names}
    faults = list(expectations.finished(ended, project, made, rest))
    faults += expectations.tidy(project, reference)
    faults += _mended(reference, project, hurt)
    lines = [line for line in ended.said.splitlines() if SAID in line]
    if len(lines) != bool(mended):
        faults.append(Fault(f'not "{SAID}" once in the log', f"{len(lines)} times"))
    moment = f"{len(hurt)} items, {where[0]}"
    return Trial(f"{kind}, {made.step.stage}", str(made.step), moment, tuple(faults), ended.said)


def _mended(reference: Reference, project: Project, hurt: Sequence[Path]) -> Iterator[Fault]:
    for path in hurt:
        try:
            found = Store(project.store).get(path.stem)
        except Exception as error:  # as above
            yield Fault("damage stays", f"{path.stem}: {type(error).__name__}")
            return
        if not same(found, Store(reference.kept.store).get(path.stem)):
            yield Fault("damage stays", path.stem)
            return
