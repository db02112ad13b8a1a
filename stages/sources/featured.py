"""Features that others made of a dataset's frames: the field's h5, MSVA's files, any like them.

A file is HDF5 with a group a video that holds `features`, as the field's have it, or an array a
video; a folder has an array a video as NumPy writes it (`VIDEO.npy`), as MSVA's has. Videos are
found by `video_N` or by their titles.

Shapes: T sampled frames, N rows of a file, D width.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.artifacts.timeline import Timeline, same_picks
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sources.given import of_videos

Floats = npt.NDArray[np.floating[Any]]

_UNREADABLE = (OSError, EOFError, ValueError, TypeError)
_AGAIN = "name another file in datasets.D.features of params.yaml, or fetch it anew"


def read(path: Path, timeline: Timeline, again: str = _AGAIN) -> Iterator[tuple[Video, Floats]]:
    """Every video of a timeline with its features (T, D), one in memory at a time: float32, or
    float16 where the file has that and a row a frame.

    What has more rows than frames are picked, as MSVA's I3D has, is brought to one a pick by the
    mean over each pick's share of the rows (`shared`), as its authors do. Of a video that was cut
    at its end (`Video.cut`) a file may have all frames that people annotated, and the last go.

    again: what is to be done about a file that is not right, for messages.

    Raises UserError naming the file and the video: it is missing, a video is missing, features are
    no finite numbers (N, D), are of other picks than the timeline's, have fewer rows than frames
    are picked, or are not equally wide in all videos.
    """
    path = path.expanduser()
    width = None
    with _opened(path, again) as found:
        by_name = of_videos(path, {name: name for name in found}, timeline, "features", again)
        for video in timeline.videos:
            x_TD = _features(path, video, found[by_name[video.name]], again)
            width = width or x_TD.shape[1]
            if x_TD.shape[1] != width:
                raise UserError(
                    f"{path}: {video.name}: {x_TD.shape[1]} wide, and {width} in the videos before "
                    f"it; {again}"
                )
            yield video, x_TD


def check(path: Path, timeline: Timeline) -> None:
    """Hold a file against a timeline by names and shapes; numbers are not read. Raises UserError as
    `read` does.
    """
    path = path.expanduser()
    with _opened(path) as found:
        by_name = of_videos(path, {name: name for name in found}, timeline, "features", _AGAIN)
        for video in timeline.videos:
            _array(path, video, found[by_name[video.name]], _AGAIN)


def width(path: Path) -> int | None:
    """How wide a file's features are, by those of its first video; None where it is not here.

    Raises UserError where it holds none.
    """
    path = path.expanduser()
    if not path.exists():
        return None
    with _opened(path) as found:
        first = next(iter(found.values()), None)
        if isinstance(first, h5py.Group):
            first = first.get("features")
        array: Any = first
        if isinstance(first, Path):
            try:
                array = np.load(first, mmap_mode="r", allow_pickle=False)
            except _UNREADABLE as error:
                raise UserError(
                    f"{first}: cannot be read as numbers ({error}); {_AGAIN}"
                ) from error
        if getattr(array, "ndim", 0) != 2:
            raise UserError(f"{path}: holds no features (frames, width) of a video; {_AGAIN}")
        return int(array.shape[1])


def shared(x_ND: Floats, steps: int) -> Floats:
    """N rows as `steps`, T ≤ N of them: each the mean over its T-th part of the rows, a row that
    two parts share counting in each by its share.
    """
    rows = len(x_ND)
    if rows == steps:
        return x_ND
    sums_ND = np.concatenate([np.zeros_like(x_ND[:1]), x_ND]).cumsum(axis=0, dtype=np.float64)
    ends = np.arange(steps + 1) * rows / steps
    whole = np.minimum(ends.astype(np.int64), rows - 1)
    upto_TD = sums_ND[whole] + (ends - whole)[:, None] * x_ND[whole]
    return (np.diff(upto_TD, axis=0) * steps / rows).astype(np.float32)


def _features(path: Path, video: Video, given: Any, again: str) -> Floats:
    where = f"{path}: {video.name} ({video.title})"
    array = _array(path, video, given, again)
    try:
        x_ND = array[()]
        if getattr(x_ND, "dtype", None) != np.float16:
            x_ND = np.asarray(x_ND, dtype=np.float32)
    except _UNREADABLE as error:
        raise UserError(f"{where}: cannot be read as numbers ({error}); {again}") from error
    if not np.isfinite(x_ND).all():
        raise UserError(f"{where}: expected finite numbers, found others; {again}")
    steps = len(video.picks_T)
    if len(x_ND) == steps + video.cut.picks:
        x_ND = x_ND[:steps]
    return shared(np.asarray(x_ND), steps)


def _array(path: Path, video: Video, given: Any, again: str) -> Any:
    """A video's numbers, not read yet; raises UserError as `read` does but for what they are."""
    where, steps = f"{path}: {video.name} ({video.title})", len(video.picks_T)
    if isinstance(given, h5py.Group):
        if "picks" in given:
            picks = given["picks"][()]
            same_picks(
                video, picks[:steps] if len(picks) == steps + video.cut.picks else picks, str(path)
            )
        if not isinstance(given.get("features"), h5py.Dataset):
            has = ", ".join(sorted(given)) or "nothing"
            raise UserError(f"{where}: holds no features (it has {has}); {again}")
        given = given["features"]
    if isinstance(given, Path):
        try:
            given = np.load(given, mmap_mode="r", allow_pickle=False)
        except _UNREADABLE as error:
            raise UserError(f"{where}: cannot be read as numbers ({error}); {again}") from error
    shape: tuple[int, ...] = getattr(given, "shape", ())
    if len(shape) != 2 or 0 in shape:
        raise UserError(f"{where}: expected finite numbers (frames, width), found {shape}; {again}")
    if shape[0] < steps:
        raise UserError(
            f"{where}: features of {shape[0]} frames, and the timeline picks {steps}; {again}"
        )
    return given


@contextmanager
def _opened(path: Path, again: str = _AGAIN) -> Iterator[Mapping[str, Any]]:
    """What there is of each video, by whatever the file calls it."""
    if path.is_dir():
        found = {each.stem: each for each in sorted(path.glob("*.npy"))}
        if not found:
            raise UserError(f"{path}: holds no .npy file; {again}")
        yield found
        return
    with hdf5.reading(path, again) as file:
        yield file
