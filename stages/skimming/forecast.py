"""What summarising films will take and fetch, before any of it is done.

Films are not decoded for it: how long they last is what their files say. Rates are of two cores,
as measured; more of them, or a GPU, are faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.captioners import blip, registry
from stages.errors import UserError
from stages.llm import smollm2, weights
from stages.media import video
from stages.skimming import film_scorer
from stages.skimming.settings import SkimRecipe
from stages.work import hub
from stages.work.pace import duration

FRAMES_PER_SECOND = 9.0
"""Sampled frames of 1080p, decoding up to them included."""


@dataclass(frozen=True)
class Forecast:
    """Of films together.

    unknown: files that do not say how long they last. seconds: of the others. frames: sampled of
    those. caption, llm: the models that read them, None where none does. absent: models that have
    to be fetched first. damaged: what is wrong with files that are no videos.
    """

    films: int
    unknown: int
    seconds: float
    frames: int
    caption: str | None
    llm: str | None
    absent: tuple[str, ...]
    damaged: tuple[str, ...] = ()

    @classmethod
    def of(cls, films: Sequence[Path], recipe: SkimRecipe) -> "Forecast":
        """Raises UserError where no file is a video, or there is no such scorer."""
        told, damaged = list[float | None](), list[str]()
        for film in films:
            try:
                told.append(video.header(film).promised)
            except UserError as error:
                damaged.append(str(error))
        if not told:
            raise UserError("\n".join(damaged))
        lengths = [length for length in told if length is not None]
        caption = recipe.caption
        model: str | None = None
        absent: list[str] = []
        if caption is not None:
            kind = registry.kind(caption)
            model = getattr(caption, "model", caption.captioner)
            revision = getattr(caption, "revision", None)
            if kind is not None and not hub.status(str(model), revision, kind).present:
                absent.append(str(model))
        llm = None if recipe.scorer is None else film_scorer.llm(recipe.scorer)
        if llm is not None and not weights.status(llm, None).present:
            absent.append(llm)
        return cls(
            len(told),
            len(told) - len(lengths),
            sum(lengths),
            sum(int(length / recipe.looking.every) + 1 for length in lengths),
            model,
            llm,
            tuple(absent),
            tuple(damaged),
        )

    def said(self) -> str:
        """A line each for the films, the steps and what is fetched."""
        films = "1 film" if self.films == 1 else f"{self.films} films"
        lines = [
            f"{films}, {duration(self.seconds)}: {self.frames:,} frames to look at"
            + (f" ({self.unknown} do not say how long they last)" if self.unknown else ""),
            f"decoding and looking: about {duration(self.frames / FRAMES_PER_SECOND)} at 1080p",
        ]
        if self.caption is not None:
            lines.append(f"captions by {self.caption}: one a frame{self._captioned()}")
        if self.llm is not None:
            lines.append(f"judged by {self.llm}: one prompt a frame{self._read()}")
        for model in self.absent:
            size = blip.BYTES.get(model)
            lines.append(f"to fetch, once: {model}" + (f", {size / 1e6:.0f} MB" if size else ""))
        if not self.absent:
            lines.append("nothing to fetch")
        return "\n".join([*lines, *(f"left out: {said}" for said in self.damaged)])

    def _captioned(self) -> str:
        if self.caption not in blip.BYTES:
            return ""
        rate = blip.FRAMES_PER_SECOND
        return f", about {duration(self.frames / rate)} on two cores (at {rate:g}/s)"

    def _read(self) -> str:
        if self.llm != smollm2.NAME:
            return ""
        rate = smollm2.PROMPTS_PER_SECOND
        return f", at most {duration(self.frames / rate)} on two cores (at {rate:g}/s)"
