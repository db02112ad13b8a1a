"""params.yaml: datasets.D.caption, what frames are described by and how it is asked."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from stages.section import Dtype, Positive, Rising, Section, Text, Unit

Region = Literal["general", "centre", "background"]
Framing = Literal["pad", "crop"]
"""What a captioner sees of a frame: all of it within a square, or the middle alone."""


class TagCaption(Section):
    captioner: Literal["imagenet-tags"]
    labels: Annotated[int, Field(ge=1, le=10)]
    min_probability: Unit
    batch: Positive


class CaptionPrompts(Section):
    """What a multimodal LLM can be asked of a frame. ``{lowest}`` and ``{highest}`` in `direct`."""

    general: Text
    centre: Text
    background: Text
    direct: Text

    @field_validator("*")
    @classmethod
    def _leaves_the_image_to_the_template(cls, words: str) -> str:
        if "<image>" in words:
            raise ValueError("must not hold <image>: the chat template shows the image itself")
        return words


class ImageTextCaption(Section):
    """A multimodal LLM of transformers, LLaVA-1.5 in the paper.

    `framing`: what it sees of a frame (`stages.captioners.framing`).
    `describe` names the prompts whose answers, end to end, make a caption. With `direct` the model
    is also asked for the score itself, on `scale`, as `answer` shows it.
    """

    captioner: Literal["llava"]
    model: Text
    revision: str | None
    framing: Framing
    describe: Annotated[tuple[Region, ...], Field(min_length=1)]
    direct: bool
    prompts: CaptionPrompts
    scale: Rising
    answer: Text
    max_new_tokens: Positive
    dtype: Dtype
    batch: Positive

    @model_validator(mode="after")
    def _asks_what_can_be_read(self) -> Self:
        if len(set(self.describe)) != len(self.describe):
            raise ValueError("describe names a prompt twice")
        if "{score}" not in self.answer:
            raise ValueError("answer must contain the placeholder {score}")
        return self


class ImageCaption(Section):
    """A model of transformers that says what it sees, unasked: BLIP and its like.

    beams: of the search for the likeliest words; 1 is greedy.
    """

    captioner: Literal["blip"]
    model: Text
    revision: str | None
    beams: Positive
    max_new_tokens: Positive
    dtype: Dtype
    batch: Positive


CaptionSettings = Annotated[
    TagCaption | ImageTextCaption | ImageCaption, Field(discriminator="captioner")
]
