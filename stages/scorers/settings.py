"""params.yaml: models, what turns a video's inputs into scores.

An entry has a kind, the inputs it is fed, and the kind's own hyperparameters. Nothing here imports
torch: every command checks params.yaml, and few of them train.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import Field, model_validator

from stages import section
from stages.errors import UserError
from stages.scorers.entry import Entry as Entry
from stages.scorers.entry import Input as Input
from stages.scorers.peers.settings import (
    A2SummEntry,
    ClipItEntry,
    CstaEntry,
    DsnetEntry,
    MsvaEntry,
    PglSumEntry,
    SspvsEntry,
    VasnetEntry,
)
from stages.section import PARAMS, Positive


class GlobalAttentionEntry(Entry):
    """LLMVS's own: self-attention over all frames of a video (section 3.3)."""

    kind: Literal["global-attention"]
    width: Annotated[int, Field(ge=16, multiple_of=16)]
    layers: Positive
    heads: Positive
    feedforward: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        return self


class MlpEntry(Entry):
    """The same without attention: a frame at a time (the paper's Table 2)."""

    kind: Literal["mlp"]
    width: Annotated[int, Field(ge=16, multiple_of=16)]


class RepresentativeEntry(Entry):
    """Frames that stand for much of the video, by image features; nothing is learnt."""

    kind: Literal["representative"]
    inputs: tuple[Literal["image"]]


Kinds = (
    GlobalAttentionEntry
    | MlpEntry
    | RepresentativeEntry
    | VasnetEntry
    | PglSumEntry
    | MsvaEntry
    | DsnetEntry
    | CstaEntry
    | A2SummEntry
    | SspvsEntry
    | ClipItEntry
)
"""The entry of each kind there is."""

Model = Annotated[Kinds, Field(discriminator="kind")]

E = TypeVar("E", bound=Entry)


def hyperparameters(kind: type[Entry]) -> set[str]:
    """What an entry of a kind has beside what every entry has."""
    return set(kind.model_fields) - set(Entry.model_fields)


def overridden(
    entry: E, scorer: Mapping[str, Any], place: str = "train.scorer", *, alone: bool = False
) -> E:
    """An entry with the hyperparameters that a recipe's `train.scorer` sets for its kind.

    Args:
        entry: of `models`.
        scorer: hyperparameters by name; those that this entry's kind lacks and another has are
            left to that one.
        place: where `scorer` stands in params.yaml, for messages.
        alone: it is for this entry and no other, so that the entry must have what it sets.

    Raises:
        UserError: a key that is no kind's hyperparameter, or a value that the kind refuses, by its
            path.
    """
    own = hyperparameters(type(entry))
    known = own if alone else own.union(*map(hyperparameters, get_args(Kinds)))
    if unknown := [key for key in scorer if key not in known]:
        whose = f"{entry.kind} has no" if alone else "no kind of scorer has"
        raise UserError(
            f"{PARAMS}: {place}.{unknown[0]}: {whose} such {'' if alone else 'a '}hyperparameter "
            f"(there are {', '.join(sorted(known))})"
        )
    if not (alone or entry.resized):
        return entry
    chosen = {key: value for key, value in scorer.items() if key in own}
    found: E = section.validated(type(entry), dict(entry) | chosen, str(PARAMS), place)
    return found
