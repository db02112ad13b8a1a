"""What an engine is built from, and what of it decides the numbers.

Named by the recipe, filled in by the model's tokenizer and configuration alone: the weights are
wanted only where something is to be read.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from stages.errors import UserError
from stages.llm import engine, weights
from stages.llm.examples import Examples
from stages.llm.packing import pack
from stages.llm.prompt import Layout, layout
from stages.llm.readout import Kind, Layer, Pooling
from stages.llm.reply import completion
from stages.llm.settings import Embed
from stages.work import adapters, architecture, arithmetic
from stages.work.burden import Burden

log = logging.getLogger("llmvs")


@dataclass(frozen=True)
class Blueprint:
    """Everything an engine is built from, in a form that travels to another process.

    answer: the template whose score ends an answer; None where only the turn's end does.
    also: readouts beside its own, which decide nothing of it. adapter: what is added to the weights
    (`stages.work.adapters`); None: they are as they were published.
    """

    llm: str
    revision: str | None
    dtype: str
    layout: Layout
    ends: tuple[int, ...]
    max_new_tokens: int
    answer: str | None
    layer: Layer
    pooling: Pooling
    also: tuple[Kind, ...] = ()
    adapter: bytes | None = None

    @classmethod
    def of(cls, embed: Embed, examples: Examples, adapter: bytes | None = None) -> "Blueprint":
        """Fetch the tokenizer and configuration of what `embed` names, and lay its prompt out.

        Raises UserError where it cannot.
        """
        tokenizer = weights.tokenizer(embed.llm, embed.revision)
        folder = weights.fetch_small(embed.llm, embed.revision)
        prompt = embed.prompt.model_copy(update={"examples": examples})
        scored = prompt.task == "score" and embed.stop == "score"
        # The recipe of a row of an ablation may ask for what another keeps beside.
        also = dict.fromkeys(Kind(each.layer, each.pooling) for each in embed.also)
        also.pop(Kind(embed.layer, embed.pooling), None)
        return cls(
            embed.llm,
            embed.revision,
            embed.dtype,
            layout(tokenizer, prompt),
            weights.ends_of_turn(folder, tokenizer),
            embed.longest_answer,
            prompt.answer if scored else None,
            embed.layer,
            embed.pooling,
            tuple(also),
            adapter,
        )

    def determinants(self) -> dict[str, Any]:
        """What, beside its queries, decides a batch's numbers."""
        adapted = {} if self.adapter is None else {"adapter": adapters.identity(self.adapter)}
        return adapted | {
            "stage": "embed",
            "algorithm": engine.VERSIONS[self.dtype],
            "weights": weights.identity(self.llm, self.revision),
            "dtype": self.dtype,
            "prefix": self.layout.prefix,
            "closing": self.layout.closing,
            "draft": self.layout.draft,
            "ends": self.ends,
            "max_new_tokens": self.max_new_tokens,
            "complete": self.answer,
            "layer": self.layer,
            "pooling": self.pooling,
        }

    def siblings(self) -> dict[str, "Blueprint"]:
        """The blueprints that differ by readout alone, by the readout's name."""
        return {
            str(kind): replace(self, layer=kind.layer, pooling=kind.pooling, also=())
            for kind in self.also
        }

    def burden(self, lengths: Mapping[int, int]) -> Burden | None:
        """What reading queries asks of a machine, without their answers' ends: how many there are
        of so many tokens.

        None, and a word in the log, where the model's configuration does not tell.
        """
        folder = weights.fetch_small(self.llm, self.revision)
        try:
            config = architecture.configuration(self.llm, self.revision, weights.KIND, folder)
            model = architecture.language(self.llm, config)
        except UserError as error:
            log.info("how long it takes cannot be told: %s", error)
            return None
        before, draft = len(self.layout.prefix), len(self.layout.draft)
        around = len(self.layout.closing) + draft
        operations = sum(
            count * model.operations(length + around, before, answers=draft + 1)
            for length, count in lengths.items()
        )
        return Burden(
            *(self.llm, "embed.llm", model.parameters, self.dtype),
            *(sum(lengths.values()), "prompts", operations),
        )

    def engine(self) -> engine.Engine:
        """The model, with the prefix read.

        Raises UserError where it cannot be had or used, or the memory is too small for the prefix.
        """
        model = weights.model(self.llm, self.revision, weights.dtype_of(self.dtype))
        if self.adapter is not None:
            model = adapters.merge(self.llm, model, self.adapter)
        model = pack(model)
        device = model.get_input_embeddings().weight.device
        if said := arithmetic.warning(self.dtype, device):
            log.warning("%s: embed.dtype: %s", self.llm, said)
        complete = None
        if self.answer is not None:
            decode, scored = self.layout.tokenizer.decode, completion(self.answer)

            def complete(tokens: Sequence[int], following: int) -> bool:
                return scored(decode(tokens), decode([*tokens, following]))

        try:
            return engine.Engine(
                model,
                self.layout.prefix,
                self.layout.closing,
                self.ends,
                self.max_new_tokens,
                self.layout.draft,
                complete,
                self.layer,
                self.pooling,
                self.also,
            )
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"{self.llm}: out of memory with the instruction and examples alone; free the GPU "
                "of others, or name a smaller model or dtype (embed), or fewer examples "
                "(embed.prompt.shown.count)"
            ) from error
