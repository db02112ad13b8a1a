"""What a head that is given away says of itself: what it learnt from, and what it wants to be fed.

NAME.json beside NAME.safetensors is `Card` as it stands below, field by field; NAME.md is the same
for people (`stages.shipping.prose`).
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stages.errors import UserError
from stages.scorers.settings import Input
from stages.section import Sha256, fault

SUFFIX = ".json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Part):
    """A mean over videos and its interval; None where one video gives none."""

    mean: float
    low: float | None
    high: float | None


class Floor(_Part):
    """What constant scores earn where the measure gives them anything."""

    tau: float
    rho: float


class Expected(_Part):
    """What the folds of a dataset say of heads of this kind, each trained on the other folds.

    Of the protocol strict, the mean of so many seeds; interval: share of confidence. floor: None
    where it is 0. same_files: whether the folds' timeline, people and embeddings are the files
    that the head learnt from, to the byte.
    """

    videos: int
    seeds: int
    confidence: float
    tau: Figure
    rho: Figure
    floor: Floor | None
    same_files: bool


class Source(_Part):
    """A dataset that a head learnt from, whole.

    annotations, captions: where they come from, and on what terms. files: sha256 of what was read,
    by its path in the dataset's folder.
    """

    dataset: str
    title: str
    simulated: bool
    benchmark: str | None
    videos: int
    frames: int
    annotations: str
    captions: str
    files: dict[str, Sha256]
    expected: Expected


class Card(_Part):
    """A head's card.

    weights: sha256 of its file. row: the entry of params.yaml: models that it is. inputs: what it
    is fed, in order. captioner: who wrote the captions, and caption: the recipe's section where
    they were made here. llm: what identifies its weights. embed, train: the recipes' sections.
    fingerprint: of all in `embed` that decides an embedding. device, torch: what trained it.
    """

    name: str
    weights: Sha256
    row: str
    title: str
    kind: str
    inputs: tuple[Input, ...]
    architecture: dict[str, Any]
    captioner: str
    caption: dict[str, Any] | None
    llm: dict[str, str]
    fingerprint: Sha256
    embed: dict[str, Any]
    train: dict[str, Any]
    seed: int
    device: str
    torch: str
    sources: tuple[Source, ...] = Field(min_length=1)

    @property
    def videos(self) -> int:
        return sum(source.videos for source in self.sources)

    @property
    def frames(self) -> int:
        return sum(source.frames for source in self.sources)


def text(card: Card) -> str:
    """What NAME.json holds. The same card gives the same bytes."""
    said = card.model_dump(mode="json")
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(path: Path) -> Card:
    """A head's card. Raises UserError naming the file that is missing or something else."""
    try:
        return Card.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(
            f"{path} not found; a head's card lies beside its weights, as `llmvs head train` wrote "
            "both"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{path}: is no card of a head ({fault(error)}); `llmvs head train` writes one"
        ) from error
