"""`llmvs plan`: a recipe's cost on a card, as tables."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stages.captioners import llava
from stages.llm import weights as llm_weights
from stages.params import Params, Recipe
from stages.planning import architecture, estimate, workload
from stages.planning.estimate import Cost, Machine
from stages.work import hub

TEMPLATE_TOKENS = 10
"""Of the multimodal LLM's chat template around image and prompt, about."""
ARCHIVES = {"summe": 2.2e9, "tvsum": 0.672e9}
"""Bytes of the datasets' archives; what is unpacked of them is about as large."""


@dataclass(frozen=True)
class Plan:
    """What is known of a recipe's cost."""

    dataset: str
    recipe: Recipe
    machine: Machine
    frames: workload.Frames
    prompt: workload.Prompt | None
    costs: tuple[Cost, ...]
    disk: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every stage does."""
        return all(cost.fits for cost in self.costs)


def make(settings: Params, dataset: str, recipe: Recipe, words: int, machine: Machine) -> Plan:
    """Estimate every heavy stage of a recipe.

    Args:
        settings: whose `run.models` are trained.
        words: of a caption.

    Raises:
        UserError: a model's configuration or a tokenizer cannot be had, or the dataset's lengths
            are not known.
    """
    frames = workload.frames(dataset, recipe)
    costs: list[Cost] = []
    notes: list[str] = []
    disk: list[tuple[str, float]] = []
    prompt, width = None, 0
    if recipe.embeddings is None:
        caption, embed = recipe.caption, recipe.embed
        prompt = workload.prompt(embed, words)
        if caption.captioner == "llava":
            here = hub.status(caption.model, caption.revision, llava.KIND)
            folder = Path(here.state) if here.present else None
            config = architecture.configuration(caption.model, caption.revision, llava.KIND, folder)
            model, vision = architecture.multimodal(caption.model, config)
            asked = workload.tokens(caption.prompts.general, embed) + TEMPLATE_TOKENS
            said = min(workload.tokens(workload.caption_of(words), embed), caption.max_new_tokens)
            costs.append(estimate.caption(caption, frames, model, vision, asked, said, machine))
            notes += _advice(costs[-1], caption.model, machine, "caption.batch", caption.batch)
            disk.append((f"weights of {caption.model}", 2.0 * model.parameters))
        else:
            notes.append("caption: a small image classifier, minutes on a CPU")
        here = llm_weights.status(embed.llm, embed.revision)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(embed.llm, embed.revision, llm_weights.KIND, folder)
        model = architecture.language(embed.llm, config)
        runs = estimate.runs_of_embed(recipe)
        costs.append(estimate.embed(embed, frames, model, prompt, runs, machine))
        notes += _advice(
            costs[-1], embed.llm, machine, "embed.token_budget", embed.token_budget // prompt.query
        )
        disk.append((f"weights of {embed.llm}", 2.0 * model.parameters))
        width = config.vocab_size if embed.layer == "lm_head" else model.hidden
        disk += list(_made(recipe, frames, width, runs))
    if width:
        rows = len(settings.run.models)
        costs.append(estimate.train(recipe, frames, width, rows, machine))
        runs = rows * len(recipe.train.protocols) * recipe.train.folds * len(recipe.train.seeds)
        disk.append((f"checkpoints of {runs} runs", runs * costs[-1].weights / 4))
    return Plan(dataset, recipe, machine, frames, prompt, tuple(costs), tuple(disk), tuple(notes))


def _made(
    recipe: Recipe, frames: workload.Frames, width: int, runs: int
) -> Iterator[tuple[str, float]]:
    kind = recipe.download.kind
    if kind in ARCHIVES:
        yield "archive, and videos out of it", 2 * ARCHIVES[kind]
    features = 4.0 * 1280
    yield "frames", frames.total * (workload.jpeg_bytes(recipe.sample.short_side) + features)
    # In the work store as well, so that they survive a stopped run.
    yield "embeddings, twice", 2 * runs * frames.total * 2 * 4.0 * width


def _advice(cost: Cost, name: str, machine: Machine, setting: str, wanted: int) -> Iterator[str]:
    """What to do where a stage does not fit, or not as much at once as wanted."""
    if not cost.fits:
        yield f"{cost.stage} does not fit: {', or '.join(_remedies(cost, name, machine))}"
    elif cost.at_once < wanted:
        yield (
            f"{cost.stage}: {wanted} {cost.unit} at once do not fit, {cost.at_once} do; the stage "
            f"finds that out and halves, or lower {setting}"
        )


def _remedies(cost: Cost, name: str, machine: Machine) -> Iterator[str]:
    needed = estimate.cards_needed(cost, machine)
    if needed is not None:
        yield f"{needed} such cards (accelerate spreads {name} over them)"
    room = machine.memory - cost.working
    if room > 0:
        share = room / cost.weights
        yield f"a model of at most {share:.0%} of its size in the same dtype"
    if cost.stage == "embed":
        yield "an open smaller model, such as embed.llm=Qwen/Qwen2.5-7B-Instruct"
    yield "a card with more memory"


def table(plan: Plan) -> Group:
    """The plan for people to read."""
    machine = plan.machine
    card = machine.card
    cards = f"{machine.count} × {card.title}" if machine.count > 1 else card.title
    title = (
        f"{plan.recipe.title} on {cards}, {card.memory / 1e9:.0f} GB each, "
        f"{card.rate / 1e12:.0f} TFLOP/s and {card.bandwidth / 1e12:.2f} TB/s, "
        f"{machine.efficiency:.0%} of both reached"
    )
    stages = Table(title=escape(title))
    for column in ("stage", "operations", "hours", "weights", "at once", "working", "fits"):
        stages.add_column(column, justify="left" if column == "stage" else "right")
    for cost in plan.costs:
        # A model that one card holds runs on each of them (LLMVS_EXECUTOR=ray).
        alone = replace(machine, count=1).memory >= cost.memory
        share = machine.count if alone and cost.stage != "train" else 1
        stages.add_row(
            cost.stage,
            f"{cost.operations / 1e15:,.1f} PFLOP",
            f"{cost.seconds / 3600 / share:.2f}" if cost.fits else "-",
            _size(cost.weights),
            f"{cost.at_once} {cost.unit}",
            _size(cost.working),
            "yes" if cost.fits else "NO",
        )
    disk = Table(title="disk")
    disk.add_column("what")
    disk.add_column("size", justify="right")
    for what, size in plan.disk:
        disk.add_row(escape(what), _size(size))
    disk.add_row("together", _size(sum(size for _, size in plan.disk)))
    said = [_read(plan), *plan.notes]
    if machine.count > 1:
        said.append(
            "hours: a model that one card holds runs on every card with LLMVS_EXECUTOR=ray; one "
            "spread over several uses them in turn"
        )
    return Group(stages, disk, Text("\n".join(said)))


def _read(plan: Plan) -> str:
    frames = f"{len(plan.frames.videos)} videos, {plan.frames.total} frames {plan.frames.source}"
    if plan.prompt is None:
        return f"{frames}; embeddings are given"
    prompt = plan.prompt
    return (
        f"{frames}; a prompt of {prompt.prefix} shared tokens and {prompt.query} of its own, an "
        f"answer of at most {prompt.answer}, {prompt.draft} of them foreseen (counted by "
        f"{prompt.counter}). Estimates: nothing was run."
    )


def _size(size: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"
