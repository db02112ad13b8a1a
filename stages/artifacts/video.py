"""One video's spine: how long it is, which frames are sampled, and where its shots are.

Shapes: T sampled frames, N video frames, S shots.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.artifacts.shots import covering
from stages.errors import UserError

EVERY = 15
"""The field samples every 15th frame: two a second at 30 frames a second."""
FIELD_FPS = 30.0
"""Of a video whose frame rate nobody says; for the time axis of its curves alone."""

Origin = Literal["annotations", "field", "kts"]
"""Where shots come from: the annotations themselves, the field's published segmentation, or this
project's own kernel temporal segmentation.
"""

Part = Literal["train", "validation", "test"]
"""What a video is for in the split that a dataset's authors published."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Cut(NamedTuple):
    """How many frames, and how many picks among them, people annotated beyond a video's end.

    Arrays of what people said are so much longer than the timeline until `people.read` cuts them.
    """

    frames: int
    picks: int


WHOLE = Cut(0, 0)


@dataclass(frozen=True, eq=False, slots=True)
class Video:
    """One video's spine.

    title: what people call it, a file's name or a YouTube id. fps: on average. picks_T: the sampled
    frames, rising. times_T: when they are shown, in seconds from the beginning. shots_S2: inclusive
    [start, end] frames of each shot, covering every frame; None while they are not known. part: in
    the split of its dataset's authors; None where they published none.
    """

    name: str
    title: str
    n_frames: int
    fps: float
    picks_T: Integers
    times_T: Floats
    shots_S2: Integers | None = None
    shots_from: Origin | None = None
    cut: Cut = WHOLE
    part: Part | None = None

    @classmethod
    def sampled(
        cls, name: str, title: str, n_frames: int, fps: float | None = None, every: int = EVERY
    ) -> "Video":
        """Every `every`-th frame from the first on, at a constant rate."""
        picks_T = np.arange(0, n_frames, every, dtype=np.int64)
        rate = fps or FIELD_FPS
        return cls(name, title, n_frames, rate, picks_T, picks_T / rate)

    def with_shots(self, shots_S2: npt.ArrayLike, origin: Origin) -> "Video":
        """The video with its shots. Raises UserError where they do not cover it."""
        checked = covering(self.name, shots_S2, self.n_frames)
        return replace(self, shots_S2=checked, shots_from=origin)

    def ending_at(self, n_frames: int) -> "Video":
        """The video's first `n_frames` frames: later picks and shots are gone, the last shot ends.

        Raises UserError where no pick is left.
        """
        kept = int(np.searchsorted(self.picks_T, n_frames))
        if not kept:
            raise UserError(f"{self.name} ({self.title}): no pick is before frame {n_frames}")
        shots_S2 = self.shots_S2
        if shots_S2 is not None:
            shots_S2 = np.minimum(shots_S2[shots_S2[:, 0] < n_frames], n_frames - 1)
        cut = self.n_frames - n_frames, len(self.picks_T) - kept
        return replace(
            self,
            n_frames=n_frames,
            picks_T=self.picks_T[:kept],
            times_T=self.times_T[:kept],
            shots_S2=shots_S2,
            cut=Cut(self.cut.frames + cut[0], self.cut.picks + cut[1]),
        )

    @property
    def seconds(self) -> float:
        return self.n_frames / self.fps

    def seconds_at(self, frames: npt.ArrayLike) -> Floats:
        """When frames are shown, 0 to n_frames, which is the end: between picks at an even pace."""
        knots = np.append(self.picks_T, self.n_frames)
        # At a constant rate nothing is late, and seconds are frames / fps to the last bit.
        late = np.append(self.times_T, self.seconds) - knots / self.fps
        at = np.asarray(frames, dtype=np.float64)
        return at / self.fps + np.interp(at, knots, late)

    def frame_at(self, second: float) -> float:
        """The frame shown at a second, with the fraction of its time that has gone by."""
        knots = np.append(self.picks_T, self.n_frames)
        return float(np.interp(second, np.append(self.times_T, self.seconds), knots))

    def known_shots(self) -> Integers:
        """The shots. Raises UserError, saying what would bring them, where there are none."""
        if self.shots_S2 is None:
            raise UserError(
                f"{self.name} ({self.title}): its shots are not known, and without videos none can "
                "be found; name the field's h5 as download.h5 in params.yaml"
            )
        return self.shots_S2
