"""zero-shot*: the LLM that judges captions in their window, told by people's scores what to say."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from stages.artifacts.captions import Caption
from stages.captioners.captioner import Frame
from stages.errors import UserError
from stages.finetuning.cost import operations
from stages.finetuning.jobs import Job
from stages.finetuning.lessons import Floats
from stages.finetuning.pupil import Ids, Reader
from stages.finetuning.settings import Finetune
from stages.llm import context, weights
from stages.llm.blueprint import Blueprint
from stages.llm.examples import Examples, JudgedCaptions, drawn, written
from stages.llm.prompt import query_texts
from stages.llm.reader import read_videos
from stages.llm.settings import Embed
from stages.work import architecture, hub
from stages.work.burden import Burden
from stages.work.store import Store
from stages.work.tokens import as_text

log = logging.getLogger("llmvs")


@dataclass(frozen=True)
class Judge:
    """How the LLM is asked; an `examinee.Examinee`.

    settings: the recipe's `embed` as it is asked here. words: each video's captions in order.
    examples: shown before every query.
    """

    settings: Embed
    words: Mapping[str, Sequence[str]]
    examples: Examples

    @property
    def scale(self) -> tuple[int, int]:
        return self.settings.prompt.scale

    @property
    def template(self) -> str:
        return self.settings.prompt.answer

    @cached_property
    def _blueprint(self) -> Blueprint:
        return Blueprint.of(self.settings, self.examples)

    @cached_property
    def _queries(self) -> dict[str, list[str]]:
        return {video: query_texts(self.settings, of) for video, of in self.words.items()}

    def determinants(self) -> dict[str, Any]:
        return {
            "weights": weights.identity(self.settings.llm, self.settings.revision),
            "dtype": self.settings.dtype,
            "ends": self._blueprint.ends,
        }

    def prompt(self, frame: Frame) -> Ids:
        """The prompt's token ids, the instruction and the opening of the model's turn included."""
        layout = self._blueprint.layout
        query = layout.query(self._queries[frame.video][frame.index])
        return (*layout.prefix, *query, *layout.closing)

    def content(self, frame: Frame) -> Ids:
        return self.prompt(frame)

    def loader(self) -> "JudgeLoader":
        embed = self.settings
        tokenizer, ends = self._blueprint.layout.tokenizer, self._blueprint.ends
        if not ends:
            raise UserError(
                f"{embed.llm}: its tokenizer names no end of a turn, so no answer can be ended; "
                "name an instruct model"
            )
        end = tokenizer.eos_token_id if tokenizer.eos_token_id in ends else ends[0]
        return JudgeLoader(hub.anywhere(embed.llm), embed.revision, embed.dtype, tokenizer, end)

    def replies(
        self, videos: Sequence[str], adapter: bytes, store: Store
    ) -> tuple[dict[str, list[str]], list[str]]:
        read, keys = read_videos(
            {video: self.words[video] for video in videos},
            self.settings,
            self.examples,
            store,
            adapter,
        )
        return {video: of.replies for video, of in read}, keys

    def burden(self, frames: int, settings: Finetune) -> Burden | None:
        name, revision = self.settings.llm, self.settings.revision
        folder = weights.fetch_small(name, revision)
        try:
            config = architecture.configuration(name, revision, weights.KIND, folder)
            model = architecture.language(name, config)
        except UserError as error:
            log.info("how long it takes cannot be told: %s", error)
            return None
        middles = [Frame(video, len(words) // 2) for video, words in self.words.items()]
        tokens = sum(len(self.prompt(frame)) for frame in middles) / len(middles)
        return Burden(
            *(name, "finetune.embed.llm", model.parameters, self.settings.dtype),
            *(frames, "frames to learn from", frames * operations(model, tokens, settings)),
        )


def judges(
    settings: Embed,
    said: Mapping[str, Sequence[Caption]],
    people: Mapping[str, Floats],
    jobs: Sequence[Job],
) -> dict[Job, Judge]:
    """The LLM as each job has it asked: of examples, where they are drawn, those of the split's
    training videos.

    Args:
        settings: the recipe's `embed` as it is asked here.
        said: captions of every video.
        people: mean scores (T,) of every video.

    Raises:
        UserError: as `context.check` and `examples.drawn`.
    """
    words = {video: [frame.caption for frame in frames] for video, frames in said.items()}
    shown: dict[Job, Examples] = {}
    for job in jobs:
        if settings.prompt.shown.source == "written":
            shown[job] = written(settings)
        else:
            training = {v: JudgedCaptions(words[v], people[v]) for v in job.split.train}
            shown[job] = drawn(training, settings)
    context.check(said, settings, list(dict.fromkeys(shown.values())))
    made = {
        examples: Judge(settings, words, examples) for examples in dict.fromkeys(shown.values())
    }
    return {job: made[examples] for job, examples in shown.items()}


@dataclass(frozen=True)
class JudgeLoader:
    """Loads the LLM where it is to learn. end: the token that ends its turn."""

    llm: str
    revision: str | None
    dtype: str
    tokenizer: Any
    end: int

    def __call__(self) -> Reader:
        model = weights.model(self.llm, self.revision, weights.dtype_of(self.dtype))
        return _JudgeReader(self.llm, model, self.tokenizer, self.end)


class _JudgeReader:
    def __init__(self, name: str, model: Any, tokenizer: Any, end: int) -> None:
        self.name, self.model = name, model
        self._tokenizer, self._end = tokenizer, end

    def read(self, prompts: Sequence[Ids], /) -> tuple[list[Ids], Mapping[str, Tensor]]:
        return list(prompts), {}

    def answer(self, text: str, /) -> Ids:
        return (*as_text(self._tokenizer, text), self._end)
