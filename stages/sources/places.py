"""Where a published dataset lies: fetched, or in an archive or folder that is here already."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.errors import UserError
from stages.sources.archives import unpack
from stages.sources.fetch import Remote, fetch
from stages.work.files import replacing

log = logging.getLogger("llmvs")

ARCHIVES = (".zip", ".tgz", ".tar.gz", ".tar")


@contextmanager
def opened(
    url: str,
    source: str | None,
    work: Path,
    inner: tuple[str, ...] = (),
    within: tuple[str, ...] = (),
) -> Iterator[Path]:
    """The folder a dataset's files lie in, somewhere below.

    Args:
        url: of the archive, fetched into `work` once and kept there.
        source: an archive or a folder to read instead; nothing is fetched then.
        work: kept across runs. What is unpacked here is removed at the end.
        inner: endings of the names of archives inside the archive that are wanted as well.
        within: endings of what is wanted of those.

    Raises:
        UserError: `source` is not there, or what was fetched is not what it should be.
    """
    remedy = "name another as download.source in params.yaml"
    if source is None:
        found = fetch(Remote(url), work)
        remedy = "delete it and run again"
    else:
        found = there(source)
    if found.is_dir():
        packed = files(found, *inner) if inner else []
        # Who unpacked them by hand has left them where they were.
        if packed and not files(found, *within):
            raise UserError(
                f"{packed[0]} is still packed; unpack it and the others there "
                f"({', '.join(path.name for path in packed)}), or name the archive they came in"
            )
        yield found
        return
    log.info("unpacking %s", found.name)
    work.mkdir(parents=True, exist_ok=True)
    # A folder of its own: another experiment may be at work on the same archive.
    with TemporaryDirectory(dir=work, prefix=f"{found.name}.", suffix=".unpacked") as own:
        folder = Path(own) / "files"
        unpack(found, folder, remedy)
        for archive in files(folder, *inner) if inner else ():
            whole = f"it came in {found}: {remedy}"
            unpack(archive, archive.with_name(f"{archive.name}.unpacked"), whole)
            archive.unlink()
        yield folder


def there(source: str) -> Path:
    """A folder or archive that a recipe names. Raises UserError where it is neither."""
    found = Path(source).expanduser()
    if not found.exists():
        raise UserError(
            f"params.yaml: download.source: {source} does not exist; name the archive or the "
            "folder it was unpacked to, or null to fetch it"
        )
    if not found.is_dir() and not found.name.lower().endswith(ARCHIVES):
        raise UserError(f"{found}: neither a folder nor an archive ({', '.join(ARCHIVES)})")
    return found


def copied(path: Path, place: Path) -> None:
    """Copy a file, whole or not at all."""
    with replacing(place, path.stat().st_size) as temporary:
        shutil.copyfile(path, temporary)


def files(folder: Path, *endings: str) -> list[Path]:
    """Files below a folder whose names end so, in order; not those hidden, and not those that macOS
    leaves in archives.

    endings: in small letters, whatever the capitals of the names.
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name.lower().endswith(endings)
        and not any(
            part.startswith(".") or part == "__MACOSX" for part in path.relative_to(folder).parts
        )
    )
