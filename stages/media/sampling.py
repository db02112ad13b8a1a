"""From a video file to its sampled frames: decode, shrink, encode, look, cut into shots.

Shapes: T sampled frames, N video frames, D image feature width, S shots, H, W pixels.
"""

import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stages.artifacts.field import VideoAnnotations
from stages.artifacts.frames import Floats, Integers, Pixels, Sampled
from stages.errors import UserError
from stages.media import video
from stages.media.settings import Sample, Segmentation
from stages.summaries import kts

log = logging.getLogger("llmvs")

Encoder = Callable[[Sequence[Pixels]], Floats]
"""Images (H, W, 3), any number of them, to features (T, D)."""

FIELD_FPS = 30.0  # of a video that is not at hand; for the time axis of its curves alone
_TOGETHER = 32  # images handed to the encoder at once: bounds memory


def find(videos: Path, name: str) -> Path:
    """The file of a video. Raises UserError where the folder or the video is not there."""
    for suffix in video.SUFFIXES:
        path = videos / f"{name}{suffix}"
        if path.is_file():
            return path
    if not videos.is_dir() or not any(videos.iterdir()):
        raise UserError(f"{videos} holds no videos; run the download stage again")
    raise UserError(
        f"{videos} holds no video {name} ({' or '.join(video.SUFFIXES)}), which the annotations "
        "name; run the download stage again"
    )


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


def segment(
    features_TD: Floats, picks_T: Integers, n_frames: int, settings: Segmentation
) -> Integers:
    """Shots (S, 2) by kernel temporal segmentation, as inclusive [start, end] video frames.

    Features are brought to unit length first, the unit that the penalty is in. A cut between two
    sampled frames is placed half way between them; the shots cover every frame from 0 to
    n_frames - 1.
    """
    norms_T1 = np.linalg.norm(features_TD, axis=1, keepdims=True)
    unit_TD = features_TD / np.maximum(norms_T1, np.finfo(np.float32).tiny)
    shots_S2 = kts.change_points(unit_TD, settings.max_shots, settings.penalty)
    last_S = shots_S2[:-1, 1]
    cuts_S = (picks_T[last_S] + picks_T[last_S + 1]) // 2
    return np.column_stack([np.r_[0, cuts_S + 1], np.r_[cuts_S, n_frames - 1]]).astype(np.int64)


def unseen(annotated: VideoAnnotations, settings: Sample) -> Sampled:
    """The picks and shots of a video that is not at hand, each of its frames a grey picture.

    Raises UserError where the annotations bring no shots: there is nothing to find them in.
    """
    if annotated.change_points_S2 is None:
        raise UserError(
            f"{annotated.name}: without videos the shots must come from the field's h5; name it "
            "as download.h5 in params.yaml"
        )
    side = settings.short_side
    grey = to_jpeg(Image.new("RGB", (side * 4 // 3, side), (128, 128, 128)), settings.jpeg_quality)
    steps = len(annotated.picks_T)
    return Sampled(
        name=annotated.name,
        video_name=annotated.video_name,
        n_frames=annotated.n_frames,
        fps=FIELD_FPS,
        jpegs=(grey,) * steps,
        picks_T=annotated.picks_T,
        features_TD=np.zeros((steps, 1), dtype=np.float32),
        change_points_S2=annotated.change_points_S2,
        change_points_from="annotations",
    )


def sample(path: Path, annotated: VideoAnnotations, settings: Sample, encode: Encoder) -> Sampled:
    """Sample one video: every `settings.every`-th frame, from the first on.

    Memory holds the video's JPEGs and features and a few decoded frames, however long it is.
    Shots are the annotations' own, or else come from the features.

    Frames beyond the annotated ones are left out, up to `settings.tolerance` of them.

    Raises UserError where the video is damaged, or has another number of frames than annotated.
    """
    jpegs: list[bytes] = []
    features: list[npt.NDArray[np.float32]] = []
    waiting: list[Pixels] = []

    def look() -> None:
        features.append(encode(waiting))
        waiting.clear()

    n_frames = 0
    for frame in video.decode(path):
        if n_frames % settings.every == 0 and n_frames < annotated.n_frames:
            jpeg = to_jpeg(shrink(video.pixels(frame), settings.short_side), settings.jpeg_quality)
            jpegs.append(jpeg)
            # What is stored is what is looked at, so that features can be had again from the file.
            with Image.open(io.BytesIO(jpeg)) as image:
                waiting.append(np.asarray(image))
            if len(waiting) == _TOGETHER:
                look()
        n_frames += 1
    if 0 < (spare := n_frames - annotated.n_frames) <= settings.tolerance:
        log.info(
            "%s: %d frames decoded, %d annotated; the last %d left out (sample.tolerance)",
            *(path.name, n_frames, annotated.n_frames, spare),
        )
        n_frames = annotated.n_frames
    if n_frames != annotated.n_frames:
        raise UserError(
            f"{path} decodes to {n_frames} frames, but the annotations of {annotated.name} are for "
            f"{annotated.n_frames}: the file is truncated or another version; fetch it anew"
        )
    if waiting:
        look()

    picks_T = np.arange(0, n_frames, settings.every, dtype=np.int64)
    features_TD = np.concatenate(features)
    shots_S2 = annotated.change_points_S2
    return Sampled(
        name=annotated.name,
        video_name=annotated.video_name,
        n_frames=n_frames,
        fps=video.rate(path),
        jpegs=tuple(jpegs),
        picks_T=picks_T,
        features_TD=features_TD,
        change_points_S2=(
            segment(features_TD, picks_T, n_frames, settings.segmentation)
            if shots_S2 is None
            else shots_S2
        ),
        change_points_from="kts" if shots_S2 is None else "annotations",
    )
