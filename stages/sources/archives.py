"""Archives unpacked without letting a path escape."""

import gzip
import lzma
import shutil
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

from stages.errors import UserError
from stages.work.files import explained, make_room

DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
)
"""What reading a damaged archive raises."""


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            destination = (folder / member.filename).resolve()
            mode = member.external_attr >> 16
            if not destination.is_relative_to(folder.resolve()) or (mode & 0o170000) == 0o120000:
                raise UserError(
                    f"{archive}: member {member.filename!r} would leave the folder it is unpacked "
                    "into; this is not the archive it should be, fetch it anew"
                )
        make_room(folder, sum(member.file_size for member in opened.infolist()))
        opened.extractall(folder)


def _unpack_tar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:*") as opened:
        opened.extractall(folder, filter="data")
        # Its end says whether what was read is right, and lies behind the last member.
        while opened.fileobj is not None and opened.fileobj.read(1 << 20):
            pass


def unpack(archive: Path, folder: Path, remedy: str = "delete it and run again") -> None:
    """Unpack a .zip, .tgz or .tar.gz into `folder`, whole or not at all.

    remedy: for one that is damaged.

    Raises UserError where the archive is damaged, of another kind, or has a member whose path
    leaves the folder (absolute, through .., or through a link).
    """
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with explained(folder):
            if archive.name.lower().endswith(".zip"):
                _unpack_zip(archive, partial)
            else:
                _unpack_tar(archive, partial)
    except tarfile.FilterError as error:
        raise UserError(
            f"{archive}: {error}; a member would leave the folder it is unpacked into, so this "
            "is not the archive it should be; fetch it anew"
        ) from error
    except RuntimeError as error:  # Deflate64, a password
        raise UserError(
            f"{archive}: {error}; unpack it yourself, and name the folder in its place"
        ) from error
    except DAMAGED as error:
        raise UserError(f"{archive} is damaged or not an archive ({error}); {remedy}") from error
    finally:
        if sys.exc_info()[0] is not None:
            shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
