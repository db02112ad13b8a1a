"""What was made of films of one's own: summaries.json, a line of which is a film's."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from stages.artifacts import text
from stages.errors import UserError, anew
from stages.section import Sha256, fault
from stages.work.files import replacing

SUMMARIES = "summaries.json"

_AGAIN = anew("skim")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Made(_Part):
    """A file, by its name in the folder of skims."""

    name: str
    sha256: Sha256


class Summarised(_Part):
    """One film: seconds it lasts and its summary does, its shots and those that were kept.

    page: its page. skim: None where none was asked for. damage: what ended decoding early.
    """

    film: str
    seconds: float
    kept_seconds: float
    shots: int
    kept_shots: int
    page: Made
    skim: Made | None
    damage: str | None


class Summaries(_Part):
    """A recipe's films in their order, and what made their summaries, in words."""

    title: str
    length: str
    scored_by: str
    captions_by: str
    films: tuple[Summarised, ...]


def write(path: Path, summaries: Summaries) -> None:
    """Whole or not at all. The same summaries give the same bytes."""
    document = summaries.model_dump(mode="json")
    with replacing(path) as temporary:
        said = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(said + "\n", encoding="utf-8")


def read(path: Path) -> Summaries:
    """Raises UserError naming the file where it is missing or something else."""
    try:
        return Summaries.model_validate(json.loads(text.read(path, _AGAIN)))
    except ValueError as error:
        raise UserError(
            f"{path}: not what the skim stage writes now ({fault(error)}); {_AGAIN}"
        ) from error
