"""params.yaml: datasets.D.evaluate, how scores are judged."""

import operator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.section import Count, Positive, Section


class Evaluate(Section):
    """highlights: frames of a segment, where the dataset's measure has MAP50 and MAP15 besides.
    beyond: frames after a shot's end that its worth takes in, where the dataset's authors do so.
    Neither is written out where it is not set, so that results from before there was a choice are
    known.
    """

    agreement: Literal["scores", "summary"]
    f1: Literal["mean", "max"]
    budget: Annotated[float, Field(gt=0, lt=1)]
    random_seeds: Positive
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    highlights: Annotated[Positive | None, Field(exclude_if=operator.not_)] = None
    beyond: Annotated[Count, Field(exclude_if=operator.not_)] = 0

    @model_validator(mode="after")
    def _highlights_are_of_scores(self) -> Self:
        if self.highlights is not None and self.agreement != "scores":
            raise ValueError("highlights: are found by people's scores; set agreement: scores")
        return self

    @model_validator(mode="after")
    def _beyond_is_of_scores(self) -> Self:
        # Where an epoch is chosen by summaries, it would have to be chosen anew.
        if self.beyond and self.agreement != "scores":
            raise ValueError("beyond: goes with people's scores alone; set agreement: scores, or 0")
        return self
