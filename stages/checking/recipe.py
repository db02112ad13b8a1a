"""A recipe, and what of its data is known now: made, at hand, or known of the benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages.artifacts import captions as caption_file
from stages.artifacts import people as people_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.captions import Caption
from stages.artifacts.field import Annotated
from stages.artifacts.people import People
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.checking.finding import NotYetError
from stages.errors import UserError
from stages.params import Recipe
from stages.sources import beforehand, field_h5
from stages.sources import given as givens
from stages.sources.settings import Captions, SumMeDownload, TVSumDownload


@dataclass(frozen=True)
class Known:
    """A timeline, where it is from, and people's judgement where that is known too."""

    timeline: Timeline
    origin: str
    people: People | None = None


@dataclass(frozen=True)
class Dataset:
    """An entry of `datasets`.

    data: its folder, data/D. work: of what was fetched, the work store's.
    """

    name: str
    recipe: Recipe
    places: Places
    work: Path

    @cached_property
    def known(self) -> Known:
        """Annotations at hand before what an earlier run made of others, before the benchmark.

        Raises UserError where files contradict each other, NotYetError where nothing is known.
        """
        download = self.recipe.download
        videos = self.recipe.given.kind == "videos"
        if here := beforehand.annotated(self.name, download, self.work, videos):
            return Known(here.timeline, "annotations at hand", here.people)
        made = self.places.source / "timeline.h5"
        if made.is_file():
            timeline = timeline_file.read(made)
            people = people_file.read(self.places.people, timeline)
            if isinstance(download, SumMeDownload | TVSumDownload) and download.h5 is not None:
                field_h5.fits(download.kind, Annotated(timeline, people), download.h5)
            return Known(timeline, str(made), people)
        expected = beforehand.expected(self.name, download, self.recipe.benchmark)
        if expected is None:
            raise NotYetError("download makes the timeline")
        return Known(expected, f"what is known of {self.recipe.benchmark}")

    @property
    def timeline(self) -> Timeline:
        """Raises NotYetError where it is not known, or not to be had."""
        try:
            return self.known.timeline
        except UserError as error:
            raise NotYetError("once the annotations are in order") from error

    @property
    def judged(self) -> People | None:
        """What people said of the frames that captions made here describe; None where that is not
        known. Raises UserError where files contradict each other.
        """
        made = self.recipe.given.kind == "videos" and self.places.timeline.is_file()
        if made and self.places.people.is_file():
            return people_file.read(self.places.people, timeline_file.read(self.places.timeline))
        return self.known.people

    def captions(self) -> tuple[Mapping[str, Sequence[Caption]], str] | None:
        """Every video's captions and where they are from; None where there are none yet.

        Raises UserError where they do not fit the timeline.
        """
        given = self.recipe.given
        if isinstance(given, Captions):
            if beforehand.absent(given) or beforehand.address(given, self.work):
                return None
            said: dict[str, list[Caption]] = {}
            for caption in givens.captions(given, self.timeline, self.work):
                said.setdefault(caption.video, []).append(caption)
            return said, str(given.source or given.url)
        if self.places.captions.is_file():
            return caption_file.read(self.places.captions), str(self.places.captions)
        return None
