"""One run of a stage on one output at a time, and none while the store is emptied.

A claim is a file in the work store's `claims/`, locked by the process that works on the output.
Every such process holds the store's `runs.lock` too, with all others; who empties the store holds
it alone. Locks go with their processes, however they end.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from stages.errors import UserError
from stages.work.locks import lock, taken

PATIENCE = 15.0
"""Seconds to wait for a run that is on its way out, having been told to stop."""
_RUNS = "runs.lock"


@dataclass(frozen=True)
class Claim:
    """Who works on which output, its whole path, and since when by that machine's clock."""

    output: str
    process: int
    machine: str
    since: str


@contextmanager
def claimed(root: Path, output: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Be the one run at work on an output while the block lasts.

    Args:
        root: of the work store.
        output: what the run makes, a file or a folder.
        patience: seconds to wait for another run to end.

    Raises:
        UserError: another run is at work on it, and goes on; or the store is being emptied.
    """
    until = time.monotonic() + patience
    place = root / "claims" / f"{sha256(os.fsencode(output.resolve())).hexdigest()[:24]}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    with among_others(root, patience), _locked(place, output, until) as file:
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
        claim = Claim(str(output.resolve()), os.getpid(), os.uname().nodename, now)
        file.truncate(0)
        file.write(json.dumps(asdict(claim)))
        file.flush()
        yield


@contextmanager
def among_others(root: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep the store from being emptied while the block lasts.

    Raises UserError where it still is after `patience` seconds.
    """
    until = time.monotonic() + patience
    root.mkdir(parents=True, exist_ok=True)
    # NFS locks only what is open for reading and writing.
    with (root / _RUNS).open("a+") as file:
        while True:
            try:
                lock(file, shared=True)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise UserError(
                        f"{root}: llmvs gc is at work on the store; run again when it is done"
                    ) from error
                time.sleep(0.1)
        yield


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Be the only one at work on the store while the block lasts; runs wait that begin meanwhile.

    Raises:
        UserError: runs are at work.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / _RUNS).open("a+") as file:
        try:
            lock(file)
        except BlockingIOError as error:
            busy = [
                f"process {claim.process} on {claim.machine}, {claim.output}, since {claim.since}"
                for claim in at_work(root)
            ]
            raise UserError(
                f"{root}: at work on the store: {'; '.join(busy) or 'another process'}. Wait for "
                "it, or see what would go with --dry-run"
            ) from error
        yield


def _locked(place: Path, output: Path, until: float) -> IO[str]:
    while True:
        file = place.open("a+", encoding="utf-8")
        try:
            if taken(file):
                return file
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise UserError(_busy(place, output)) from error
            time.sleep(0.1)
        file.close()


def _busy(place: Path, output: Path) -> str:
    claim = _read(place)
    who = "another process" if claim is None else f"process {claim.process} on {claim.machine}"
    since = "" if claim is None else f", since {claim.since}"
    stop = "" if claim is None else f" (kill {claim.process})"
    return (
        f"{output}: another run is at work on it, {who}{since}. Wait for it, or stop it{stop}: two "
        "would do the same work twice, in twice the memory"
    )


def at_work(root: Path) -> list[Claim]:
    """The claims of runs that are at work now; files of those that are not are cleared away."""
    found = []
    for place in sorted((root / "claims").glob("*.json")):
        with suppress(FileNotFoundError), place.open("r+", encoding="utf-8") as file:
            try:
                if lock(file):
                    place.unlink()
            except BlockingIOError:
                found.append(_read(place) or Claim("", 0, "", ""))
    return found


def _read(place: Path) -> Claim | None:
    with suppress(OSError, ValueError, TypeError):
        return Claim(**json.loads(place.read_text(encoding="utf-8")))
    return None
