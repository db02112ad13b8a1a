"""Whether the models fit this machine's memory, and what the stages write its disk."""

import shutil
from functools import cache
from pathlib import Path

import psutil
import torch

from stages.captioners import llava
from stages.checking.finding import NotYetError
from stages.checking.recipe import Dataset
from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.params import Params
from stages.planning import architecture
from stages.planning.cards import Card
from stages.planning.estimate import Machine
from stages.planning.plan import Plan, make
from stages.work import hub

WORDS = 25
"""Of a caption, until they are known; as `llmvs plan` has it."""
WEIGHTS = "weights of "
"""How a plan's entry of weights begins."""


def memory(settings: Params, dataset: Dataset) -> str:
    """Whether each stage whose output is not here yet fits into this machine's memory."""
    plan = _plan(settings, dataset)
    places = dataset.places
    made = {"caption": places.captions, "embed": places.embeddings}
    wanted = [cost for cost in plan.costs if not (made.get(cost.stage) or Path()).is_file()]
    title = plan.machine.card.title
    for cost in wanted:
        if not cost.fits:
            raise UserError(
                f"{cost.stage} wants {cost.memory / 1e9:.1f} GB, {cost.weights / 1e9:.1f} of them "
                f"weights, and {title} has {plan.machine.memory / 1e9:.1f}; name a smaller model "
                f"(datasets.{dataset.name}), or run on another machine: `llmvs plan "
                f"{dataset.name}` says which"
            )
    if not wanted:
        return "nothing heavy is left to do"
    most = max(cost.memory for cost in wanted)
    return f"at most {most / 1e9:.1f} GB at once, of {plan.machine.memory / 1e9:.1f} on {title}"


def disk(settings: Params, dataset: Dataset, data: Path) -> str:
    """Whether what is still to be written has room where it goes."""
    plan = _plan(settings, dataset)
    writes = sum(size for what, size in plan.disk if not what.startswith(WEIGHTS))
    archive = dataset.recipe.download
    kept = [dataset.places.folder]
    if archive.kind != "demo":
        kept.append(dataset.work / archive.url.rpartition("/")[2])
    left = max(0.0, writes - sum(map(_size, kept)))
    wanted = {_mounted(data): left}
    for what, size in plan.disk:
        name = what.removeprefix(WEIGHTS)
        if name != what and not _here(dataset, name):
            place = _mounted(_cache(name))
            wanted[place] = wanted.get(place, 0) + size
    for place, size in wanted.items():
        free = shutil.disk_usage(place).free
        if size > free:
            raise UserError(
                f"{place}: {size / 1e9:.1f} GB are wanted for {dataset.name} and "
                f"{free / 1e9:.1f} are free; make room (llmvs gc; dvc gc -w), or set HF_HUB_CACHE "
                "and LLMVS_CACHE for the weights and DVC's cache on another disk"
            )
    free = shutil.disk_usage(_mounted(data)).free
    return f"about {sum(wanted.values()) / 1e9:.2f} GB are wanted, {free / 1e9:.0f} are free"


def _plan(settings: Params, dataset: Dataset) -> Plan:
    recipe = dataset.recipe
    if recipe.embed is not None and not weights.status(smollm2.NAME).present:
        raise NotYetError("no tokenizer is here to count with; llmvs weights")
    for name in _models(dataset):
        if not (_here(dataset, name) or architecture.is_published(name)):
            raise NotYetError(f"{name} is not here; `llmvs plan {dataset.name}` asks the hub of it")
    return make(settings, dataset.name, recipe, WORDS, _machine())


def _models(dataset: Dataset) -> list[str]:
    caption, embed = dataset.recipe.caption, dataset.recipe.embed
    named = [caption.model] if caption is not None and caption.captioner == "llava" else []
    return named + ([embed.llm] if embed is not None else [])


def _here(dataset: Dataset, name: str) -> bool:
    embed = dataset.recipe.embed
    if embed is not None and name == embed.llm:
        return weights.status(name, embed.revision).present
    caption = dataset.recipe.caption
    revision = caption.revision if caption is not None and caption.captioner == "llava" else None
    return hub.status(name, revision, llava.KIND).present


def _cache(name: str) -> Path:
    from huggingface_hub import constants

    return smollm2.cache() if name == smollm2.NAME else Path(constants.HF_HUB_CACHE)


@cache
def _machine() -> Machine:
    """This machine as a card: its GPUs, or its memory where it has none."""
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        cards = [torch.cuda.get_device_properties(index) for index in range(count)]
        least = min(cards, key=lambda card: card.total_memory)
        return Machine(Card(least.name, least.total_memory, 1, 1), count, 1)
    return Machine(Card("this machine (no GPU)", psutil.virtual_memory().total, 1, 1), 1, 1)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def _mounted(path: Path) -> Path:
    """Where the disk of a path is mounted, whether the path is there or not."""
    place = path.expanduser().absolute()
    while not place.exists():
        place = place.parent
    while not place.is_mount():
        place = place.parent
    return place
