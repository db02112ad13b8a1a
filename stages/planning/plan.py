"""`llmvs plan`: a recipe's cost on a card, as tables."""

from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stages.params import Params, Recipe
from stages.planning import scorer, traffic, tuned_rows, workload
from stages.planning.estimate import Cost, Machine
from stages.planning.scorer import Size
from stages.planning.sheet import Kept, Sheet
from stages.planning.traffic import Flow
from stages.scorers.entry import INPUTS, Input
from stages.sources import featured
from stages.sources.settings import Clip, Embeddings
from stages.training.lesson import lesson
from stages.training.provisions import lack
from stages.training.settings import Train
from stages.vision.encoder import FEATURES
from stages.work.burden import Burden


@dataclass(frozen=True)
class Plan:
    """What is known of a recipe's cost.

    rows: how each scorer is trained, and its size. flows: what stages move.
    """

    dataset: str
    recipe: Recipe
    machine: Machine
    frames: workload.Frames
    prompt: workload.Prompt | None
    costs: tuple[Cost, ...]
    disk: tuple[Kept, ...]
    notes: tuple[str, ...]
    burdens: tuple[Burden, ...]
    rows: tuple[tuple[Train, Size], ...]
    flows: tuple[Flow, ...]

    @property
    def fits(self) -> bool:
        """Whether every stage does."""
        return all(cost.fits for cost in self.costs)

    def hours(self, cost: Cost) -> float:
        """Of a stage, NaN where the cards are not known.

        A model that one card holds, with the least that it reads at once, runs on each of them
        (LLMVS_EXECUTOR=ray), in smaller batches where those do not fit.
        """
        least = cost.weights + cost.working / max(cost.at_once, 1)
        alone = replace(self.machine, count=1).memory >= least
        share = self.machine.count if alone and cost.stage != "train" else 1
        return cost.seconds / 3600 / share


def make(
    settings: Params,
    dataset: str,
    recipe: Recipe,
    words: int,
    machine: Machine,
    corpus: workload.Frames | None = None,
) -> Plan:
    """Estimate every heavy stage that a recipe has.

    Args:
        settings: whose `run.models` are trained.
        words: of a caption.
        corpus: that takes the place of the recipe's own videos.

    Raises:
        UserError: a model's configuration or a tokenizer cannot be had, the dataset's lengths are
            not known, or an entry of `run.models` cannot take inputs of these widths.
    """
    sheet = Sheet(corpus or workload.frames(dataset, recipe), machine)
    widths: dict[Input, int] = {}
    prompt = None
    if recipe.sample is not None:
        sheet.sample(recipe.sample, "" if corpus else recipe.download.kind)
        widths["image"] = FEATURES
    if recipe.embed is not None:
        prompt = workload.prompt(recipe.embed, words)
        if recipe.caption is not None:
            sheet.caption(recipe.caption, recipe.embed, words)
        states = sheet.embed(recipe.embed, recipe.splits, prompt)
        widths |= {"query": states, "answer": states}
        fed = {
            each
            for name in settings.run.models
            if recipe.train is not None
            for each in lesson(settings.models[name], recipe.train, dataset, name).entry.inputs
        }
        if recipe.sentences is not None and "sentence" in fed:
            widths["sentence"] = sheet.sentences(recipe.sentences, recipe.embed, words)
        if recipe.features is not None and isinstance(recipe.features.clip, Clip) and "clip" in fed:
            widths["clip"] = sheet.clip(recipe.features.clip)
    for each in INPUTS:
        path = None if recipe.features is None else recipe.features.paths.get(each)
        if path is not None and (wide := featured.width(Path(path))) is not None:
            widths[each] = wide
            if recipe.given.kind == "features":
                sheet.disk.append(Kept.output(f"features, {each}", 4.0 * sheet.frames.total * wide))
    tuned_rows.add(sheet, dataset, recipe, words)
    asked = widths.get("query")
    rows = []
    if isinstance(recipe.given, Embeddings):
        states_given = workload.width_of_given(recipe.given)
        if states_given is None:
            sheet.notes.append(
                f"train: how wide the given embeddings are is known once {recipe.given.query} is "
                "here; it is not, so training is not reckoned"
            )
        else:
            widths |= {"query": states_given, "answer": states_given}
            sheet.disk.append(Kept.output("embeddings", sheet.embeddings(states_given)))
    if recipe.train is None:
        sheet.notes.append(f"{recipe.given.kind} are given: no heavy stage is left to do")
    elif "query" in widths or recipe.given.kind == "features":
        for name in settings.run.models:
            entry, taught = lesson(settings.models[name], recipe.train, dataset, name)
            unseen = [each for each in entry.inputs if each not in widths]
            if unseen and unseen[0] in recipe.provides:
                sheet.notes.append(
                    f"train: how wide `{unseen[0]}` is, is known once its file is here; {name} is "
                    "not reckoned"
                )
                continue
            if unseen:
                sheet.notes.append(f"train: {name} will be left out: {lack(unseen[0])}")
                continue
            rows.append((taught, scorer.size(entry, widths)))
        if rows:
            sheet.train(recipe.splits, rows)
    flows = tuple(traffic.flows(recipe, sheet.frames, words, prompt, asked, rows, machine.count))
    if corpus is not None and recipe.sample is not None:
        sheet.disk.append(Kept.output("videos", workload.video_bytes(corpus)))
    sheet.disk += [
        Kept.output("captions", flow.output, work=flow.held)
        for flow in flows
        if flow.stage == "caption"
    ]
    return Plan(
        *(dataset, recipe, machine, sheet.frames, prompt),
        *(tuple(sheet.costs), tuple(sheet.disk), tuple(sheet.notes), tuple(sheet.burdens)),
        *(tuple(rows), flows),
    )


