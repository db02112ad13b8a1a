"""What each stage of a recipe moves: files, items of the work store, objects between driver and
workers, and the driver's own seconds and memory (`README.md` in this folder has the formulas).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from stages.captioners import registry
from stages.captioners.settings import CaptionSettings
from stages.llm.settings import Embed
from stages.media.settings import Sample
from stages.params import Recipe
from stages.planning import estimate, passage, rates, storage, workload
from stages.planning.passage import Passage
from stages.planning.scorer import Size
from stages.planning.workload import Frames, Prompt
from stages.splits.settings import Splits
from stages.training.settings import Train
from stages.vision.encoder import FEATURES
from stages.work import portions

REPLY = 4
"""Characters of a token of a reply, about."""


@dataclass(frozen=True)
class Flow:
    """What a stage moves.

    read, written: bytes of files. items: of the work store, of `size` bytes on average. held: what
    they all take on disk. output: bytes of the stage's artifact. passage: to workers of a cluster
    and back; None where the stage has none. driver: seconds at keys and items, before and while
    workers are at work; assembly: seconds after it. memory: bytes that the driver holds for them.
    """

    stage: str
    read: float
    written: float
    items: int = 0
    size: float = 0
    held: float = 0
    output: float = 0
    passage: Passage | None = None
    driver: float = 0
    assembly: float = 0
    memory: float = 0


def flows(
    recipe: Recipe,
    frames: Frames,
    words: int,
    prompt: Prompt | None,
    states: int | None,
    rows: Sequence[tuple[Train, Size]],
    workers: int,
) -> Iterator[Flow]:
    """What the recipe's stages move, those of sentences, features and fine-tuning left out.

    Args:
        words: of a caption.
        states: how wide the LLM's are; None where none is asked.
        rows: what is trained, and its size.
        workers: of the cluster.
    """
    if recipe.sample is not None:
        yield sample(recipe.sample, frames)
        if recipe.caption is not None:
            jpeg = workload.jpeg_bytes(recipe.sample.short_side)
            yield caption(recipe.caption, frames, jpeg, words, workers)
    if recipe.embed is not None and prompt is not None and states is not None:
        runs = estimate.runs_of_embed(recipe.embed, recipe.splits)
        yield embed(recipe.embed, frames, prompt, states, runs, words, workers)
    if rows:
        yield train(recipe.splits, frames, rows)


def sample(settings: Sample, frames: Frames) -> Flow:
    """The sample stage: every video is read twice, for its key and to be decoded."""
    jpeg, videos = workload.jpeg_bytes(settings.short_side), workload.video_bytes(frames)
    size = storage.taken(frames.total / frames.videos, jpeg, FEATURES)
    output = storage.sampled(frames, jpeg, FEATURES)
    items = frames.videos * size
    return Flow(
        "sample",
        read=2 * videos + items,
        written=items + output,
        items=frames.videos,
        size=size,
        held=frames.videos * storage.on_disk(size),
        output=output,
    )


def caption(
    settings: CaptionSettings, frames: Frames, jpeg: float, words: int, workers: int
) -> Flow:
    """The caption stage, as if no two frames were the same.

    Args:
        jpeg: bytes of a frame.
        words: of a caption.
        workers: of the cluster.
    """
    plans = registry.plans(settings)
    (batch, *_), asked = [plan.batch for plan in plans.values()], len(plans)
    characters = len(workload.caption_of(words))
    count, size = asked * frames.total, storage.caption(characters)
    share = portions.share(frames.total, batch, workers)
    output = storage.lines(frames, asked * characters)
    return Flow(
        "caption",
        # Once for the keys, and once a question on the way to workers.
        read=(1 + asked) * frames.total * jpeg + count * size,
        written=count * size + storage.root(count) + output,
        items=count,
        size=size,
        held=count * storage.on_disk(size),
        output=output,
        passage=Passage(
            count / share,
            share,
            passage.frames(share, jpeg),
            passage.answers(share, [storage.CHARACTER * characters]),
        ),
        driver=count * (rates.KEYED + rates.RAY),
        assembly=count * rates.CAPTIONED,
        memory=count * rates.CAPTION_TASK,
    )


def embed(
    settings: Embed, frames: Frames, prompt: Prompt, width: int, runs: int, words: int, workers: int
) -> Flow:
    """The embed stage, as if no two prompts were the same.

    Args:
        width: of a state.
        runs: how often every frame is read: once, or once a split.
        words: of a caption.
        workers: of the cluster.
    """
    together = max(1, settings.token_budget // prompt.query)
    batches = runs * sum(count * ceil(picks / together) for picks, count in frames.lengths)
    prompts, readouts = runs * frames.total, 1 + len(settings.also)
    rows, characters = prompts / batches, REPLY * prompt.answer
    count, size = readouts * batches, storage.states(rows, width, characters)
    share = portions.share(batches, 1, workers)
    back = [4 * width * rows, 4 * width * rows, storage.CHARACTER * characters * rows] * readouts
    output = runs * storage.embeddings(frames, width, characters)
    return Flow(
        "embed",
        read=storage.lines(frames, len(workload.caption_of(words))) + batches * size,
        written=count * size + storage.root(count) + output,
        items=count,
        size=size,
        held=count * storage.on_disk(size),
        output=output,
        passage=Passage(
            batches / share,
            share,
            passage.prompts(share, rows, prompt.query),
            passage.answers(share, back),
        ),
        driver=prompts * rates.LAID_OUT + count * (rates.PUT + size / rates.WRITTEN),
        assembly=prompts * (rates.EMBEDDED + 2 * 4 * width / rates.COPIED),
        memory=waiting(prompts, batches, prompt.query),
    )


def waiting(prompts: int, batches: int, tokens: int) -> float:
    """Bytes of the driver's memory of prompts of so many tokens each, in batches."""
    of_each = rates.PROMPT_TASK + rates.TOKEN_TASK * tokens
    return prompts * of_each + batches * rates.BATCH_TASK


def train(splits: Splits, frames: Frames, rows: Sequence[tuple[Train, Size]]) -> Flow:
    """The train stage, where no memory holds the videos: read anew in every epoch.

    rows: how each is trained, and its size.
    """
    learnt, read, output, items = estimate.share_learnt(splits), 0.0, 0.0, 0
    for settings, size in rows:
        runs, kept = estimate.runs_of_train(settings, splits), estimate.runs_kept(settings, splits)
        read += runs * settings.epochs * learnt * frames.total * 4.0 * size.fed
        output += kept * 4.0 * size.parameters
        items += runs + kept
    return Flow("train", read, 2 * output, items, output / items, output, output)
