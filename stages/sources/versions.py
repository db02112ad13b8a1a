"""Which of several files of one video is the version that people annotated: SumMe's archive has an
mp4 and a webm of a video, and their numbers of frames differ.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.artifacts.video import Video
from stages.media import video
from stages.work import pool
from stages.work.executor import Task, stream
from stages.work.items import Arrays
from stages.work.store import Store, content_hash, key

log = logging.getLogger("llmvs")

_MB = 10**6


@dataclass(frozen=True)
class Counter:
    """Worker of the executor: how many frames each file decodes to, as `n_frames`.

    What a file's header announces is not believed, and packets are no frames: some hold none that
    is shown.
    """

    def __call__(self, paths: list[Path]) -> Iterator[tuple[int, Arrays]]:
        for index, path in enumerate(paths):
            yield index, {"n_frames": np.array(video.count(path), dtype=np.int64)}


class Nearest(NamedTuple):
    """A file by title, and the keys of the counts that the choice rests on."""

    files: dict[str, Path]
    keys: list[str]


def nearest(
    shown: Sequence[Video], candidates: Mapping[str, Sequence[Path]], store: Store
) -> Nearest:
    """Of each video's files the one whose number of frames is nearest to the annotated one.

    The first file of exactly that number is taken, and none after it is decoded. Of two as near the
    longer is taken, which leaves every annotation standing; then the first. Whether the nearest is
    near enough is for the sample stage to say, by `sample.tolerance`.

    Args:
        shown: the videos as they are annotated.
        candidates: of each video's title its files, one at least.
        store: where counts are kept, by the content of the file.

    Raises:
        UserError: one of several files of a video cannot be decoded.
    """
    several = {one.title: one for one in shown if len(candidates[one.title]) > 1}
    counts: dict[str, dict[Path, int]] = {title: {} for title in several}
    keys: list[str] = []

    def exact(title: str) -> bool:
        return several[title].n_frames in counts[title].values()

    for turn in range(max((len(candidates[title]) for title in several), default=0)):
        at_turn = {
            title: candidates[title][turn]
            for title in several
            if turn < len(candidates[title]) and not exact(title)
        }
        if not at_turn:
            break
        tasks = [
            Task(_key(path), path, 1 + path.stat().st_size // _MB) for path in at_turn.values()
        ]
        found = stream(tasks, Counter, store, "files of videos", "MB", processes=pool.processes())
        for (title, path), arrays in zip(at_turn.items(), found, strict=True):
            counts[title][path] = int(arrays["n_frames"])
        keys += [task.key for task in tasks]
    best = {title: _best(one, counts[title]) for title, one in several.items()}
    return Nearest({title: paths[0] for title, paths in candidates.items()} | best, keys)


def _key(path: Path) -> str:
    return key(stage="count", version=1, file=content_hash(path))


def _best(one: Video, counts: Mapping[Path, int]) -> Path:
    def distance(path: Path) -> tuple[int, bool]:
        return abs(counts[path] - one.n_frames), counts[path] < one.n_frames

    path = min(counts, key=distance)
    if counts[path] == one.n_frames:
        log.info("%s: %s has the %d frames annotated", one.title, path.name, one.n_frames)
    else:
        said = ", ".join(f"{path.name} {frames}" for path, frames in counts.items())
        log.warning(
            "%s: annotated for %d frames; decoded: %s; %s, the nearest, is taken, and "
            "sample.tolerance says whether that is near enough",
            *(one.title, one.n_frames, said, path.name),
        )
    return path
