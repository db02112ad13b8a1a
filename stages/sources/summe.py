"""SumMe: 25 videos, 15 to 18 people each choosing the segments of a summary.

Shapes: N video frames, U users.

Source: Gygli et al. 2014, "Creating summaries from user videos". `GT/NAME.mat` holds
`user_score` (N, U): 0, or the number of the segment a user chose; the field reads it as > 0.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.sources import matlab


@dataclass(frozen=True, eq=False)
class Chosen:
    """One video's annotations as SumMe publishes them: user_summary_UN is 0 or 1."""

    name: str
    fps: float
    user_summary_UN: npt.NDArray[np.float32]

    @property
    def n_frames(self) -> int:
        return int(self.user_summary_UN.shape[1])


def read_mat(path: Path) -> Chosen:
    """One video's ground truth. Raises UserError where the file is not one of SumMe's."""
    expected = "a ground truth of SumMe (a .mat with user_score, nFrames, FPS)"
    with matlab.reading(path, expected) as content:
        chosen_NU = content["user_score"] > 0
        announced = int(content["nFrames"].item())
        fps = float(content["FPS"].item())
    if len(chosen_NU) != announced:
        raise UserError(f"{path}: user_score has {len(chosen_NU)} frames, nFrames says {announced}")
    return Chosen(path.stem, fps, chosen_NU.T.astype(np.float32))


def read_folder(folder: Path) -> list[Chosen]:
    """Every ground truth in a folder, by name in ASCII order: the field's video_1, video_2, …"""
    # macOS leaves a hidden file beside each.
    found = (path for path in folder.glob("*.mat") if not path.name.startswith("."))
    paths = sorted(found, key=lambda path: path.stem)
    if folder.is_file():
        raise UserError(f"{folder}: SumMe's annotations are its folder GT, a .mat a video; name it")
    if not paths:
        raise UserError(f"{folder} holds no .mat file; it should be the GT folder of SumMe.zip")
    return [read_mat(path) for path in paths]
