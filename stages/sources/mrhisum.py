"""MR.HiSum: 31,892 videos of YouTube-8M, and how often each of their seconds is played again.

Shapes: T seconds of a video, each of which is a frame, S shots.

Source: Sul, Han, Lee, "Mr. HiSum", NeurIPS 2023 datasets and benchmarks, and the code beside it
(github.com/MRHiSum/MR.HiSum). `mr_hisum.h5` has a group a video, `video_1` to `video_31892`, with
`gtscore` (T,) in 0..1, `change_points` (S, 2), `gt_summary` (T,) of 0 and 1, and, once its users
have put YouTube-8M's into it, `features` (T, 1024). `mr_hisum_split.json` names the videos to train
on, to choose the epoch by and to test on.

What is replayed most is one score a second, not several people's: it stands as one user's score,
and the summary that its authors' knapsack makes of it as that user's summary.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from stages.artifacts import hdf5, people, timeline
from stages.artifacts.field import Annotated
from stages.artifacts.hdf5 import Group
from stages.artifacts.names import natural
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Part, Video
from stages.errors import UserError
from stages.sources import given, replayed_videos
from stages.sources.fetch import Remote, fetch, fetched
from stages.sources.places import copied
from stages.sources.replayed_videos import Found
from stages.sources.settings import MrHisumDownload

log = logging.getLogger("llmvs")

SYNTHETIC = "synthetic"
"""Attribute of a file of the same layout whose content is made up."""

_AGAIN = (
    "fetch mr_hisum.h5 as github.com/MRHiSum/MR.HiSum says, and name it as download.source in "
    "params.yaml"
)
_FEATURES = (
    "holds no features; YouTube-8M's are put into the file by the authors' "
    "preprocess/preprocess.py (github.com/MRHiSum/MR.HiSum)"
)
_SPLIT = 'expected {"train_keys": ["video_1", …], "val_keys": […], "test_keys": […]}'


class _Split(BaseModel):
    """`mr_hisum_split.json`."""

    model_config = ConfigDict(frozen=True, strict=True)

    train: list[str] = Field(alias="train_keys", min_length=1)
    validation: list[str] = Field(alias="val_keys", min_length=1)
    test: list[str] = Field(alias="test_keys", min_length=1)


def make(
    name: str,
    settings: MrHisumDownload,
    simulated: bool,
    out: Path,
    work: Path,
    videos: bool = False,
) -> None:
    """Write `out`/timeline.h5 and `out`/people.h5; where `videos`, also `out`/videos, of those that
    are there, and `out`/missing.csv.

    Args:
        name: of the dataset.
        settings: the recipe's.
        simulated: what the recipe says of its people.
        out: folder to write to.
        work: kept across runs; the split is fetched into it, unless the recipe names a file.
        videos: whether they are what is given; then the features are not asked for.

    Raises:
        UserError: as `read` and `replayed_videos.there`; the file's content is made up and the
            recipe does not say so, or the other way about.
    """
    found = _found(name, settings, _split_file(settings, work), videos)
    if isinstance(found, Found):
        _place(found, out, len(found.files) + len(found.missing))
        found = found.annotated
    if found.people.simulated != simulated:
        said = "is labelled synthetic" if found.people.simulated else "is not labelled synthetic"
        raise UserError(
            f"{settings.source}: {said}, and params.yaml has datasets.{name}.simulated: "
            f"{str(simulated).lower()}; bring them in line"
        )
    timeline.write(out / "timeline.h5", found.timeline)
    people.write(out / "people.h5", found.people)


def at_hand(name: str, settings: MrHisumDownload, work: Path, videos: bool) -> Annotated | None:
    """What download will make; None where the split is still to be fetched. Raises UserError as
    `make`.
    """
    if settings.split is None and fetched(_remote(settings), work) is None:
        return None
    found = _found(name, settings, _split_file(settings, work), videos)
    return found.annotated if isinstance(found, Found) else found


def of_file(name: str, settings: MrHisumDownload, place: Path, work: Path) -> Annotated:
    """The same of another h5 than the recipe's."""
    return read(name, place, _split_file(settings, work))


def lengths(path: Path) -> tuple[int, ...] | None:
    """Seconds of each video of a file; None where it is not here."""
    if not path.expanduser().is_file():
        return None
    with hdf5.reading(path.expanduser(), _AGAIN) as file:
        return tuple(len(file[name]["gtscore"]) for name in file if "gtscore" in file[name])


def read(name: str, h5: Path, split: Path, features: bool = True) -> Annotated:
    """The videos that a split names, and what is replayed of them; of `features`, where they are to
    be there, the shape alone.

    Raises UserError naming the file, and the video: the split is not what it should be, names a
    video twice or one that the h5 lacks; an array is missing, not of numbers, not finite, out of
    range, or of another number of seconds than the others; shots do not cover their video.
    """
    parts = _parts(split)
    with hdf5.reading(h5, _AGAIN) as file:
        here = set(file)
        if missing := [video for video in parts if video not in here]:
            raise UserError(
                f"{split}: names {missing[0]}, which {h5} does not hold ({len(missing)} of "
                f"{len(parts)} videos are missing there); name the two files of one release"
            )
        if others := sorted(here - parts.keys(), key=natural):
            log.warning(
                "%s: holds %d videos that %s does not name, the first %s; they are left out",
                *(h5, len(others), split, others[0]),
            )
        pairs = list(_videos(h5, file, parts, features))
        simulated = bool(file.attrs.get(SYNTHETIC, False))
    return Annotated(
        Timeline(name, tuple(video for video, _ in pairs)),
        People(name, simulated, tuple(judged for _, judged in pairs)),
    )


