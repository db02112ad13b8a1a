"""params.yaml: caption and embed, what the frozen models are and are asked."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.settings.section import Count, Dtype, Positive, Section, Text, Unit

Region = Literal["general", "centre", "background"]


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


class ImageTextCaption(Section):
    """A multimodal LLM of transformers, LLaVA-1.5 in the paper.

    `describe` names the prompts whose answers, end to end, make a caption. With `direct` the model
    is also asked for the score itself, on `scale`, as `answer` shows it.
    """

    captioner: Literal["llava"]
    model: Text
    revision: str | None
    describe: Annotated[tuple[Region, ...], Field(min_length=1)]
    direct: bool
    prompts: CaptionPrompts
    scale: tuple[int, int]
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
        _rising(self.scale)
        return self


CaptionSettings = Annotated[TagCaption | ImageTextCaption, Field(discriminator="captioner")]


class Example(Section):
    """One in-context example: the captions of a window, the score they deserve, and a summary of
    them for the prompt that asks for one.
    """

    captions: Annotated[tuple[str, ...], Field(min_length=1)]
    score: float
    summary: str | None = None


class Shown(Section):
    """Which examples are shown: `count` of those written out, or of frames drawn from each split's
    training videos with people's scores, and then embeddings differ by split.
    """

    source: Literal["written", "training"]
    count: Count
    seed: Count


class Summary(Section):
    """The prompt that asks for a summary instead of a score: its words are not read, its states
    are. ``{summary}`` in the answer.
    """

    instruction: Text
    query: Text
    answer: Text
    max_new_tokens: Positive


class Prompt(Section):
    """Instruction, examples, query. Placeholders: ``{lowest}``, ``{highest}`` in the
    instruction; ``{window}`` (the captions of the window, one a line) and ``{caption}`` (the
    central one) in the query; ``{score}`` in the answer.
    """

    task: Literal["score", "summary"]
    scale: tuple[int, int]
    instruction: str
    query: str
    answer: str
    summary: Summary | None
    shown: Shown
    examples: tuple[Example, ...]

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        wanted = {"query": ("{window}", "{caption}"), "answer": ("{score}",)}
        for key, names in wanted.items():
            for name in names:
                if name not in getattr(self, key):
                    raise ValueError(f"{key} must contain the placeholder {name}")
        _rising(self.scale)
        low, high = self.scale
        for number, example in enumerate(self.examples):
            if not low <= example.score <= high:
                raise ValueError(f"examples.{number}.score must lie on the scale {low} to {high}")
        return self

    @model_validator(mode="after")
    def _shows_what_there_is(self) -> Self:
        if self.shown.source == "written" and self.shown.count > len(self.examples):
            raise ValueError(
                f"shown.count asks for {self.shown.count} examples, and {len(self.examples)} are "
                "written out under examples"
            )
        return self

    @model_validator(mode="after")
    def _summary_is_complete(self) -> Self:
        if self.task == "score":
            return self
        if self.summary is None:
            raise ValueError("task: summary needs the words under prompt.summary")
        for key, name in (("query", "{window}"), ("answer", "{summary}")):
            if name not in getattr(self.summary, key):
                raise ValueError(f"summary.{key} must contain the placeholder {name}")
        if self.shown.source == "training" and self.shown.count:
            raise ValueError(
                "people wrote no summaries of training videos: with task: summary, "
                "shown.source must be written"
            )
        for number, example in enumerate(self.examples if self.shown.count else ()):
            if example.summary is None:
                raise ValueError(f"task: summary needs examples.{number}.summary")
        return self


class Embed(Section):
    """What the frozen LLM is, what it is asked, and which of its states are kept.

    `edges`: what stands where a window reaches beyond its video. `layer`: the states after the
    final norm, before it, or the outputs of the language-model head. `stop`: an answer ends with
    the model's turn, or as soon as its score is complete.
    """

    llm: Text
    revision: str | None
    dtype: Dtype
    window: Positive
    edges: Literal["truncate", "repeat", "mirror"]
    layer: Literal["norm", "last_layer", "lm_head"]
    pooling: Literal["max", "mean"]
    stop: Literal["score", "turn"]
    max_new_tokens: Positive
    token_budget: Positive
    prompt: Prompt

    @model_validator(mode="after")
    def _window_is_odd(self) -> Self:
        if self.window % 2 == 0:
            raise ValueError(f"window must be odd to have a central frame, got {self.window}")
        return self


def _rising(scale: tuple[int, int]) -> None:
    low, high = scale
    if low >= high:
        raise ValueError(f"scale must be [lowest, highest], got [{low}, {high}]")
