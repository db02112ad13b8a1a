"""params.yaml: datasets.D.evaluate, how scores are judged."""

from typing import Annotated, Literal

from pydantic import Field

from stages.section import Positive, Section


class Evaluate(Section):
    agreement: Literal["scores", "summary"]
    f1: Literal["mean", "max"]
    budget: Annotated[float, Field(gt=0, lt=1)]
    random_seeds: Positive
    bootstrap: Annotated[int, Field(ge=100)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
