"""Frames put to a captioner through the work store: what is there already is not asked again.

Whoever captions frames does it here, so that a caption has one key, and a model too large for this
machine is refused before it is loaded, whichever command wants it.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from stages.artifacts.frames import VideoFrames, reading
from stages.captioners.captioner import CaptionWorker, Frame, Plan
from stages.work import burden
from stages.work.executor import Task, stream
from stages.work.parcels import Model
from stages.work.store import Store, key
from stages.work.workers import Away


def tasks(plan: Plan, images: Iterable[tuple[Frame, str]]) -> list[Task[Frame]]:
    """A task for each frame, given with `jpeg_key` of it. Raises UserError as `determinants`."""
    return tasks_by_question({"": plan}, images)[""]


def tasks_by_question(
    plans: Mapping[str, Plan], images: Iterable[tuple[Frame, str]]
) -> dict[str, list[Task[Frame]]]:
    """The same for each question; a frame is looked at once."""
    made: dict[str, list[Task[Frame]]] = {question: [] for question in plans}
    determinants = {question: plan.determinants() for question, plan in plans.items()}
    for frame, image in images:
        for question, of in determinants.items():
            task = Task(key(stage="caption", frame=image, captioner=of), frame)
            made[question].append(task)
    return made


def images(videos: Iterable[VideoFrames]) -> Iterator[tuple[Frame, str]]:
    """Every frame of these videos with `jpeg_key` of it, one in memory at a time."""
    for video in videos:
        for index, jpeg in enumerate(video.jpegs()):
            yield Frame(video.name, index), jpeg_key(jpeg)


def jpeg_key(jpeg: bytes) -> str:
    """Of a frame's picture, wherever it comes from."""
    return key(jpeg=jpeg)


def answers(plan: Plan, asked: Sequence[Task[Frame]], frames: Path, store: Store) -> Iterator[str]:
    """What the captioner says of every frame, in order: all is said when this returns, and each
    answer is read from the store when it is its turn.

    Args:
        plan: of the captioner.
        asked: `tasks` of it.
        frames: the frames file; not opened where the store holds every answer.
        store: of finished captions.

    Raises:
        UserError: it is too much for this machine, or the captioner cannot be had.
    """
    missing = len({task.key for task in asked if task.key not in store})
    wanted = plan.burden(missing) if missing else None
    if wanted is not None:
        burden.checked(wanted)
    with Jpegs(frames) as jpegs:
        results = stream(
            asked,
            partial(CaptionWorker, plan, frames),
            store,
            weights=wanted.weights if wanted else 0,
            away=Away(
                partial(CaptionWorker, plan),
                Model(plan.model, plan.fetch),
                together=plan.batch,
                carry=jpegs,
            ),
        )
        first = [*itertools.islice(results, 1)]  # which is not read before all are kept
    return (str(arrays["caption"]) for arrays in itertools.chain(first, results))


def joined(said: Mapping[str, str]) -> str:
    """The answers about one frame as its caption; each but the general one under its name."""
    return " ".join(
        words if region == "general" else f"{region.capitalize()}: {words}"
        for region, words in said.items()
    )


class Jpegs:
    """The bytes of frames of a file, which is opened when the first is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()
        self._videos: Mapping[str, VideoFrames] = {}

    def __enter__(self) -> "Jpegs":
        return self

    def __call__(self, frame: Frame) -> bytes:
        if not self._videos:
            self._videos = self._open.enter_context(reading(self._path)).by_name
        return self._videos[frame.video].jpeg(frame.index)

    def __exit__(self, *_: object) -> None:
        self._open.close()
