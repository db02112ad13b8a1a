"""What of the work store nothing needs any more."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stages.work import claims, files, roots
from stages.work.roots import Root
from stages.work.store import Store, content_hash


@dataclass(frozen=True)
class Unfinished:
    """A stage that began and has not made its output: how many of the items it wants are there."""

    stage: str
    output: str
    since: str
    there: int
    wanted: int
    held_bytes: int
    at_work: bool


@dataclass(frozen=True)
class Collected:
    """Items kept and dropped, bytes that those held, unfinished work in the order of its
    beginning, and bytes of what killed stages left half written or unpacked.
    """

    kept: int
    dropped: int
    freed_bytes: int
    unfinished: tuple[Unfinished, ...]
    swept_bytes: int


def collect(
    store: Store, outputs: Iterable[Path] = (), *, unfinished: bool = False, dry_run: bool = False
) -> Collected:
    """Drop every item that no current output was assembled from and no unfinished stage wants.

    An output is current while the file it names still has the content it had. A stage is
    unfinished from its first item until its output is made, and when its output is gone; one may be
    at work meanwhile. Run from the root of the repository.

    Args:
        store: the work store.
        outputs: folders in which killed writers may have left half a file.
        unfinished: drop what unfinished stages want as well, but for those that are at work.
        dry_run: drop nothing, only say what would be.
    """
    busy = {claim.output for claim in claims.at_work(store.root)}
    wanted: set[str] = set()
    pending: list[Unfinished] = []
    for path, root in roots.read(store.roots):
        output = Path(root.output)
        # DVC removes an output before a run, which may not have come to its first item.
        if root.sha256 is None or not output.exists():
            found = _unfinished(store, root, busy)
            pending.append(found)
            idle = unfinished and not found.at_work
        else:
            idle = not (output.is_file() and content_hash(output) == root.sha256)
        if not idle:
            wanted.update(root.keys)
        elif not dry_run:
            path.unlink(missing_ok=True)
    kept = dropped = freed = 0
    for item in sorted((store.root / "items").glob("*/*.npz")):
        if item.stem in wanted:
            kept += 1
            continue
        dropped += 1
        freed += item.lstat().st_size
        if not dry_run:
            store.drop(item.stem)
    swept = sum(files.sweep(files.left_behind(at), dry_run) for at in (store.root, *outputs))
    if not busy:
        swept += sum(_removed(folder, dry_run) for folder in _half_unpacked(store.root))
    pending.sort(key=lambda found: found.since)
    return Collected(kept, dropped, freed, tuple(pending), swept)


def emptied(root: Path, dry_run: bool = False) -> int:
    """Remove all that a store keeps, but for its lock; bytes that it held."""
    freed = 0
    for path in root.iterdir():
        if path.is_dir():
            freed += _removed(path, dry_run)
    return freed


def _half_unpacked(root: Path) -> Iterator[Path]:
    """Folders into which archives were unpacked. A stage that uses one takes it away at its end."""
    for folder in (root / "downloads").glob("*"):
        if folder.suffix in (".unpacked", ".part") and folder.is_dir():
            yield folder


def _removed(folder: Path, dry_run: bool) -> int:
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    if not dry_run:
        shutil.rmtree(folder)
    return size


def _unfinished(store: Store, root: Root, busy: set[str]) -> Unfinished:
    there = [store.place(key) for key in root.keys if key in store]
    return Unfinished(
        root.stage,
        root.output,
        root.since,
        len(there),
        len(root.keys),
        sum(place.stat().st_size for place in there),
        str(Path(root.output).resolve()) in busy,
    )
