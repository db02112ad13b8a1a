"""How much there is to read: a recipe's frames, and the tokens of what the models are shown.

Frames are those of the annotated videos; tokens are counted on prompts made of captions of a
given length, as what the captioner will say is not known yet.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import h5py

from stages.artifacts import hdf5
from stages.artifacts.video import EVERY
from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.llm.examples import written
from stages.llm.prompt import layout, query_text
from stages.llm.settings import Embed
from stages.params import Recipe
from stages.sources import mrhisum
from stages.sources.settings import Embeddings
from stages.work.tokens import as_text

LENGTHS = "video_lengths.json"
FPS = 30
"""Frames a second of videos of which only the seconds are said."""
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}<|assistant|>"
"""Stands for the chat template of a model that is not here: the turns, each behind a mark."""

_PROSE = "a man in a red jacket walks slowly along the crowded street while two children with a dog"


@dataclass(frozen=True)
class Frames:
    """Sampled frames of videos, and which counting that is.

    lengths: sampled frames of a video, and how many videos have so many; each length once, so that
    a million videos are no more to hold than ten.
    """

    lengths: tuple[tuple[int, int], ...]
    source: str

    @classmethod
    def of(cls, videos: Iterable[int], source: str) -> "Frames":
        """Of videos of so many sampled frames each."""
        return cls(tuple(sorted(Counter(videos).items())), source)

    @property
    def videos(self) -> int:
        return sum(count for _, count in self.lengths)

    @property
    def total(self) -> int:
        return sum(frames * count for frames, count in self.lengths)

    @property
    def pairs(self) -> int:
        """Of frames of the same video, each with itself and in both orders."""
        return sum(frames**2 * count for frames, count in self.lengths)

    @property
    def longest(self) -> int:
        return max(frames for frames, _ in self.lengths)


def frames(dataset: str, recipe: Recipe) -> Frames:
    """The frames a recipe picks: SumMe's and TVSum's by their annotations, the demo's drawn.

    Raises UserError where neither knows the dataset.
    """
    download = recipe.download
    if download.kind == "demo":
        shots, seconds = sum(download.shots) / 2, sum(download.shot_seconds) / 2
        each = round(shots * seconds * download.fps / EVERY)
        return Frames(((each, download.videos),), "as its settings make on average")
    if download.kind == "mrhisum":
        lasting = mrhisum.lengths(Path(download.source))
        if lasting is None:
            raise UserError(
                f"datasets.{dataset}: how long its videos are is known once {download.source} is "
                "here (download.source)"
            )
        return Frames.of(lasting, "by its h5")
    text = (resources.files("stages.planning") / LENGTHS).read_text(encoding="utf-8")
    lengths = json.loads(text)
    if download.kind not in lengths:
        raise UserError(f"datasets.{dataset}: the lengths of {download.kind} are not known here")
    return Frames.of(
        (-(-length // EVERY) for length in lengths[download.kind]), "by its annotations"
    )


def equal(videos: int, seconds: float) -> Frames:
    """The frames of so many videos of so many seconds each.

    Raises UserError for what is no number of videos, or no length.
    """
    if videos < 1:
        raise UserError(f"--videos {videos}: must be at least 1")
    if not 0 < seconds * FPS < math.inf:
        raise UserError(f"--seconds {seconds:g}: must be above 0, and a number")
    picks = math.ceil(seconds * FPS / EVERY)
    return Frames(
        ((picks, videos),),
        f"of {seconds:g} seconds each at {FPS} frames a second, in place of its own",
    )


def width_of_given(embeddings: Embeddings) -> int | None:
    """How wide given states are, by the shape of the first; None where their file is not here.

    Raises UserError where it is here and is no HDF5 file.
    """
    path = Path(embeddings.query).expanduser()
    if not path.is_file():
        return None
    with hdf5.reading(path, "name the file of the states as given.query in params.yaml") as file:
        arrays = [each for each in file.values() if isinstance(each, h5py.Dataset) and each.ndim]
        return int(arrays[0].shape[-1]) if arrays else None


@dataclass(frozen=True)
class Prompt:
    """Tokens of the shared prefix, of a query with its closing, and of an answer beyond what all
    answers begin with. counter: whose tokenizer counted.
    """

    prefix: int
    query: int
    draft: int
    answer: int
    counter: str


def caption_of(words: int) -> str:
    """A made-up caption of so many words."""
    prose = _PROSE.split()
    return " ".join((prose * (words // len(prose) + 1))[:words]).capitalize() + "."


def prompt(embed: Embed, words: int) -> Prompt:
    """Tokens of the LLM's prompts where captions have so many words.

    Counted by the LLM's own tokenizer where it is on this machine, else by the embedded model's.
    Raises UserError where neither is here.
    """
    tokenizer, counter = _tokenizer(embed)
    shown = embed.prompt.model_copy(update={"examples": written(embed)})
    around = layout(tokenizer, shown)
    window = (caption_of(words),) * embed.window
    query = around.query(query_text(shown, window, window[0]))
    # What tells one answer from another, and the end of the turn.
    longest = embed.longest_answer
    if embed.prompt.task == "score":
        longest = min(longest, len(around.draft) + 2)
    own = len(query) + len(around.closing)
    return Prompt(len(around.prefix), own, len(around.draft), longest, counter)


def tokens(text: str, embed: Embed) -> int:
    """Tokens of a text, by the same counting."""
    tokenizer, _ = _tokenizer(embed)
    return len(as_text(tokenizer, text))


def _tokenizer(embed: Embed) -> tuple[Any, str]:
    if weights.status(embed.llm, embed.revision).present:
        return weights.tokenizer(embed.llm, embed.revision), embed.llm
    if not weights.status(smollm2.NAME).present:
        raise UserError("no tokenizer is on this machine to count with: run `llmvs weights`")
    counting = weights.tokenizer(smollm2.NAME)
    counting.chat_template = TEMPLATE
    return counting, f"{smollm2.NAME}, as {embed.llm} is not here"


def video_bytes(frames: Frames) -> float:
    """Bytes of the videos themselves, at the rate of TVSum's: its archive has 672 MB of 23,510
    sampled frames.
    """
    return frames.total * 0.672e9 / 23_510


def jpeg_bytes(short_side: int) -> float:
    """Bytes of a sampled frame: a quarter of one a pixel, as the demo's at quality 92; 16 by 9."""
    return 0.25 * short_side**2 * 16 / 9
