"""What the model said against what people said, over every frame.

Shapes: F frames of all videos, B bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from stages.pages.palette import INK, MUTED, PALETTE, RULE, STYLE
from stages.pages.stories import PEOPLE, Story
from stages.pages.svg import drawn_as, titled

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Frames by a model's score in bins of equal count: the bin's mean score and people's mean,
    people_B with its quartiles.
    """

    model_B: Floats
    people_B: Floats
    quartiles_B2: Floats


def pairs(stories: Sequence[Story], model: str) -> tuple[Floats, Floats]:
    """The model's and people's scores (F,) on every frame the model scored."""
    scored = [
        (story.scores[model], story.scores[PEOPLE]) for story in stories if model in story.scores
    ]
    if not scored:
        return np.zeros(0), np.zeros(0)
    of_model, of_people = zip(*scored, strict=True)
    return np.concatenate(of_model), np.concatenate(of_people)


def calibration(model_F: Floats, people_F: Floats, bins: int = 10) -> Calibration:
    """Frames sorted by the model's score and cut into `bins` of about equal count."""
    parts = [p for p in np.array_split(np.argsort(model_F, kind="stable"), bins) if len(p)]
    return Calibration(
        np.array([model_F[part].mean() for part in parts]),
        np.array([people_F[part].mean() for part in parts]),
        np.array([np.quantile(people_F[part], (0.25, 0.75)) for part in parts]).reshape(-1, 2),
    )


def figure(
    model_F: Floats, people_F: Floats, title: str, *, heading: str | None, simulated: bool = False
) -> str:
    """Frames as a density, the mean of people's scores by the model's, and where both are equal."""
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(4.4, 3.9), layout="constrained")
        axes = drawn.subplots()
        _density(axes, model_F, people_F)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)), label="equal")
        _means(axes, calibration(model_F, people_F))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel(f"score of {title}")
        axes.set_ylabel("people’s mean score")
        axes.grid(color=RULE, linewidth=0.5)
        axes.legend(loc="upper left", fontsize=8)
        if heading:
            titled(drawn, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(drawn, "white" if heading else "none")


def _density(axes: Axes, model_F: Floats, people_F: Floats) -> None:
    counts, edges_x, edges_y = np.histogram2d(model_F, people_F, bins=32, range=((0, 1), (0, 1)))
    shade = np.zeros((*counts.T.shape, 4))
    shade[..., :3] = to_rgb(PALETTE[0])
    shade[..., 3] = 0.75 * np.sqrt(counts.T / max(counts.max(), 1))
    axes.imshow(
        shade, origin="lower", extent=(edges_x[0], edges_x[-1], edges_y[0], edges_y[-1]),
        interpolation="nearest", aspect="auto",
    )  # fmt: skip


def _means(axes: Axes, found: Calibration) -> None:
    low_B = found.people_B - found.quartiles_B2[:, 0]
    high_B = found.quartiles_B2[:, 1] - found.people_B
    axes.errorbar(
        found.model_B, found.people_B, np.clip([low_B, high_B], 0, None), fmt="o-", color=INK,
        markersize=4, linewidth=1.3, elinewidth=0.8, label="people’s mean and quartiles",
    )  # fmt: skip
