"""TVSum: 50 videos, 20 people scoring every two seconds from 1 to 5.

Shapes: N video frames, U users, T sampled frames.

Source: Song et al. 2015, "TVSum: Summarizing web videos using titles". The annotations are read
from `ydata-tvsum50.mat` (MATLAB 7.3, so HDF5) or, where only the archive is at hand, from
`ydata-tvsum50-anno.tsv`; the field numbers videos in the order of the .mat.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from stages.errors import UserError

LOWEST, HIGHEST = 1, 5
USERS = 20


@dataclass(frozen=True, eq=False)
class Annotations:
    """One video's annotations as TVSum publishes them: user_scores_UN from 1 to 5.

    fps: frames a second, on average; None where only the .tsv is at hand, which does not say.
    """

    youtube_id: str
    category: str
    title: str
    user_scores_UN: npt.NDArray[np.float32]
    fps: float | None = None

    @property
    def n_frames(self) -> int:
        return int(self.user_scores_UN.shape[1])


def read_mat(path: Path) -> list[Annotations]:
    """The videos of `ydata-tvsum50.mat`, in its order. Raises UserError where it is not that."""
    try:
        with h5py.File(path, "r") as file:
            return list(_structures(file))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(
            f"{path} is not TVSum's ydata-tvsum50.mat (a MATLAB 7.3 file with the group tvsum50): "
            f"{error}"
        ) from error


def _structures(file: Any) -> Iterator[Annotations]:
    table = file["tvsum50"]

    def text(field: str, row: int) -> str:
        return "".join(map(chr, np.asarray(file[table[field][row, 0]]).ravel()))

    def number(field: str, row: int) -> float:
        return float(np.asarray(file[table[field][row, 0]]).item())

    for row in range(len(table["video"])):
        scores_UN = np.asarray(file[table["user_anno"][row, 0]], dtype=np.float32)
        announced = int(number("nframes", row))
        seconds = number("length", row) if "length" in table else 0.0
        judged = Annotations(
            *(text("video", row), text("category", row), text("title", row)),
            scores_UN,
            announced / seconds if seconds > 0 else None,
        )
        if announced != judged.n_frames:
            raise UserError(
                f"{file.filename}: {judged.youtube_id} has scores for {judged.n_frames} frames and "
                f"says it has {announced}"
            )
        yield judged


def read_tsv(path: Path) -> list[Annotations]:
    """The videos of `ydata-tvsum50-anno.tsv`: a line a user, of video, category, scores.

    The order is that of each video's first line. Raises UserError naming the line that is wrong.
    """
    by_video: dict[str, list[npt.NDArray[np.float32]]] = {}
    categories: dict[str, str] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                video, category, scores = line.decode().rstrip("\r\n").split("\t")
                scores_N = np.array(scores.split(","), dtype=np.float32)
            except ValueError as error:  # UnicodeDecodeError among them
                raise UserError(
                    f"{path}:{number}: must be a video, its category and comma-separated scores, "
                    "with tabs between"
                ) from error
            if not ((scores_N >= LOWEST) & (scores_N <= HIGHEST)).all():
                raise UserError(
                    f"{path}:{number}: a score of {video} is not one of {LOWEST} to {HIGHEST}"
                )
            users = by_video.setdefault(video, [])
            if users and len(users[0]) != len(scores_N):
                raise UserError(
                    f"{path}:{number}: {len(scores_N)} scores for {video}, "
                    f"whose first user gave {len(users[0])}"
                )
            users.append(scores_N)
            categories[video] = category
    if not by_video:
        raise UserError(f"{path} holds no annotations; fetch it anew")
    return [
        Annotations(name, categories[name], "", np.stack(rows)) for name, rows in by_video.items()
    ]


def in_field_order(judged: Sequence[Annotations]) -> list[Annotations]:
    """Videos in the order of the .mat, which numbers them `video_1` to `video_50`.

    Raises UserError where they are not TVSum's fifty.
    """
    text = (resources.files("stages.sources") / "tvsum_order.json").read_text(encoding="utf-8")
    by_id = {video.youtube_id: video for video in judged}
    ids = json.loads(text)["ids"]
    if set(ids) != set(by_id):
        raise UserError(
            f"annotations of {len(by_id)} videos, {len(set(ids) & set(by_id))} of them among "
            "TVSum's 50; the .tsv is not TVSum's, or not whole"
        )
    return [by_id[video] for video in ids]
