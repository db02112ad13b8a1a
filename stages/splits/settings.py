"""params.yaml: datasets.D.splits, which videos train and which test."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.section import Section

Protocol = Literal["official", "strict", "fixed"]
Source = Literal["drawn", "summe", "tvsum", "published"]


class Splits(Section):
    """Protocols in the order they are reported, the lists they take, and how many folds.

    `fixed` is the one split that a dataset's authors published, and goes with no other.
    """

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]
    source: Source
    folds: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _no_protocol_twice(self) -> Self:
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("protocols names one twice")
        return self

    @model_validator(mode="after")
    def _a_published_split_is_one(self) -> Self:
        if ("fixed" in self.protocols) != (self.source == "published"):
            raise ValueError("the protocol fixed takes source published, and no other does")
        if self.source == "published" and (self.protocols, self.folds) != (("fixed",), 1):
            raise ValueError("a published split is one: protocols [fixed], folds 1")
        if self.source != "published" and self.folds < 2:
            raise ValueError(f"folds: must be >= 2, got {self.folds}")
        return self
