"""What every entry of `models` in params.yaml has, whatever its kind."""

from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from stages.section import Section

Input = Literal["query", "answer", "image", "sentence", "pool5", "i3d-rgb", "i3d-flow", "clip"]
"""What a scorer can be fed: the LLM's states of a frame's query and of its answer; the image
encoder's features of the frame; a text model's vector of its caption; and features that others
made: the field's GoogLeNet pool5, MSVA's I3D of colour and of motion, CLIP's.
"""

INPUTS: tuple[Input, ...] = get_args(Input)


class Entry(Section):
    """What every kind's entry has: a title for tables, and the inputs in order.

    train: how it is trained where it is not as the recipe says (`stages.training.lesson`); no part
    of what the scorer is, and so of no dump.
    resized: whether a recipe's `train.scorer`, which is for all rows, sets its hyperparameters.
    """

    resized: ClassVar[bool] = True

    title: str
    kind: str
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)]
    train: dict[str, Any] = Field(default_factory=dict, exclude=True)

    @model_validator(mode="after")
    def _no_input_twice(self) -> Self:
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError("inputs names one twice")
        return self