def table(plan: Plan) -> Group:
    """The plan for people to read."""
    stages = Table(title=escape(f"{plan.recipe.title} on {_machine(plan.machine)}"))
    for column in ("stage", "operations", "hours", "weights", "at once", "working", "fits"):
        stages.add_column(column, justify="left" if column == "stage" else "right")
    for cost in plan.costs:
        hours = plan.hours(cost)
        stages.add_row(
            cost.stage,
            f"{cost.operations / 1e15:,.1f} PFLOP",
            f"{hours:.2f}" if cost.fits and not isnan(hours) else "-",
            in_bytes(cost.weights),
            f"{cost.at_once} {cost.unit[:-1] if cost.at_once == 1 else cost.unit}",
            in_bytes(cost.working),
            "yes" if cost.fits else "NO",
        )
    disk = Table(title="disk")
    disk.add_column("what")
    for column in ("models", "work store", "data", "DVC's cache", "together"):
        disk.add_column(column, justify="right")
    for kept in plan.disk:
        disk.add_row(escape(kept.what), *map(_size_or_none, _parts(kept)), in_bytes(kept.size))
    sums = [sum(parts) for parts in zip(*map(_parts, plan.disk), strict=True)] or [0.0] * 4
    disk.add_row("together", *map(_size_or_none, sums), in_bytes(sum(sums)))
    said = [_read(plan), *plan.notes]
    if plan.machine.count > 1:
        said.append(
            "hours: a model that one card holds runs on every card with LLMVS_EXECUTOR=ray; one "
            "spread over several uses them in turn"
        )
    return Group(stages, disk, Text("\n".join(said)))


def _machine(machine: Machine) -> str:
    card = machine.card
    if card.processor:
        return (
            f"{card.title}, {in_bytes(card.memory)} of memory, {card.rate / 1e12:.2f} TFLOP/s as "
            "measured now"
        )
    cards = f"{machine.count} × {card.title}" if machine.count > 1 else card.title
    if isnan(card.rate):
        return f"{cards}, {in_bytes(card.memory)} each; how fast it is, is not known here"
    return (
        f"{cards}, {card.memory / 1e9:.0f} GB each, {card.rate / 1e12:.0f} TFLOP/s and "
        f"{card.bandwidth / 1e12:.2f} TB/s, {machine.efficiency:.0%} of both reached"
    )


def _parts(kept: Kept) -> tuple[float, ...]:
    return kept.models, kept.work, kept.data, kept.cache


def _size_or_none(count: float) -> str:
    return in_bytes(count) if count else ""


def _read(plan: Plan) -> str:
    frames = f"{plan.frames.videos:,} videos, {plan.frames.total:,} frames {plan.frames.source}"
    given = plan.recipe.given.kind
    if given != "videos":
        frames += f"; {given} are given"
    prompt = plan.prompt
    if prompt is None:
        return f"{frames}. Estimates: nothing was run."
    return (
        f"{frames}; a prompt of {prompt.prefix} shared tokens and {prompt.query} of its own, an "
        f"answer of at most {prompt.answer}, {prompt.draft} of them foreseen (counted by "
        f"{prompt.counter}). Estimates: nothing was run."
    )


def in_bytes(count: float) -> str:
    """Bytes as people say them."""
    for unit, scale in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
