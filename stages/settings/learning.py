"""params.yaml: train, evaluate and models, what is learnt and how it is judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.settings.section import Count, Positive, Section


class Schedule(Section):
    """Cosine learning rate: from `lr` to `floor` in `period` epochs, then back up."""

    period: Positive
    floor: Annotated[float, Field(ge=0)]


class Train(Section):
    protocols: Annotated[tuple[Literal["official", "strict"], ...], Field(min_length=1)]
    splits: Literal["drawn", "summe", "tvsum"]
    folds: Annotated[int, Field(ge=2)]
    validation: Annotated[float, Field(ge=0, lt=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    width: Annotated[int, Field(ge=16, multiple_of=16)]
    layers: Positive
    heads: Positive
    feedforward: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Schedule | None
    clip: Annotated[float, Field(gt=0)] | None
    epochs: Positive
    batch: Positive
    accumulate: Positive
    standardise: bool

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        if len(set(self.protocols)) != len(self.protocols):
            raise ValueError("protocols names one twice")
        return self


class Evaluate(Section):
    agreement: Literal["scores", "summary"]
    f1: Literal["mean", "max"]
    budget: Annotated[float, Field(gt=0, lt=1)]
    random_seeds: Positive
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Model(Section):
    """A row of the comparison that differs in the trained part alone."""

    title: str
    inputs: Literal["both", "query", "answer"]
    attention: bool
