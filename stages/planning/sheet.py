"""What each stage of a recipe costs and leaves on disk, and what to do where it does not fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stages.captioners import blip, llava
from stages.captioners.settings import CaptionSettings, ImageCaption
from stages.encoders import images
from stages.encoders.encoder import model_class as text_model
from stages.encoders.settings import Sentences
from stages.llm import smollm2
from stages.llm import weights as llm_weights
from stages.llm.settings import Embed
from stages.media.settings import Sample
from stages.planning import decoding, estimate, workload
from stages.planning.estimate import Cost, Machine
from stages.planning.scorer import Size
from stages.section import Dtype
from stages.sources.settings import Clip
from stages.splits.settings import Splits
from stages.training.settings import Train
from stages.vision.encoder import FEATURES
from stages.work import architecture, hub
from stages.work.burden import Burden
from stages.work.pace import duration

TEMPLATE_TOKENS = 10
"""Of the multimodal LLM's chat template around image and prompt, about."""
ARCHIVES = {"summe": 2.2e9, "tvsum": 0.672e9}
"""Bytes of the datasets' archives; what is unpacked of them is about as large."""


@dataclass(frozen=True)
class Kept:
    """Bytes of something, by where it is kept: with the models, in the work store, in `data`, and
    in DVC's cache, where a file system that cannot share blocks has a second copy of `data`.
    """

    what: str
    models: float = 0
    work: float = 0
    data: float = 0
    cache: float = 0

    @classmethod
    def output(cls, what: str, size: float, work: float = 0) -> "Kept":
        """What a stage makes, out of items of the work store of so many bytes."""
        return cls(what, work=work, data=size, cache=size)

    @property
    def size(self) -> float:
        return self.models + self.work + self.data + self.cache


