"""What the items of the work store are for: the outputs made of them, and those not finished yet.

A root is a small file in the store's `roots/`. One of an output that is made names its content and
the keys it was assembled from. One of a stage that has begun names the keys it will want, from
before the first is computed until the output is made, so that what a stopped stage has finished is
known to be its own.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from stages.work.files import replacing


@dataclass(frozen=True)
class Root:
    """output: its place, from the repository's root where it lies below. sha256: of its content;
    None while it is not made. since: when this was written, in ISO 8601.
    """

    stage: str
    output: str
    sha256: str | None
    keys: tuple[str, ...]
    since: str

    @classmethod
    def of(cls, stage: str, output: Path, sha256: str | None, keys: Iterable[str]) -> "Root":
        location = output.resolve()
        with suppress(ValueError):
            location = location.relative_to(Path.cwd())
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(stage, str(location), sha256, tuple(sorted(set(keys))), since)

    @property
    def name(self) -> str:
        """The same for the same work: of an output and its content, or of the keys wanted."""
        if self.sha256 is None:
            text = "\n".join((self.stage, *self.keys))
        else:
            text = f"{self.output}\n{self.sha256}"
        return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, root: Root) -> None:
    """Write a root, over an earlier one of the same work."""
    with replacing(folder / f"{root.name}.json") as temporary:
        temporary.write_text(json.dumps(asdict(root)), encoding="utf-8")


def read(folder: Path) -> Iterator[tuple[Path, Root]]:
    """Every root with its file; files that are none are left out."""
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            fields = {"stage": "", "since": ""} | json.loads(path.read_text(encoding="utf-8"))
            yield path, Root(**fields | {"keys": tuple(fields["keys"])})


def finish(folder: Path, root: Root) -> None:
    """Write the root of an output that is made, and take away those of the same work's beginning:
    all that want no key which it has not.
    """
    write(folder, root)
    made = set(root.keys)
    for path, other in read(folder):
        if other.sha256 is None and made.issuperset(other.keys):
            path.unlink(missing_ok=True)
