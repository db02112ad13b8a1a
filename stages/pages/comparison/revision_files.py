"""The files of a dataset at a revision, without a checkout.

What a revision shares with the workspace is linked to where it lies; the rest is copied out of
DVC's cache. Both into a folder that the caller drops.
"""

from collections.abc import Iterable
from pathlib import Path

from stages.artifacts.places import Places
from stages.errors import UserError
from stages.experiments.revisions import HERE, Revision
from stages.params import Recipe

DATA = Path("data")


def files(revision: Revision, dataset: str, recipe: Recipe, row: str, folder: Path) -> Places:
    """What the stages made of a dataset at a revision; `folder` takes what must be copied.

    Pictures are not among it. Raises UserError naming the file that neither the workspace nor
    DVC's cache holds.
    """
    here = Places(DATA / dataset)
    if revision.commit is None:
        return here
    theirs, ours = _hashes(revision), _hashes(HERE)
    copied = Places(folder / dataset)
    for place in _needed(here, recipe, row):
        target = copied.folder / place.relative_to(here.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if place.is_file() and _same(place, theirs, ours):
            target.symlink_to(place.resolve())
        else:
            _copy(revision, place.as_posix(), target)
    return copied


def _needed(here: Places, recipe: Recipe, row: str) -> Iterable[Path]:
    yield from (here.timeline, here.people)
    if recipe.given.kind == "scores":
        yield here.scores
        return
    yield from (here.predictions(row), here.curves(row))
    if recipe.given.kind == "features":
        return
    yield here.embeddings
    if recipe.given.kind != "embeddings":
        yield here.captions


def _hashes(revision: Revision) -> dict[str, str]:
    """Every file and folder that a revision's stages made, with its hash, by its path.

    What stages depended on says less: DVC keeps the entries of those that run no longer.
    """
    return {
        entry["path"]: entry.get("md5", "")
        for stage in revision.locked().values()
        for entry in stage.get("outs", ())
    }


def _same(place: Path, theirs: dict[str, str], ours: dict[str, str]) -> bool:
    """Whether both record the file, or a folder that it lies in, with one hash."""
    for path in (place, *place.parents):
        name = path.as_posix()
        if name in theirs and name in ours:
            return bool(theirs[name]) and theirs[name] == ours[name]
    return False


def _copy(revision: Revision, path: str, target: Path) -> None:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    try:
        DVCFileSystem(rev=revision.commit).get_file(path, str(target))
    except (OSError, DvcException) as error:
        raise UserError(
            f"{revision.name}: {path} is not in DVC's cache ({error}); run the experiment again, "
            "or fetch it (`dvc pull`) where it was pushed"
        ) from error
