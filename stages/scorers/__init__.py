"""Inputs to scores, one kind a module."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stages.scorers.scorer import Scorer


def load_checkpoint(kind: str, path: Path | str) -> "Scorer":
    """The scorer of a checkpoint of ours, or as the kind's authors release it, ready to be asked.

    `stages.scorers.registry.load_checkpoint`; torch is imported when this is called.
    """
    from stages.scorers import registry

    return registry.load_checkpoint(kind, Path(path))
