"""params.yaml: datasets.D.finetune, how a frozen model learns to say people's scores."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stages.section import Count, Positive, Section, Text
from stages.splits.settings import Protocol

Row = Literal["zero-shot*", "direct*"]
"""The LLM that judges captions, and the captioner that is asked for the score itself."""


class Lora(Section):
    """Low-rank adaptation (Hu et al., arXiv 2106.09685): `alpha / rank` times a product of rank
    `rank` is added to linear maps of these names in each layer of the language model, or in its
    last `layers` alone.
    """

    rank: Positive
    alpha: Annotated[float, Field(gt=0)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    modules: Annotated[tuple[Text, ...], Field(min_length=1)]
    layers: Positive | None


class Finetune(Section):
    """Which rows are fine-tuned, on what, and how.

    `target`: the number that is to be said of a frame. score: people's mean laid on the scale;
    rank: the share of its video's frames that people's mean puts lower, laid on the scale, so that
    every number is about as frequent, but for ties, which have the lowest number of theirs (of
    SumMe's frames 38 % have 1 of 1 to 5). `frames`: drawn of each training video for an epoch;
    None: all. `lr` falls in a straight line to 0. `save`: steps after which the work store has what
    a stopped run goes on from. `embed`, `caption`: what is set otherwise than in those sections.
    """

    rows: tuple[Row, ...] = ()
    target: Literal["score", "rank"]
    lora: Lora
    lr: Annotated[float, Field(gt=0)]
    clip: Annotated[float, Field(gt=0)]
    epochs: Positive
    frames: Positive | None
    batch: Positive
    accumulate: Positive
    checkpointing: bool
    save: Positive
    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    embed: dict[str, Any] = Field(default_factory=dict)
    caption: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_nothing_twice(self) -> Self:
        for key in ("rows", "protocols", "seeds"):
            named = getattr(self, key)
            if len(set(named)) != len(named):
                raise ValueError(f"{key} names one twice")
        return self
