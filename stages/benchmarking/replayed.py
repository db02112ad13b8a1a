"""A file of MR.HiSum's layout with SYNTHETIC content, of as many videos as wanted.

As `sources.mrhisum` reads it: `features` (T, 1024), `gtscore`, `change_points`, `gt_summary` a
video, and the split beside it in the authors' proportions. It is labelled in its attributes. The
scores are smooth and made up; a few dimensions of the features follow them, the rest are noise, so
that a scorer that learns is better than chance and says nothing about real videos. The features are
float16: half of the authors' float32.

Shapes: T seconds of a video, S shots, D width, B bins of a score, K rows of noise.
"""

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.artifacts import hdf5
from stages.sources.mrhisum import SYNTHETIC
from stages.summaries.keyshots import summarise

LENGTHS = (120, 360)
"""Seconds of a video: YouTube-8M's shortest, and where its frame features end."""
WIDTH = 1024
VIDEOS, HELD_OUT = 31_892, 2_000
"""Of the published file, and of its validation and test videos each."""
BINS = 100
"""YouTube's scores of a video, whatever its length."""
SHOT_SECONDS = (4, 20)
NOISE_ROWS = 4096
TELLING = 16
"""Dimensions that follow the scores."""

Floats = npt.NDArray[np.float64]


def write(
    h5: Path,
    split: Path,
    videos: int,
    *,
    seed: int = 0,
    lengths: tuple[int, int] = LENGTHS,
    width: int = WIDTH,
) -> None:
    """Both files. The same arguments give the same bytes; one video is in memory at a time."""
    random = np.random.default_rng(seed)
    noise_KD = random.standard_normal((NOISE_ROWS, width), dtype=np.float32).astype(np.float16)
    with hdf5.writing(h5) as file:
        file.attrs[SYNTHETIC] = True
        file.attrs["said"] = "SYNTHETIC: made up in the layout of mr_hisum.h5; not MR.HiSum"
        for number in range(1, videos + 1):
            seconds = int(random.integers(lengths[0], lengths[1] + 1))
            score_T, ends_S = _score(random, seconds), _ends(random, seconds)
            rows_S2 = np.column_stack([np.append(0, ends_S[:-1]), ends_S])  # an end: the next start
            features_TD = noise_KD[random.integers(0, NOISE_ROWS, seconds)]
            features_TD[:, :TELLING] += (2 * score_T - 1)[:, None].astype(np.float16)
            shown_T = summarise(score_T, rows_S2 - [0, 1], beyond=1)
            group = file.create_group(f"video_{number}")
            group["features"] = features_TD
            group["gtscore"] = score_T
            group["change_points"] = rows_S2
            group["gt_summary"] = shown_T.astype(np.float32)
    split.write_text(json.dumps(_split(random, videos)), encoding="utf-8")


def _score(random: np.random.Generator, seconds: int) -> Floats:
    """A walk of as many steps as YouTube has bins, on 0 to 1, a value a second."""
    walk_B = np.convolve(random.normal(size=BINS + 4).cumsum(), np.full(5, 0.2), "valid")
    walk_B -= walk_B.min()
    return np.asarray((walk_B / walk_B.max())[np.arange(seconds) * BINS // seconds])


def _ends(random: np.random.Generator, seconds: int) -> npt.NDArray[np.int64]:
    """Where each shot ends (S,), exclusive; the last one with the video."""
    low, high = SHOT_SECONDS
    lengths = random.integers(low, high + 1, seconds // low + 1)
    ends = lengths.cumsum()
    return np.append(ends[ends <= seconds - low], seconds)


def _split(random: np.random.Generator, videos: int) -> dict[str, list[str]]:
    held_out = max(1, round(videos * HELD_OUT / VIDEOS))
    names = [f"video_{number}" for number in random.permutation(videos) + 1]
    return {
        "train_keys": names[2 * held_out :],
        "val_keys": names[:held_out],
        "test_keys": names[held_out : 2 * held_out],
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
