"""What each stage's run took: time, memory, machine.

None of it may stand in an output, which would then differ from run to run. So it is kept in the
work store, under the stage's name and the content of the output it made: an output that DVC
restored from elsewhere has no record here, and one that was made here keeps its own.
"""

import hashlib
import json
import logging
import os
import platform
import resource
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from stages.work import allowance
from stages.work.files import replacing
from stages.work.store import content_hash

log = logging.getLogger("llmvs")

_tally: dict[str, tuple[int, int]] = {}
_computed: dict[str, int] = {}
_measured: dict[str, float] = {}


@dataclass(frozen=True)
class Record:
    """seconds: of the whole process, imports included. peak_bytes: resident, of its largest
    process. reused: by what was worked on, how many of how many were in the work store already.
    command: as it could be typed again. measured: seconds of parts of the work, by what each is,
    as they were when it was done.
    """

    stage: str
    output: str
    sha256: str
    seconds: float
    peak_bytes: int
    machine: str
    finished: str
    reused: dict[str, tuple[int, int]]
    command: str
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def computed(self) -> int:
        """What the run did itself, of all that it wanted."""
        return sum(wanted - reused for reused, wanted in self.reused.values())


def count(noun: str, reused: int, wanted: int) -> None:
    """Note that of so many things wanted so many were in the work store already."""
    before, total = _tally.get(noun, (0, 0))
    _tally[noun] = before + reused, total + wanted


def computed(noun: str) -> None:
    """Note that one more of those that were not in the work store is there now."""
    _computed[noun] = _computed.get(noun, 0) + 1


def measured(seconds: Mapping[str, float]) -> None:
    """Note what parts of the work took."""
    _measured.update(seconds)


def standing() -> str:
    """How far this process is, as people say it: "31 of 75 frames"; "" where it began nothing."""
    return " and ".join(
        f"{reused + _computed.get(noun, 0)} of {wanted} {noun}"
        for noun, (reused, wanted) in _tally.items()
    )


def content(output: Path) -> str:
    """sha256 of a file, or of a folder's files with their places. Raises OSError without it."""
    if output.is_file():
        return content_hash(output)
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(output).as_posix()} {content(path)}\n".encode())
    if not output.is_dir():
        raise FileNotFoundError(output)
    return digest.hexdigest()


def _place(root: Path, stage: str, sha256: str) -> Path:
    return root / "runs" / f"{stage}-{sha256[:24]}.json"


def keep(root: Path, stage: str, output: Path, seconds: float) -> None:
    """Record this process's run of a stage. What goes wrong with that is no failure of the stage.

    A run that found everything in the work store does not replace the record of the one that
    computed the very same output.

    Args:
        root: of the work store.
        output: what the stage made, a file or a folder.
    """
    try:
        sha256 = content(output)
        record = Record(
            stage,
            os.path.relpath(output),
            sha256,
            seconds,
            _peak(),
            machine(),
            datetime.now(UTC).isoformat(timespec="seconds"),
            dict(_tally),
            shlex.join(["python", "-m", f"stages.{stage}", *sys.argv[1:]]),
            dict(_measured),
        )
        before = of(root, stage, output)
        if before is not None and before.computed and not record.computed:
            return
        with replacing(_place(root, stage, sha256)) as temporary:
            temporary.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    except Exception as error:  # a driver's, a disk's, whatever: the output is made and stands
        log.warning("what the stage took is not recorded: %s", error)


def _peak() -> int:
    """Bytes of the largest process: this one, or a child that has ended."""
    scale = 1 if sys.platform == "darwin" else 1024  # kilobytes, but bytes there
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    # Linux starts a program's count from what its parent held, so that a small stage would be
    # given the memory of the `dvc repro` above it. VmHWM is of the program alone.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                own = int(line.split()[1]) * 1024
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale)


def of(root: Path, stage: str, output: Path) -> Record | None:
    """The record of the run that made an output as it is now; None where there is none."""
    try:
        text = _place(root, stage, content(output)).read_text(encoding="utf-8")
        fields = json.loads(text)
        fields["reused"] = {noun: (of[0], of[1]) for noun, of in fields["reused"].items()}
        return Record(**fields)
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return None


def collect(root: Path, dry_run: bool = False) -> int:
    """Drop records of outputs that are no longer what they were; how many."""
    dropped = 0
    for path in sorted((root / "runs").glob("*.json")):
        current = False
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(path.read_text(encoding="utf-8"))
            current = content(Path(record["output"])) == record["sha256"]
        if not current:
            dropped += 1
            if not dry_run:
                path.unlink(missing_ok=True)
    return dropped


def machine() -> str:
    """This machine in a line; graphics cards where torch is loaded anyway."""
    memory = allowance.total() / 2**30
    parts = [_processor(), f"{allowance.cores()} cores", f"{memory:.0f} GiB"]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        parts += [
            torch.cuda.get_device_properties(index).name
            for index in range(torch.cuda.device_count())
        ]
    return ", ".join(parts)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()
