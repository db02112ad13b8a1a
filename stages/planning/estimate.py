"""Operations, memory, hours and disk of each stage of a recipe on a given card.

Time is the longer of two: the operations over the card's rate of matrix products, and the bytes
that must be moved over its bandwidth. The first rules where many tokens are read at once, the
second where a token at a time is written. Both are reached to the stated efficiency.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from stages.captioners.settings import ImageTextCaption
from stages.encoders.settings import Sentences
from stages.errors import UserError
from stages.llm.settings import Embed
from stages.llm.softmax import SCORES
from stages.planning.cards import Card
from stages.planning.scorer import Size
from stages.planning.workload import Frames, Prompt
from stages.splits.settings import Splits
from stages.training.settings import Train
from stages.work.architecture import BYTES, Decoder, Vision

USABLE = 0.92
"""Share of a card's memory that is left for tensors."""
STEP = 0.01
"""Seconds that one pass of the small trained model takes however little there is to do."""


@dataclass(frozen=True)
class Machine:
    """Cards of one kind, and the share of their rate and bandwidth that is reached."""

    card: Card
    count: int
    efficiency: float

    def seconds(self, operations: float, moved: float) -> float:
        """Time on one card for so many operations while so many bytes are moved."""
        rate, bandwidth = self.card.rate, self.card.bandwidth
        return max(operations / rate, moved / bandwidth) / self.efficiency

    @property
    def memory(self) -> float:
        """Bytes of all cards that tensors can have."""
        return USABLE * self.count * self.card.memory


@dataclass(frozen=True)
class Cost:
    """A stage's cost. weights and working memory in bytes; at_once: of `unit`, what is read
    together and fits; 0 where not even one does.
    """

    stage: str
    operations: float
    seconds: float
    weights: float
    working: float
    at_once: int
    unit: str

    @property
    def memory(self) -> float:
        return self.weights + self.working

    @property
    def fits(self) -> bool:
        return self.at_once > 0


def between_layers(model: Decoder) -> int:
    """Numbers a token needs at once inside a layer: its states, and those of the gated MLP."""
    return 4 * model.hidden + 3 * model.intermediate


def caption(
    settings: ImageTextCaption,
    frames: Frames,
    model: Decoder,
    vision: Vision,
    asked: int,
    said: int,
    machine: Machine,
) -> Cost:
    """The caption stage, by transformers' generate.

    Args:
        asked: tokens of the prompt beside the image's.
        said: tokens of a caption; the longest of a batch, until which the batch goes on, counts
            half as many again.
    """
    width = BYTES[settings.dtype]
    read = vision.tokens + asked
    steps = min(ceil(1.5 * said), settings.max_new_tokens)
    cached = width * model.cached_values
    an_image = cached * (read + steps) + width * read * between_layers(model)
    weights = width * model.parameters
    at_once = halved(settings.batch, (machine.memory - weights) / an_image)
    rows = max(at_once, 1)

    reading = vision.operations + model.operations(read, 0, answers=1)
    writing = model.operations(steps, read, answers=steps)
    moved = weights + rows * cached * (read + steps / 2)
    batch = machine.seconds(rows * reading, weights) + machine.seconds(
        rows * writing, steps * moved
    )
    questions = len(settings.describe) + settings.direct
    batches = questions * frames.total / rows
    operations = questions * frames.total * (reading + writing)
    return Cost("caption", operations, batches * batch, weights, rows * an_image, at_once, "images")


