"""params.yaml: datasets.D.embed, the frozen LLM, its prompt, and which of its states are kept."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.section import Count, Dtype, Odd, Positive, Rising, Section, Text


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

    @property
    def drawn(self) -> bool:
        """Whether any are drawn, so that every split has prompts and embeddings of its own."""
        return self.source == "training" and self.count > 0


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
    scale: Rising
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
        if self.shown.drawn:
            raise ValueError(
                "people wrote no summaries of training videos: with task: summary, "
                "shown.source must be written"
            )
        for number, example in enumerate(self.examples if self.shown.count else ()):
            if example.summary is None:
                raise ValueError(f"task: summary needs examples.{number}.summary")
        return self


class Readout(Section):
    """Which states are kept: those after the final norm, before it, or the outputs of the
    language-model head, pooled over tokens.
    """

    layer: Literal["norm", "last_layer", "lm_head"]
    pooling: Literal["max", "mean"]


class Embed(Readout):
    """What the frozen LLM is, what it is asked, and which of its states are kept.

    `dtype`: of weights and matrix products; what is kept is float32. In bfloat16 a CPU adds up and
    normalises in float32 (`stages.llm.packing`), a GPU in bfloat16. `edges`: what stands where a
    window reaches beyond its video. `also`: readouts that the same pass leaves in the work store,
    for a recipe that asks for them; the stage's file holds none. `stop`: an answer ends with the
    model's turn, or as soon as its score is complete.
    """

    llm: Text
    revision: str | None
    dtype: Dtype
    window: Odd
    edges: Literal["truncate", "repeat", "mirror"]
    also: tuple[Readout, ...] = ()
    stop: Literal["score", "turn"]
    max_new_tokens: Positive
    token_budget: Positive
    prompt: Prompt

    @property
    def longest_answer(self) -> int:
        """Tokens that an answer may have, its end included."""
        if self.prompt.task == "summary" and self.prompt.summary is not None:
            return self.prompt.summary.max_new_tokens
        return self.max_new_tokens
