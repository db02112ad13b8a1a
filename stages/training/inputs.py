"""A row's inputs and people's scores, joined into what a scorer learns from.

Shapes: T sampled frames, D width of an input.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.artifacts import embeddings, features
from stages.artifacts.people import People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.settings import Entry, Input
from stages.splits.settings import Protocol
from stages.training import batches
from stages.training.provisions import EMBEDDINGS, FILES, files, lacking
from stages.training.shelf import COPIES, Shelf
from stages.training.targets import keyshots
from stages.work.ragged import Array, RaggedByName

log = logging.getLogger("llmvs")


class Reading:
    """The inputs of a row while their files are open."""

    def __init__(
        self,
        names: Sequence[Input],
        embedded: embeddings.Reading | None,
        featured: Mapping[str, features.Reading],
    ) -> None:
        self._names, self._embedded, self._featured = names, embedded, featured
        self.by_split = embedded is not None and embedded.by_split

    def video(self, video: Video, protocol: Protocol, number: int) -> dict[str, Tensor]:
        """A video's inputs by name, (T, D) each in float32, as split `number` is to see them.

        Raises UserError, naming the file, where they are missing, of other frames, or not finite.
        """
        found: dict[str, Tensor] = {}
        embedded = None
        if self._embedded is not None:
            embedded = self._embedded.video(video, protocol, number)
        for name in self._names:
            if FILES[name] in self._featured:
                x_TD = self._featured[FILES[name]].video(video)
            else:
                assert embedded is not None
                x_TD = embedded.query_TW if name == "query" else embedded.answer_TW
            found[name] = torch.from_numpy(np.asarray(x_TD, dtype=np.float32))
        return found


@dataclass(frozen=True)
class Inputs:
    """Where a row's inputs lie.

    folder: the dataset's `inputs`. model: the entry's name in params.yaml. names: what it is fed.
    """

    folder: Path
    model: str
    names: tuple[Input, ...]

    def check(self) -> None:
        """Raises UserError, saying what would provide it, for an input that is not there."""
        for name, why in lacking(self.folder, self.names).items():
            raise UserError(
                f"{self.model} is fed {name} (its inputs, in params.yaml or on a head's card), "
                f"which is not to be had here, in {self.folder / FILES[name]}: {why}. Make that, "
                "or name a row or head that is fed something else"
            )

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The inputs, readable while the block lasts. Raises UserError as `check`, or where a
        file is not what it should be.
        """
        self.check()
        with ExitStack() as opened:
            embedded, featured = None, {}
            for name in files(self.names):
                if name == EMBEDDINGS:
                    embedded = opened.enter_context(embeddings.reading(self.folder / name))
                else:
                    featured[name] = opened.enter_context(features.reading(self.folder / name))
            yield Reading(self.names, embedded, featured)


@dataclass(eq=False)
class BySplit:
    """A dataset's judged videos as each split is to see them, read when asked for.

    One set of videos is kept: the last split's, or the only one where splits do not differ. Where
    `room`, bytes, does not hold it and what training makes of it, it is a shelf, which reads a
    video whenever it is wanted, of files that stay open. Sent to another process, it is sent
    without them.
    """

    inputs: Inputs
    kind: str
    timeline: Timeline
    gtscores: Mapping[str, Array]
    keyshots: Mapping[str, Array] = field(default_factory=dict)
    room: int | None = None
    _split: tuple[Protocol, int] | None = None
    _differ: bool = True
    _videos: Mapping[str, batches.Video] = field(default_factory=dict)
    _files: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of(
        cls,
        folder: Path,
        model: str,
        entry: Entry,
        timeline: Timeline,
        people: People,
        budget: float = 0.15,
        room: int | None = None,
    ) -> "BySplit":
        """Those of one row.

        Args:
            folder: the dataset's `inputs`.
            model: the row's name in params.yaml.
            entry: the row's entry there.
            timeline: the dataset's videos.
            people: bring gtscore; a video they did not judge is left out.
            budget: share of a video that a summary may show, for kinds that learn from one.
            room: bytes that the videos may take; None: as many as they need.

        Raises:
            UserError: an input is not there, or shots that a summary needs are not known.
        """
        inputs = Inputs(folder, model, entry.inputs)
        inputs.check()
        gtscores, chosen = RaggedByName(), RaggedByName()
        for video in people.videos:
            gtscores.add(video.name, video.gtscore_T.astype(np.float32))
        if registry.scorer(entry.kind).keyshots:
            known = timeline.by_name
            for name, gtscore_T in gtscores.items():
                chosen.add(name, keyshots(gtscore_T, known[name], budget))
        return cls(inputs, entry.kind, timeline, gtscores, chosen, room)

    def __call__(self, protocol: Protocol, number: int) -> Mapping[str, batches.Video]:
        """The videos by name, their inputs prepared. Raises UserError as `Inputs.reading`."""
        if self._split is None or (self._differ and (protocol, number) != self._split):
            self._videos = {}  # or two sets would be in memory while the second is read
            names = [name for name in self.timeline.names if name in self.gtscores]
            with self.inputs.reading() as file:
                self._differ = file.by_split
                if (size := self._too_large(file, names[0], protocol, number)) is not None:
                    self._videos = self._shelf(names, protocol, number, size)
                else:
                    self._videos = {
                        name: self._read(file, name, protocol, number) for name in names
                    }
            self._split = (protocol, number)
        return self._videos

    def _read(self, file: Reading, name: str, protocol: Protocol, number: int) -> batches.Video:
        prepare = registry.scorer(self.kind).prepare
        found = file.video(self.timeline.by_name[name], protocol, number)
        chosen_T = self.keyshots.get(name)
        return batches.Video(
            name,
            prepare(found),
            torch.from_numpy(self.gtscores[name]),
            None if chosen_T is None else torch.from_numpy(chosen_T),
        )

    def _too_large(self, file: Reading, name: str, protocol: Protocol, number: int) -> int | None:
        """Bytes of all videos, which are as wide as the one named, where there is no room for what
        training makes of them; else None.
        """
        if self.room is None:
            return None
        example = self._read(file, name, protocol, number)
        frames = sum(map(len, self.gtscores.values()))
        size = example.nbytes * frames // len(example.gtscore_T)
        return size if size * COPIES > self.room else None

    def _shelf(self, names: Sequence[str], protocol: Protocol, number: int, size: int) -> Shelf:
        assert self.room is not None
        log.info(
            "%.1f GB of videos do not fit into %.1f GB, with what training makes of them: they are "
            "read whenever they are wanted",
            *(size / 1e9, self.room / 1e9),
        )

        # Opening a file of thousands of videos takes longer than reading one of them.
        files = ExitStack()
        file = files.enter_context(self.inputs.reading())
        self._files.close()
        self._files = files

        def read(name: str) -> batches.Video:
            return self._read(file, name, protocol, number)

        return Shelf(names, read, self.room // COPIES)

    def __reduce__(self) -> tuple[Any, ...]:
        # What was read stays: another process reads for itself.
        given = (self.inputs, self.kind, self.timeline, self.gtscores, self.keyshots, self.room)
        return BySplit, given