def embed(
    settings: Embed, frames: Frames, model: Decoder, prompt: Prompt, runs: int, machine: Machine
) -> Cost:
    """The embed stage, by this project's engine.

    Args:
        runs: how often every frame is read: once, or once a split.
    """
    width = BYTES[settings.dtype]
    own = prompt.query + prompt.draft
    steps = prompt.answer - prompt.draft
    cached = width * model.cached_values
    # A row's keys and values, and what a layer holds of it.
    a_row = cached * (own + steps) + width * own * between_layers(model)
    held = cached * prompt.prefix
    # Scores that exist at a time where no kernel keeps them to itself.
    scores = 4 * SCORES
    weights = width * model.parameters
    wanted = max(1, settings.token_budget // prompt.query)
    at_once = halved(wanted, (machine.memory - weights - held - scores) / a_row)
    rows = max(at_once, 1)

    reading = model.operations(own, prompt.prefix, answers=prompt.draft + 1)
    writing = model.operations(steps, prompt.prefix + own, answers=steps)
    moved = weights + rows * cached * own + held
    batch = machine.seconds(rows * reading, weights) + machine.seconds(
        rows * writing, steps * moved
    )
    batches = runs * frames.total / rows
    operations = runs * frames.total * (reading + writing)
    working = held + scores + rows * a_row
    return Cost("embed", operations, batches * batch, weights, working, at_once, "prompts")


@dataclass(frozen=True)
class Encoder:
    """A text model: parameters, those of linear maps among them, and the width of its states."""

    parameters: int
    linear: int
    hidden: int


def sentences(
    settings: Sentences, frames: Frames, model: Encoder, read: int, machine: Machine
) -> Cost:
    """The sentences stage, captions of `read` tokens, without what attention adds to them."""
    width = BYTES[settings.dtype]
    wanted = max(settings.token_budget // read, 1)
    a_caption = 8 * width * read * model.hidden
    weights = width * model.parameters
    at_once = halved(wanted, (machine.memory - weights) / a_caption)
    rows = max(at_once, 1)
    reading = 2.0 * read * model.linear
    seconds = frames.total / rows * machine.seconds(rows * reading, weights)
    operations = frames.total * reading
    return Cost("sentences", operations, seconds, weights, rows * a_caption, at_once, "captions")


def share_learnt(splits: Splits) -> float:
    """Of all videos, those that a run learns from: a published split of one fold, nearly all."""
    return 1 - 1 / splits.folds if splits.folds > 1 else 1.0


def runs_of_train(settings: Train, splits: Splits) -> int:
    """How often each row is trained."""
    return len(splits.protocols) * splits.folds * len(settings.seeds)


def runs_kept(settings: Train, splits: Splits) -> int:
    """Of how many of them the weights are kept."""
    return runs_of_train(settings, splits) if settings.checkpoints == "all" else splits.folds


def train(
    splits: Splits, frames: Frames, rows: Sequence[tuple[Train, Size]], machine: Machine
) -> Cost:
    """The train stage: every protocol, split and seed of each row, one run after another.

    Args:
        rows: how each is trained, and its size.
    """
    learnt = share_learnt(splits)
    operations = seconds = 0.0
    for settings, size in rows:
        epochs = settings.epochs * runs_of_train(settings, splits)
        passes = ceil(learnt * frames.videos / settings.batch)
        # Forward, and twice that backward.
        epoch = 3 * learnt * size.operations(frames.total, frames.pairs)
        operations += epochs * epoch
        seconds += epochs * max(machine.seconds(epoch, 0), STEP * passes)
    weights = max(16 * size.parameters for _, size in rows)  # gradients, and Adam's two moments
    working = max(4 * settings.batch * size.kept(frames.longest) for settings, size in rows)
    # A training stays on one card, and halves nothing.
    fits = weights + working <= replace(machine, count=1).memory
    at_once = max(settings.batch for settings, _ in rows) if fits else 0
    return Cost("train", operations, seconds, weights, working, at_once, "videos")


def halved(wanted: int, room: float) -> int:
    """What is left of a batch that is halved until it fits; 0 where not even one does."""
    while wanted > max(room, 0):
        wanted //= 2
        if not wanted:
            return 0
    return wanted


def cards_needed(cost: Cost, machine: Machine, most: int = 16) -> int | None:
    """Cards that would hold the weights and a working set of one; None where `most` do not."""
    for count in range(1, most + 1):
        if replace(machine, count=count).memory >= cost.memory:
            return count
    return None


def runs_of_embed(settings: Embed, splits: Splits) -> int:
    """How often the embed stage reads every frame."""
    shown = settings.prompt.shown
    by_split = shown.drawn
    return len(splits.protocols) * splits.folds if by_split else 1


def checked(efficiency: float, count: int) -> None:
    """Raises UserError for an efficiency or a number of cards that makes no sense."""
    if not 0 < efficiency <= 1:
        raise UserError(f"--efficiency {efficiency}: must be above 0 and at most 1")
    if count < 1:
        raise UserError(f"--cards {count}: must be at least 1")
