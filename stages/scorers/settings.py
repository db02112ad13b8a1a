"""params.yaml: models, what turns a video's inputs into scores.

An entry has a kind, the inputs it is fed, and the kind's own hyperparameters.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.section import Positive, Section

Input = Literal["query", "answer", "image"]
"""What a scorer can be fed: the LLM's states of a frame's query and of its answer, and the image
encoder's features of the frame.
"""


class Entry(Section):
    """What every kind's entry has: a title for tables, and the inputs in order."""

    title: str
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_input_twice(self) -> Self:
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError("inputs names one twice")
        return self


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


Model = Annotated[GlobalAttentionEntry | MlpEntry, Field(discriminator="kind")]
