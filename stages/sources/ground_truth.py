"""SumMe's ground truth without its videos: 25 small .mat out of an archive of 2.2 GB."""

import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, TypeVar

from stages.errors import UserError
from stages.sources.archives import DAMAGED
from stages.sources.fetch import BY_HAND, Remote, claim, fetch, place
from stages.sources.places import files, opened
from stages.sources.ranges import NoRangesError, RemoteFile
from stages.work.cache import alone
from stages.work.files import explained

log = logging.getLogger("llmvs")

P = TypeVar("P", bound=PurePath)


def among(paths: Sequence[P], origin: object) -> list[P]:
    """Those of the .mat that are the ground truth: in a folder GT, or in the first one's folder.

    Raises UserError where there is none.
    """
    if not paths:
        raise UserError(f"{origin} holds no GT/*.mat; is it SumMe?")
    folders = [path.parent for path in paths]
    home = next((folder for folder in folders if folder.name == "GT"), folders[0])
    return [path for path in paths if path.parent == home]


@contextmanager
def folder(url: str, source: str | None, work: Path) -> Iterator[Path]:
    """The folder of SumMe's GT/*.mat.

    Args:
        url: of SumMe.zip. Of it the ground truth alone is fetched, once, and kept in `work`.
        source: an archive or folder to read instead; nothing is fetched then.
        work: kept across runs.

    Raises:
        UserError: there is no ground truth, or it cannot be had.
    """
    if source is None:
        remote = Remote(url)
        with alone(str((work / f"{remote.name} ground truth").resolve())):
            truth = _fetched(remote, work)
        yield truth
    elif (archive := Path(source).expanduser()).is_file() and archive.suffix.lower() == ".zip":
        work.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=work, prefix="GT.", suffix=".unpacked") as kept,
            archive.open("rb") as file,
        ):
            _take_out(file, Path(kept), archive)
            yield Path(kept)
    else:
        with opened(url, source, work) as found:
            yield among(files(found, ".mat"), found)[0].parent


def _fetched(remote: Remote, work: Path) -> Path:
    whole = place(remote, work)
    kept = whole.with_name(f"{whole.stem}-GT")
    if kept.is_dir():
        log.info("%s is here already", kept)
        claim(remote, whole)
        return kept
    partial = kept.with_name(f"{kept.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if whole.exists():
        _take_out_of_whole(remote, work, partial)
    else:
        try:
            with RemoteFile(remote.url) as file:
                _take_out(io.BufferedReader(file), partial, remote.url)
                said = file.served / 2**20, remote.name, file.size / 2**20
                log.info("%.1f MiB of %s, which has %.1f, hold what people said", *said)
        except NoRangesError as error:
            log.warning("%s; fetching the whole archive for its ground truth", error)
            _take_out_of_whole(remote, work, partial)
    partial.rename(kept)
    claim(remote, whole)
    return kept


def _take_out_of_whole(remote: Remote, work: Path, kept: Path) -> None:
    archive = fetch(remote, work)
    with archive.open("rb") as file:
        _take_out(file, kept, archive)


def _take_out(file: IO[bytes], kept: Path, origin: object) -> None:
    """Write an archive's ground truth into a folder; no other member is read."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {PurePosixPath(name): name for name in archive.namelist()}
            paths = [
                path
                for path in names
                if path.suffix.lower() == ".mat"
                and "__MACOSX" not in path.parts
                and not path.name.startswith("._")
            ]
            for path in among(paths, origin):
                with explained(kept / path.name):
                    (kept / path.name).write_bytes(archive.read(names[path]))
    except RuntimeError as error:  # Deflate64, a password
        raise UserError(
            f"{origin}: {error}; unpack it yourself, and name the folder as download.source in "
            "params.yaml"
        ) from error
    except DAMAGED as error:
        raise UserError(
            f"{origin} is damaged or not a .zip ({error}); fetch it by hand and {BY_HAND}"
        ) from error