@dataclass
class Sheet:
    """A recipe's costs, disk and notes, gathered stage by stage."""

    frames: workload.Frames
    machine: Machine
    costs: list[Cost] = field(default_factory=list)
    disk: list[Kept] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    burdens: list[Burden] = field(default_factory=list)

    def embeddings(self, width: int) -> float:
        """Bytes of every frame's two states."""
        return self.frames.total * 2 * 4.0 * width

    def sample(self, sample: Sample, kind: str) -> None:
        """Videos of a kind of download, and their frames."""
        self.notes += decoding.said(self.frames)
        if kind in ARCHIVES:
            size = ARCHIVES[kind]
            self.disk.append(Kept.output("archive, and videos out of it", size, work=size))
        size = self.frames.total * (workload.jpeg_bytes(sample.short_side) + 4.0 * FEATURES)
        self.disk.append(Kept.output("frames", size, work=size))

    def caption(self, caption: CaptionSettings, embed: Embed, words: int) -> None:
        """Captions of so many words, counted as `embed` counts them."""
        if caption.captioner == "imagenet-tags":
            self.notes.append("caption: a small image classifier, no card's work")
            return
        if caption.captioner == "blip":
            self._image_caption(caption)
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
        self.notes += advice(cost, caption.model, self.machine, "caption.batch", caption.batch)
        self.disk.append(Kept(f"weights of {caption.model}", models=2.0 * model.parameters))
        items = self.frames.total * (len(caption.describe) + caption.direct)
        self.burdens.append(
            Burden(
                *(caption.model, "caption.model", model.parameters, caption.dtype),
                *(items, "frames", cost.operations),
            )
        )

    def _image_caption(self, caption: ImageCaption) -> None:
        """A model that is shown an image and nothing else: of one of them the pace is known."""
        size, pace = blip.BYTES.get(caption.model), "its pace is not known here"
        if size is not None:
            rate = blip.FRAMES_PER_SECOND
            pace = (
                f"about {duration(self.frames.total / rate)} on two CPU cores (at {rate:g} frames "
                "a second); on a card it is not reckoned"
            )
            self.disk.append(Kept(f"weights of {caption.model}", models=size))
        self.notes.append(f"caption: {caption.model}, a caption a frame: {pace}")

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
        self.notes += advice(cost, embed.llm, self.machine, "embed.token_budget", wanted)
        width: int = config.vocab_size if embed.layer == "lm_head" else model.hidden
        size = 2.0 * model.parameters
        if embed.llm == smollm2.NAME:
            size = smollm2.DISK_BYTES
        self.disk.append(Kept(f"weights of {embed.llm}", models=size))
        size = runs * self.embeddings(width)
        work = size * (1 + len(embed.also))
        self.disk.append(Kept.output("embeddings", size, work=work))
        self.burdens.append(
            Burden(
                *(embed.llm, "embed.llm", model.parameters, embed.dtype),
                *(runs * self.frames.total, "prompts", cost.operations),
            )
        )
        return width

    def sentences(self, sentences: Sentences, embed: Embed, words: int) -> int:
        """A text model's vectors of captions of so many words, counted as `embed` counts them;
        returns their width.
        """
        name, revision = sentences.model, sentences.revision
        here = llm_weights.status(name, revision)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(name, revision, llm_weights.KIND, folder)
        kind = text_model(sentences, config)
        parameters, linear = architecture.encoder(kind, name, config)
        text = config.get_text_config()
        width: int = text.hidden_size
        if sentences.pooling == "projected":
            width = config.projection_dim
        read = workload.tokens(workload.caption_of(words), embed)
        model = estimate.Encoder(parameters, linear, text.hidden_size)
        cost = estimate.sentences(sentences, self.frames, model, read, self.machine)
        self.costs.append(cost)
        self.notes += _precision("sentences", sentences.dtype, self.machine)
        self.notes.append("sentences: as if no two captions were the same; those are read once")
        if name not in (embed.llm, smollm2.NAME):
            self.disk.append(Kept(f"weights of {name}", models=4.0 * parameters))
        size = 4.0 * width * self.frames.total
        self.disk.append(Kept.output("vectors of captions", size, work=size))
        self.burdens.append(
            Burden(
                *(name, "sentences.model", parameters, sentences.dtype),
                *(self.frames.total, "captions", cost.operations),
            )
        )
        return width

    def clip(self, clip: Clip) -> int:
        """A CLIP's vectors of the frames; returns their width."""
        here = hub.status(clip.model, clip.revision, images.KIND)
        config = images.configuration(clip, Path(here.state) if here.present else None)
        of, number = images.weighed(clip, config), architecture.BYTES[clip.dtype]
        weights, a_frame = float(number * of.parameters), 8.0 * number * of.states
        rows = min(clip.batch, max(0, int((self.machine.memory - weights) / a_frame)))
        once = max(rows, 1)
        seconds = self.frames.total / once * self.machine.seconds(once * of.operations, weights)
        total = self.frames.total * of.operations
        self.notes += _precision("clip", clip.dtype, self.machine)
        self.costs.append(Cost("clip", total, seconds, weights, once * a_frame, rows, "frames"))
        self.disk.append(Kept(f"weights of {clip.model}", models=4.0 * of.parameters))
        size = 4.0 * of.width * self.frames.total
        self.disk.append(Kept.output("vectors of frames", size, work=size))
        named = clip.model, "features.clip.model", of.parameters, clip.dtype
        self.burdens.append(Burden(*named, self.frames.total, "frames", total))
        return of.width

    def train(self, splits: Splits, rows: Sequence[tuple[Train, Size]]) -> None:
        """Scorers of these sizes, each with how it is trained."""
        cost = estimate.train(splits, self.frames, rows, self.machine)
        self.costs.append(cost)
        if not cost.fits:
            once, longest = max(taught.batch for taught, _ in rows), self.frames.longest
            self.notes.append(
                f"train does not fit: {once} videos, the longest of {longest:,} frames, take "
                f"{cost.memory / 1e9:.1f} GB; lower train.batch, or name rows that attend less"
            )
        for dtype in dict.fromkeys(taught.dtype for taught, _ in rows):
            self.notes += _precision("train", dtype, self.machine)
        runs = estimate.runs_kept(rows[0][0], splits)
        size = runs * sum(4.0 * row.parameters for _, row in rows)
        self.disk.append(Kept.output(f"checkpoints of {runs * len(rows)} runs", size, work=size))


def _precision(stage: str, dtype: Dtype, machine: Machine) -> Iterator[str]:
    """What a number format means for a card."""
    if dtype == "bfloat16" and not machine.card.bfloat16:
        yield f"{stage}: {machine.card.title} has no bfloat16; set {stage}.dtype to float16"
    if dtype == "float32" and not machine.card.processor:
        yield (
            f"{stage}: in float32, a card multiplies several times more slowly than the rate of "
            "half precision that is reckoned with here"
        )


def advice(cost: Cost, name: str, machine: Machine, setting: str, wanted: int) -> Iterator[str]:
    """What to do where a stage does not fit, or not as much at once as wanted."""
    if not cost.fits:
        yield f"{cost.stage} does not fit: {', or '.join(_remedies(cost, name, machine))}"
    elif cost.at_once < wanted:
        yield (
            f"{cost.stage}: {wanted} {cost.unit} at once do not fit, {cost.at_once} do; the stage "
            f"finds that out and halves, or lower {setting}"
        )


def _remedies(cost: Cost, name: str, machine: Machine) -> Iterator[str]:
    needed = None if machine.card.processor else estimate.cards_needed(cost, machine)
    if needed is not None:
        yield f"{needed} such cards (accelerate spreads {name} over them)"
    room = machine.memory - cost.working
    if room > 0:
        share = room / cost.weights
        yield f"a model of at most {share:.0%} of its size in the same dtype"
    if cost.stage == "embed":
        yield "an open smaller model, such as embed.llm=Qwen/Qwen2.5-7B-Instruct"
    yield "a card with more memory"
