"""The frozen models that a recipe names, and how they stand on this machine."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.captioners import registry
from stages.captioners.settings import ImageTextCaption
from stages.encoders import images
from stages.finetuning import asked
from stages.llm import smollm2, weights
from stages.params import AnyRecipe, Recipe
from stages.sources.settings import Clip
from stages.work import hub
from stages.work.hub import Kind, Status


@dataclass(frozen=True)
class Frozen:
    """A model by name. kind: what is proposed in its place."""

    name: str
    revision: str | None
    kind: Kind

    def status(self) -> Status:
        """Look, without touching the network."""
        if self.name == smollm2.NAME:
            return weights.status(self.name)
        return hub.status(self.name, self.revision, self.kind)

    def access(self) -> None:
        """Raises UserError where the model is not here and may not be fetched, or not now."""
        elsewhere = self.name != smollm2.NAME and not hub.is_path(self.name)
        if elsewhere and not self.status().present:
            hub.access(self.name, self.revision, self.kind)

    def fetch(self) -> Path:
        """Where it is, once it is here. Raises UserError where it cannot be had."""
        if self.name == smollm2.NAME:
            return weights.fetch(self.name, self.revision)
        return hub.fetch(self.name, self.revision, self.kind)


def fetching(dataset: str, assignments: Sequence[str]) -> str:
    """The command that fetches a recipe's models, with its NAME=VALUE."""
    return shlex.join(["llmvs", "weights", dataset, *(f"-S{each}" for each in assignments)])


def models(recipe: AnyRecipe) -> Iterator[Frozen]:
    """Those that are large enough to be fetched by themselves, the captioner first."""
    caption, embed = recipe.caption, recipe.embed
    if caption is not None and caption.captioner != "imagenet-tags":
        kind = registry.kind(caption)
        assert kind is not None  # it names a model
        yield Frozen(caption.model, caption.revision, kind)
    if embed is not None:
        yield Frozen(embed.llm, embed.revision, weights.KIND)
    features = recipe.features if isinstance(recipe, Recipe) else None
    if features is not None and isinstance(features.clip, Clip):
        yield Frozen(features.clip.model, features.clip.revision, images.KIND)
    sentences = recipe.sentences if isinstance(recipe, Recipe) else None
    # The embedded one comes with the install.
    if sentences is not None and sentences.model != smollm2.NAME:
        text = Frozen(sentences.model, sentences.revision, weights.KIND)
        if embed is None or (text.name, text.revision) != (embed.llm, embed.revision):
            yield text
    if isinstance(recipe, Recipe):
        yield from _tuned(recipe)


def _tuned(recipe: Recipe) -> Iterator[Frozen]:
    """Those that rows are fine-tuned of, where they are others than the recipe's own."""
    finetune, caption, embed = recipe.finetune, recipe.caption, recipe.embed
    if finetune is None:
        return
    if "zero-shot*" in finetune.rows and embed is not None:
        read = asked.embed(finetune, embed, "D")
        if (read.llm, read.revision) != (embed.llm, embed.revision):
            yield Frozen(read.llm, read.revision, weights.KIND)
    if "direct*" in finetune.rows and isinstance(caption, ImageTextCaption):
        seen = asked.caption(finetune, caption, "D")
        if (seen.model, seen.revision) != (caption.model, caption.revision):
            kind = registry.kind(seen)
            assert kind is not None  # it names a model
            yield Frozen(seen.model, seen.revision, kind)
