"""What a row of the comparison is fed in one dataset: a JSON file a row, which `train` depends on.

It names each file that the row's inputs are read from with its sha256, so it changes where one of
them does and not where another appears beside them; or it says what the row lacks, and why.
"""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.artifacts import text
from stages.errors import UserError, anew
from stages.section import fault
from stages.work.files import replacing

_AGAIN = anew("feeds")


class Feed(BaseModel):
    """files: sha256 by the file's name. lacks: by input, what would provide it; none where the row
    can be trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    files: dict[str, str]
    lacks: dict[str, str]

    @property
    def left_out(self) -> str | None:
        """Why the row is left out, in a sentence without its subject; None where it is not."""
        if not self.lacks:
            return None
        said = "; ".join(f"`{name}`, which it is fed, is lacking: {why}"
                         for name, why in self.lacks.items())  # fmt: skip
        return f"left out: {said}"


def write(path: Path, feed: Feed) -> None:
    """Whole or not at all."""
    with replacing(path) as temporary:
        said = json.dumps(feed.model_dump(mode="json"), indent=1, ensure_ascii=False)
        temporary.write_text(said + "\n", encoding="utf-8")


def read(path: Path) -> Feed:
    """Raises UserError where the file is missing, or another thing."""
    try:
        return Feed.model_validate_json(text.read(path, _AGAIN))
    except ValidationError as error:
        raise UserError(f"{path}: not what feeds writes now ({fault(error)}); {_AGAIN}") from error
