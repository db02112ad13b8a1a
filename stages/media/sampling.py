"""From a video file to its sampled frames: decode, shrink, encode, look, cut into shots.

Shapes: T sampled frames, D image feature width, H, W pixels.
"""

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stages.artifacts import names
from stages.artifacts.video import Video
from stages.errors import UserError, anew
from stages.media import clock, video
from stages.media.segmentation import segment
from stages.media.settings import Sample
from stages.media.video import Pixels

log = logging.getLogger("llmvs")

Floats = npt.NDArray[np.float32]
Encoder = Callable[[Sequence[Pixels]], Floats]
"""Images (H, W, 3), any number of them, to features (T, D)."""

_OFF = 1.0  # seconds that a steady frame rate may err by, unsaid
_TOGETHER = 32  # images handed to the encoder at once: bounds memory


@dataclass(frozen=True, eq=False)
class Taken:
    """What is taken out of a video's file: its T picked frames as the bytes of JPEG files, their
    image features as the encoder gives them, not normalised, its clock, and how many frames the
    file decodes to.
    """

    jpegs: tuple[bytes, ...]
    features_TD: Floats
    fps: float
    times_T: npt.NDArray[np.float64]
    n_frames: int

    def fits(self, expected: Video, settings: Sample) -> bool:
        """Whether the file's length is what is expected, to within `settings.tolerance` frames, and
        where that is said, those of `settings.shorter` where it is shorter.
        """
        beyond = self.n_frames - expected.n_frames
        less = settings.tolerance if settings.shorter is None else settings.shorter
        return -less <= beyond <= settings.tolerance

    def completed(self, expected: Video, settings: Sample) -> Video:
        """The video at its file's times, with shots, found in the features where it has none.

        Of the file and of what is expected the longer loses what lies beyond the other's end.

        Raises UserError where it does not fit.
        """
        if not self.fits(expected, settings):
            raise other_lengths([(expected.title, expected, self.n_frames)])
        video = expected
        beyond = self.n_frames - expected.n_frames
        if beyond > 0:
            log.info(
                "%s: %d frames decoded, %d annotated; the last %d left out (sample.tolerance)",
                *(expected.title, self.n_frames, expected.n_frames, beyond),
            )
        if beyond < 0:
            video = expected.ending_at(self.n_frames)
            log.warning(
                "%s: %d frames decoded, %d annotated; of what people said the last %d are left "
                "out, %d of them sampled (sample.tolerance)",
                *(expected.title, self.n_frames, expected.n_frames, *video.cut),
            )
        steady_T = video.picks_T / expected.fps if expected.fps > 0 else self.times_T
        off = float(np.abs(self.times_T - steady_T).max())
        if off > _OFF:
            log.warning(
                "%s: its frames are shown up to %.0f s from where a steady %.4g a second would "
                "have them; what was said of seconds may be of others",
                *(expected.title, off, expected.fps),
            )
        timed = replace(video, fps=self.fps, times_T=self.times_T)
        if timed.shots_S2 is not None:
            return timed
        shots_S2 = segment(self.features_TD, timed.picks_T, timed.n_frames, settings.segmentation)
        return timed.with_shots(shots_S2, "kts")


def find(videos: Path, name: str) -> Path:
    """The file of a video. Raises UserError as `find_all`."""
    return find_all(videos, [name])[name]


def find_all(videos: Path, titles: Sequence[str]) -> dict[str, Path]:
    """The file of each video, however its title is spelt (`names.matched`).

    Raises UserError where the folder or a video is not there, or two spellings are.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(videos.iterdir()) if videos.is_dir() else ():
        if path.suffix.lower() in video.SUFFIXES and not path.name.startswith("."):
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise UserError(f"{videos} holds no videos; {anew('download')}")
    matches, _ = names.matched(found, [(title, title) for title in titles], videos)
    for name in titles:
        if name in matches:
            continue
        near = names.nearest(name, found)
        raise UserError(
            f"{videos} holds no video {name}, which the timeline names"
            + (f" (nearest: {found[near][0].name})" if near else "")
            + f"; {anew('download')}"
        )
    return {title: min(matches[title], key=video.preference) for title in titles}


def shrink(pixels: Pixels, short_side: int) -> Image.Image:
    """The frame with its short side at `short_side` pixels, enlarged where it is smaller."""
    image = Image.fromarray(pixels)
    scale = short_side / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)


def to_jpeg(image: Image.Image, quality: int) -> bytes:
    """The bytes of a JPEG file, the same for the same image."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def from_jpeg(jpeg: bytes) -> Pixels:
    """What a JPEG file shows, (H, W, 3) uint8 RGB."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image)


def take(path: Path, expected: Video, settings: Sample, encode: Encoder) -> Taken:
    """Take a video's picked frames out of its file, and look at them.

    Memory holds the video's JPEGs and features and a few decoded frames, however long it is.
    Frames beyond those the timeline knows are left out, and picks beyond the file's end are not
    taken; whether so many are too many is for `Taken.completed` to say.

    Raises UserError where the file is damaged, or ends before the first pick.
    """
    jpegs: list[bytes] = []
    features: list[Floats] = []
    waiting: list[Pixels] = []

    def look() -> None:
        features.append(encode(waiting))
        waiting.clear()

    picked, n_frames = set(expected.picks_T.tolist()), 0
    stamps: list[float | None] = []
    lasts = None
    for frame in video.decode(path):
        if n_frames < expected.n_frames:
            stamps.append(frame.shown)
            lasts = frame.lasts
        if n_frames in picked:
            jpeg = to_jpeg(shrink(video.pixels(frame), settings.short_side), settings.jpeg_quality)
            jpegs.append(jpeg)
            # What is stored is what is looked at, so that features can be had again from the file.
            waiting.append(from_jpeg(jpeg))
            if len(waiting) == _TOGETHER:
                look()
        n_frames += 1
    if not jpegs:
        raise UserError(
            f"{path} decodes to {n_frames} frames, of which none is one to be taken; delete it and "
            "fetch it anew"
        )
    if waiting:
        look()
    header = video.header(path)
    fps, times_N = clock.of(stamps, lasts, header.rate, header.leap)
    times_T = times_N[expected.picks_T[: len(jpegs)]]
    return Taken(tuple(jpegs), np.concatenate(features), fps, times_T, n_frames)


def other_lengths(found: Iterable[tuple[Path | str, Video, int]]) -> UserError:
    """The complaint, to be raised, of files of other lengths than expected.

    Args:
        found: each file, what is expected of it, and how many frames it decodes to.
    """
    said = [
        f"{file} decodes to {n_frames} frames, but {expected.name} is known to have "
        f"{expected.n_frames}"
        for file, expected, n_frames in found
    ]
    remedy = (
        "A file that is truncated or another version is to be fetched anew; where a frame or two "
        "are the container's doing, raise sample.tolerance in params.yaml: what was decoded is kept"
    )
    return UserError("\n".join([*said, remedy]))
