"""Bytes of the work store and of the artifacts, by formula (`README.md` in this folder)."""

import json
from collections.abc import Mapping
from math import ceil

from stages.artifacts.video import EVERY
from stages.planning.workload import Frames

MEMBER = 30 + 20 + 46 + 128
"""Of an array in an item, beside its content and twice its name: the headers of a zip's member and
of its entry in the directory (PKWARE's APPNOTE, 4.3), sizes of 64 bits, and numpy's header."""
ITEM = 22 + 77
"""Of an item beside its arrays: the end of the zip's directory, and `items.packed`'s checksum."""
CHARACTER = 4
"""Of a character in an array of numpy."""
BLOCK = 4096
"""Of a file system, of which a file takes whole ones: ext4's and XFS's default."""
KEY, ROOT = 68, 200
"""Of a key in a root, a quoted sha256 and a comma, and of a root beside them, about."""
VIDEO = 1900
"""Of a video's group in an HDF5 file of ours, beside its numbers, about: found by writing some."""
TEXT, JPEG = 32, 48
"""Of a text and of a JPEG in HDF5, beside themselves: where they are (16), and headers in the heap,
of which what is larger than 4,096 bytes has one for itself (HDF5's file format, III.E)."""


def item(arrays: Mapping[str, float]) -> float:
    """An item of arrays whose contents have so many bytes."""
    named = sum(MEMBER + 2 * len(f"{name}.npy") + size for name, size in arrays.items())
    return ITEM + named


def caption(characters: int) -> float:
    """An item of a caption."""
    return item({"caption": CHARACTER * characters})


def states(rows: float, width: int, characters: float) -> float:
    """An item of a batch of prompts: two states of each, and a reply of so many characters."""
    each = 4 * width * rows
    return item({"query": each, "answer": each, "reply": CHARACTER * characters * rows})


def taken(picks: float, jpeg: float, width: int) -> float:
    """An item of a video's sampled frames, of so many bytes each, and their features."""
    arrays = {"jpeg": jpeg, "lengths": 8, "features": 4 * width, "times": 8}
    return item({name: size * picks for name, size in arrays.items()} | {"fps": 8, "n_frames": 8})


def on_disk(size: float) -> float:
    """What a file of so many bytes takes."""
    return BLOCK * ceil(size / BLOCK)


def root(keys: float) -> float:
    """The file that says which keys an output is made of."""
    return ROOT + KEY * keys


def lines(frames: Frames, characters: int) -> float:
    """captions.jsonl; names and picks of the longest kind."""
    pick = EVERY * (frames.longest - 1)
    line = {"video": f"video_{frames.videos}", "pick": pick, "caption": "x" * characters}
    return frames.total * (len(json.dumps(line)) + 1)


def embeddings(frames: Frames, width: int, characters: float) -> float:
    """embeddings.h5 of one reading: query, answer, score, reply and picks of every frame."""
    a_frame = 2 * 4 * width + 4 + TEXT + 8 * ceil(characters / 8) + 8
    return frames.total * a_frame + frames.videos * VIDEO


def sampled(frames: Frames, jpeg: float, width: int) -> float:
    """frames.h5 and image.h5 together."""
    a_frame = JPEG + jpeg + 4 * width + 2 * 8
    return frames.total * a_frame + frames.videos * 2 * VIDEO