def _found(name: str, settings: MrHisumDownload, split: Path, videos: bool) -> Annotated | Found:
    judged = read(name, Path(settings.source).expanduser(), split, features=not videos)
    if not videos:
        return judged
    assert settings.videos is not None  # as Recipe has it
    assert settings.metadata is not None
    return replayed_videos.there(
        judged, Path(settings.videos).expanduser(), Path(settings.metadata).expanduser()
    )


def _place(found: Found, out: Path, of: int) -> None:
    """The files of the videos that are there, and a list of those that are not."""
    out.mkdir(parents=True, exist_ok=True)
    replayed_videos.write_missing(out / "missing.csv", found.missing)
    if found.missing:
        first = found.missing[0]
        log.warning(
            "%d of %d videos are left out, the first %s (%s: %s); all are listed in %s",
            *(len(found.missing), of, first.name, first.youtube_id, first.why),
            out / "missing.csv",
        )
    for title, path in found.files.items():
        copied(path, out / "videos" / f"{title}{path.suffix.lower()}")


def _remote(settings: MrHisumDownload) -> Remote:
    by_hand = "name it as download.split in params.yaml"
    return Remote(settings.split_url, settings.split_sha256, by_hand)


def _split_file(settings: MrHisumDownload, work: Path) -> Path:
    if settings.split is not None:
        return given.at_hand(settings.split, "download.split")
    return fetch(_remote(settings), work)


def _parts(path: Path) -> dict[str, Part]:
    """What each video is for, in natural order of their names."""
    document = given.parsed(path, path.read_bytes(), _SPLIT)
    split: _Split = given.validated(_Split, document, str(path), _SPLIT)
    parts: dict[str, Part] = {}
    of_parts: list[tuple[Part, list[str]]] = [
        ("train", split.train),
        ("validation", split.validation),
        ("test", split.test),
    ]
    for part, names in of_parts:
        for video in names:
            if video in parts:
                raise UserError(
                    f"{path}: names {video} twice, as {parts[video]} and as {part}; a video is for "
                    "one of them"
                )
            parts[video] = part
    return {video: parts[video] for video in sorted(parts, key=natural)}


def _videos(
    path: Path, file: h5py.File, parts: dict[str, Part], featured: bool
) -> Iterator[tuple[Video, Judgement]]:
    for name, part in parts.items():
        group = Group(path, file[name])
        if featured and "features" not in group:
            raise UserError(f"{path}: {name}: {_FEATURES}")
        gtscore_T = _within(group, "gtscore")
        summary_T = _within(group, "gt_summary")
        if not np.isin(summary_T, (0, 1)).all():
            raise group.wrong("gt_summary", "must be 0 or 1 everywhere")
        seconds = len(gtscore_T)
        sizes = {"gtscore": seconds, "gt_summary": len(summary_T)}
        if featured:
            sizes = {"features": len(group.dataset("features"))} | sizes
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{key} {size}" for key, size in sizes.items())
            raise UserError(
                f"{path}: {name}: its arrays are of different numbers of seconds ({said}); cut "
                "them to the same in the file, or leave the video out of the split"
            )
        seconds_T = np.arange(seconds)
        video = Video(name, name, seconds, 1.0, seconds_T, seconds_T.astype(np.float64), part=part)
        try:
            shots_S2 = shots(group.numbers("change_points", (None, 2)), seconds)
            video = video.with_shots(shots_S2, "annotations")
        except UserError as error:
            raise UserError(f"{path}: change_points of {error}") from error
        yield video, Judgement(name, gtscore_T, summary_T[None] > 0, gtscore_T[None])


def _within(group: Group, key: str) -> npt.NDArray[np.float32]:
    values_T = group.numbers(key, (None,)).astype(np.float32)
    if values_T.min() < 0 or values_T.max() > 1:
        raise group.wrong(key, f"must lie in 0 to 1, goes {values_T.min():g} to {values_T.max():g}")
    return values_T


def shots(change_points_S2: npt.NDArray[np.int64], seconds: int) -> npt.NDArray[np.int64]:
    """Change points as shots (S, 2) of inclusive [start, end].

    The authors' code counts end - start frames of a shot, so that a shot's end is the next one's
    start; that is brought to the frame before it. Rows that are inclusive already stay.
    """
    rows_S2 = np.array(change_points_S2)
    starts_S = np.append(rows_S2[1:, 0], seconds)
    rows_S2[:, 1] -= rows_S2[:, 1] == starts_S
    return rows_S2
