"""What each stage of a recipe costs and leaves on disk, and what to do where it does not fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stages.captioners import llava
from stages.captioners.settings import CaptionSettings
from stages.llm import weights as llm_weights
from stages.llm.settings import Embed
from stages.media.settings import Sample
from stages.planning import architecture, decoding, estimate, workload
from stages.planning.estimate import Cost, Machine
from stages.planning.scorer import Size
from stages.section import Dtype
from stages.splits.settings import Splits
from stages.training.settings import Train
from stages.vision.encoder import FEATURES
from stages.work import hub

TEMPLATE_TOKENS = 10
"""Of the multimodal LLM's chat template around image and prompt, about."""
ARCHIVES = {"summe": 2.2e9, "tvsum": 0.672e9}
"""Bytes of the datasets' archives; what is unpacked of them is about as large."""


@dataclass
class Sheet:
    """A recipe's costs, disk and notes, gathered stage by stage."""

    frames: workload.Frames
    machine: Machine
    costs: list[Cost] = field(default_factory=list)
    disk: list[tuple[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def embeddings(self, width: int) -> float:
        """Bytes of every frame's two states."""
        return self.frames.total * 2 * 4.0 * width

    def sample(self, sample: Sample, kind: str) -> None:
        """Videos of a kind of download, and their frames."""
        self.notes += decoding.said(self.frames)
        if kind in ARCHIVES:
            self.disk.append(("archive, and videos out of it", 2 * ARCHIVES[kind]))
        each = workload.jpeg_bytes(sample.short_side) + 4.0 * FEATURES
        self.disk.append(("frames, twice", 2 * self.frames.total * each))

    def caption(self, caption: CaptionSettings, embed: Embed, words: int) -> None:
        """Captions of so many words, counted as `embed` counts them."""
        if caption.captioner != "llava":
            self.notes.append("caption: a small image classifier, minutes on a CPU")
            return
        here = hub.status(caption.model, caption.revision, llava.KIND)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(caption.model, caption.revision, llava.KIND, folder)
        model, vision = architecture.multimodal(caption.model, config)
        asked = workload.tokens(caption.prompts.general, embed) + TEMPLATE_TOKENS
        said = min(workload.tokens(workload.caption_of(words), embed), caption.max_new_tokens)
        cost = estimate.caption(caption, self.frames, model, vision, asked, said, self.machine)
        self.costs.append(cost)
        self.notes += _precision("caption", caption.dtype, self.machine)
        self.notes += _advice(cost, caption.model, self.machine, "caption.batch", caption.batch)
        self.disk.append((f"weights of {caption.model}", 2.0 * model.parameters))

    def embed(self, embed: Embed, splits: Splits, prompt: workload.Prompt) -> int:
        """The states an LLM leaves of every frame; returns their width."""
        here = llm_weights.status(embed.llm, embed.revision)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(embed.llm, embed.revision, llm_weights.KIND, folder)
        model = architecture.language(embed.llm, config)
        runs = estimate.runs_of_embed(embed, splits)
        cost = estimate.embed(embed, self.frames, model, prompt, runs, self.machine)
        wanted = embed.token_budget // prompt.query
        self.costs.append(cost)
        self.notes += _precision("embed", embed.dtype, self.machine)
        self.notes += _advice(cost, embed.llm, self.machine, "embed.token_budget", wanted)
        width: int = config.vocab_size if embed.layer == "lm_head" else model.hidden
        self.disk.append((f"weights of {embed.llm}", 2.0 * model.parameters))
        # In the work store as well, so that they survive a stopped run.
        self.disk.append(("embeddings, twice", 2 * runs * self.embeddings(width)))
        return width

    def train(self, train: Train, splits: Splits, rows: Sequence[Size]) -> None:
        """Scorers of these sizes."""
        self.costs.append(estimate.train(train, splits, self.frames, rows, self.machine))
        runs = estimate.runs_of_train(train, splits)
        size = runs * sum(4.0 * row.parameters for row in rows)
        self.disk.append((f"checkpoints of {runs * len(rows)} runs, twice", 2 * size))


def _precision(stage: str, dtype: Dtype, machine: Machine) -> Iterator[str]:
    """What a number format means for a card."""
    if dtype == "bfloat16" and not machine.card.bfloat16:
        yield f"{stage}: {machine.card.title} has no bfloat16; set {stage}.dtype to float16"
    if dtype == "float32":
        yield (
            f"{stage}: in float32, a card multiplies several times more slowly than the rate of "
            "half precision that is reckoned with here"
        )


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
