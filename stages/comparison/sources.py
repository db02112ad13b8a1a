"""The artifacts of a revision as files, without a checkout.

What a revision shares with the workspace is read where it lies; the rest is copied out of DVC's
cache into a folder that the caller drops.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.experiments.revisions import HERE, Revision
from stages.reporting.videos import Sources


def _hashes(revision: Revision) -> dict[str, str]:
    """Every file that dvc.lock of the revision records, with its hash."""
    stages: Mapping[str, Any] = revision.document("dvc.lock").get("stages", {})
    return {
        entry["path"]: entry.get("md5", "")
        for stage in stages.values()
        for part in ("deps", "outs")
        for entry in stage.get(part, ())
    }


def files(revision: Revision, dataset: str, model: str, folder: Path) -> Sources:
    """What the stages made of a dataset at a revision; `folder` takes what must be copied.

    Raises UserError naming the file that neither the workspace nor DVC's cache holds.
    """
    here = Sources.under(Path("data"), dataset)
    if revision.commit is None:
        return here
    theirs, ours = _hashes(revision), _hashes(HERE)
    copied = Sources.under(folder, dataset)
    places: dict[Path, Path] = {}
    for path, target in zip(here.files([model]), copied.files([model]), strict=True):
        name = path.as_posix()
        if name in theirs and theirs[name] == ours.get(name) and path.is_file():
            places[path] = path
        else:
            places[path] = _copied(revision, name, target)
    predictions = places[here.predictions / f"{model}.h5"].parent
    return Sources(
        annotations=places[here.annotations],
        frames=places[here.frames],
        captions=places[here.captions],
        embeddings=places[here.embeddings],
        predictions=predictions,
    )


def _copied(revision: Revision, path: str, target: Path) -> Path:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        DVCFileSystem(rev=revision.commit).get_file(path, str(target))
    except (OSError, DvcException) as error:
        raise UserError(
            f"{revision.name}: {path} is not in DVC's cache ({error}); run the experiment again, "
            "or fetch it (`dvc pull`) where it was pushed"
        ) from error
    return target
