"""params.yaml: datasets.D.splits, which videos train and which test."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.section import Section

Protocol = Literal["official", "strict"]
Source = Literal["drawn", "summe", "tvsum"]


class Splits(Section):
    """Protocols in the order they are reported, the lists they take, and how many folds."""

    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]
    source: Source
    folds: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _no_protocol_twice(self) -> Self:
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("protocols names one twice")
        return self
