"""Whether models fit this machine, in memory and in time, and what is written fits its disk."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, isnan
from pathlib import Path

from stages.checking import finished, frozen
from stages.checking.finding import NotYetError
from stages.checking.recipe import Dataset
from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.params import Params
from stages.planning import here
from stages.planning.estimate import Cost, cards_needed
from stages.planning.plan import Plan, make
from stages.sources.settings import SumMeDownload, TVSumDownload
from stages.work import architecture
from stages.work.burden import bear
from stages.work.cache import cache
from stages.work.files import standing
from stages.work.pace import duration
from stages.work.workers import spread

WORDS = 25
"""Of a caption, as long as there are none; as `llmvs plan` has it."""


@dataclass(frozen=True)
class Room:
    """What a recipe wants of this machine.

    data: folder of all datasets.
    """

    settings: Params
    dataset: Dataset
    data: Path

    @cached_property
    def plan(self) -> Plan:
        """Raises NotYetError where what it is made of is not here."""
        recipe = self.dataset.recipe
        if recipe.embed is not None and not weights.status(smollm2.NAME).present:
            raise NotYetError("no tokenizer is here to count with; llmvs weights demo")
        for model in frozen.models(recipe):
            if not (model.status().present or architecture.is_published(model.name)):
                raise NotYetError(
                    f"{model.name} is not here; `llmvs plan {self.dataset.name}` asks the hub of it"
                )
        return make(self.settings, self.dataset.name, recipe, self.words, here.machine(recipe))

    @property
    def words(self) -> int:
        """Of a caption on average, rounded up, where captions are here."""
        try:
            captions = self.dataset.captions()
        except (UserError, NotYetError):
            captions = None  # what is amiss is said of the captions themselves
        said = captions[0].values() if captions is not None else ()
        each = [len(one.caption.split()) for video in said for one in video]
        return ceil(sum(each) / len(each)) if each else WORDS

    @cached_property
    def left(self) -> set[str]:
        """Heavy stages whose output is not here yet, or was made with other settings."""
        return finished.left(self.settings, self.dataset.name, self._made)

    @cached_property
    def _made(self) -> dict[str, list[Path]]:
        """What each heavy stage makes."""
        places, tuned = self.dataset.places, self.dataset.recipe.finetune
        made = {
            "caption": [places.captions],
            "embed": [places.embeddings],
            "sentences": [places.inputs / "sentence.h5"],
            "clip": [places.inputs / "clip.h5"],
            "finetune": [places.finetuned(row) for row in (tuned.rows if tuned else ())],
            "train": [places.predictions(name) for name in self.settings.run.models],
        }
        return {cost.stage: made[cost.stage] for cost in self.plan.costs}

    def memory(self) -> str:
        """Whether each stage that is left fits into this machine's memory."""
        machine, wanted = self.plan.machine, [c for c in self.plan.costs if c.stage in self.left]
        cards = f"{machine.count} × " if machine.count > 1 else ""
        title = f"{cards}{machine.card.title}"
        for cost in wanted:
            if not cost.fits:
                raise UserError(
                    f"{cost.stage} wants {cost.memory / 1e9:.1f} GB, {cost.weights / 1e9:.1f} of "
                    f"them weights, and {title} has {machine.memory / 1e9:.1f}; "
                    f"{self._remedy(cost)}, or run on another machine: "
                    f"`llmvs plan {self.dataset.name}` says which"
                )
        if not wanted:
            return "nothing heavy is left to do"
        most = max(cost.memory for cost in wanted)
        return f"at most {most / 1e9:.1f} GB at once, of {machine.memory / 1e9:.1f} on {title}"

    def _remedy(self, cost: Cost) -> str:
        """What makes a stage smaller that does not fit."""
        if cost.stage == "train":
            return (
                f"lower datasets.{self.dataset.name}.train.batch, name rows that attend less "
                "(run.models)"
            )
        machine = self.plan.machine
        needed = None if machine.card.processor else cards_needed(cost, machine)
        more = f"run on {needed} such cards, " if needed is not None else ""
        return f"{more}name a smaller model (datasets.{self.dataset.name})"

    def time(self) -> str:
        """Whether a processor, where there is no card, can be asked for what is left."""
        card, plan = self.plan.machine.card, self.plan
        if not spread():  # then a card works, however many there are
            plan = replace(plan, machine=replace(plan.machine, count=1))
        if card.processor:
            for burden in self.plan.burdens:
                stage = burden.setting.partition(".")[0]
                if {"features": "clip"}.get(stage, stage) in self.left:
                    bear(burden)
        said = [
            f"{cost.stage} {duration(3600 * plan.hours(cost))}"
            for cost in self.plan.costs
            if cost.stage in self.left and not isnan(cost.seconds)
        ]
        if not said:
            return f"how fast {card.title} is, is not known" if self.left else "nothing is left"
        return f"about {', '.join(said)}, on {card.title}"

    def disk(self) -> str:
        """Whether what is still to be written has room where it goes."""
        kept, folder, work = self.plan.disk, self.dataset.places.folder, self.dataset.work
        archive = self.dataset.recipe.download
        fetched = 0
        if isinstance(archive, SumMeDownload | TVSumDownload):
            fetched = _size(work / archive.url.rpartition("/")[2])
        data = sum(each.data for each in kept)
        share = max(0.0, 1 - _size(folder) / data) if data else 0.0
        if any(path.is_file() for stage in self.left for path in self._made[stage]):
            share = 1.0  # beside what is there already, in DVC's cache and in the work store
        wanted: dict[Path, float] = {}
        for place, size in (
            (self.data, share * data),
            (work, max(0.0, share * sum(each.work for each in kept) - fetched)),
            (_dvc_cache(), share * sum(each.cache for each in kept)),
            *self._weights(),
        ):
            mount = _mounted(place)
            wanted[mount] = wanted.get(mount, 0) + size
        for mount, size in wanted.items():
            free = shutil.disk_usage(mount).free
            if size > free:
                raise UserError(
                    f"{mount}: {size / 1e9:.1f} GB are wanted for {self.dataset.name} and "
                    f"{free / 1e9:.1f} are free; make room (llmvs gc; dvc gc -w), or give what is "
                    "written another disk: HF_HUB_CACHE and LLMVS_CACHE for models, `dvc cache "
                    "dir` for DVC's copies"
                )
        free = shutil.disk_usage(_mounted(self.data)).free
        return f"about {sum(wanted.values()) / 1e9:.2f} GB are wanted, {free / 1e9:.0f} are free"

    def _weights(self) -> Iterator[tuple[Path, float]]:
        """Where each model that is not here goes, and its bytes."""
        sizes = {each.what.removeprefix("weights of "): each.models for each in self.plan.disk}
        for model in frozen.models(self.dataset.recipe):
            if not model.status().present:
                yield _cache(model.name), sizes.get(model.name, 0)


def _cache(name: str) -> Path:
    from huggingface_hub import constants

    return cache() if name == smollm2.NAME else Path(constants.HF_HUB_CACHE)


def _dvc_cache() -> Path:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return Path(repo.cache.local.path)
    except NotDvcRepoError:
        return Path(".dvc")


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def _mounted(path: Path) -> Path:
    """Where the disk of a path is mounted, whether the path is there or not."""
    place = standing(path.expanduser().absolute())
    while not place.is_mount():
        place = place.parent
    return place
