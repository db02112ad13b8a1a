"""One line of what `llmvs check` found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stages.errors import UserError

State = Literal["ok", "problem", "not yet known"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, and in a sentence why; of a problem, the remedy too."""

    subject: str
    state: State
    said: str


class NotYetError(Exception):
    """What is wanted is not here yet; the message says what will bring it."""


def found(subject: str, look: Callable[[], str]) -> Finding:
    """The finding of a look that returns what it saw, or raises UserError or NotYetError."""
    try:
        return Finding(subject, "ok", look())
    except NotYetError as waiting:
        return Finding(subject, "not yet known", str(waiting))
    except UserError as error:
        return Finding(subject, "problem", str(error))
