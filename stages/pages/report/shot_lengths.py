"""Why constant scores earn anything: how a measure of summaries hangs on the lengths of shots.

Shapes: N video frames, S shots, V videos, B parts of a video's shots.

A knapsack of equal values fills its budget with the shortest shots. Where people kept short shots
too, it agrees with them and nothing was judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.artifacts.results import VideoMarks
from stages.artifacts.shots import lengths_of
from stages.metrics.figures import FLOOR
from stages.metrics.intervals import bootstrap
from stages.metrics.printed import mark
from stages.metrics.rank import Rankings, rhos
from stages.pages.palette import INK, MUTED, PALETTE, RULE, STYLE
from stages.pages.report.legend import Legend
from stages.pages.stories import PEOPLE, Story
from stages.pages.svg import drawn_as, titled
from stages.summaries.keyshots import keyshots

Floats = npt.NDArray[np.float64]
DOTS = 2000
"""More videos than that are drawn as pixels, whose file does not grow with them."""
PARTS = 5
FLOOR_COLOUR = PALETTE[3]


@dataclass(frozen=True, eq=False)
class ShotLengths:
    """kept_VB: of each video, by row ("people", "constant", a scorer), the mean share kept of a
    shot in each fifth of the video's shots by length, the shortest first; videos of fewer shots are
    left out. preference_V: Spearman's ρ between a shot's length and the share of it that people
    keep, below 0 where they keep short ones. tau_V: by row, as it was measured. floor: the mean τ
    of constant scores, each video by its weight.
    """

    kept_VB: Mapping[str, Floats]
    preference_V: Floats
    tau_V: Mapping[str, Floats]
    floor: float

    def following(self, row: str) -> float:
        """Spearman's ρ over videos between people's preference and a row's τ."""
        return float(rhos(Rankings.of(self.preference_V), Rankings.of(self.tau_V[row]))[0])


def measured(
    stories: Sequence[Story],
    marks: Mapping[str, Mapping[str, VideoMarks]],
    row: str,
    budget: float,
) -> ShotLengths | None:
    """Of the videos that were tested; None where constant scores are no row, or no video was.

    Args:
        marks: [row][video] of one protocol.
        row: the scorer that is shown beside constant scores.
        budget: the share of a video that a summary may hold.
    """
    floor, of_row = marks.get(FLOOR, {}), marks.get(row, {})
    tested = []
    kept: dict[str, list[Floats]] = {PEOPLE: [], FLOOR: [], row: []}
    preferences = []
    for story in stories:
        if story.name not in floor or story.name not in of_row:
            continue
        tested.append(story.name)
        lengths_S = lengths_of(story.shots)
        shares = {
            PEOPLE: _shares(story, story.shown_N),
            FLOOR: _shares(story, _of_constant(story, budget)),
            row: _shares(story, _of_runs(story, row)),
        }
        preferences.append(float(rhos(Rankings.of(lengths_S), Rankings.of(shares[PEOPLE]))[0]))
        if len(lengths_S) >= PARTS:
            parts = np.array_split(np.argsort(lengths_S, kind="stable"), PARTS)
            for name, share_S in shares.items():
                kept[name].append(np.array([share_S[part].mean() for part in parts]))
    if not tested:
        return None
    return ShotLengths(
        {name: np.array(each).reshape(-1, PARTS) for name, each in kept.items()},
        np.array(preferences),
        {
            name: np.array([marks[name][video].marks["tau"] for video in tested])
            for name in (FLOOR, row)
        },
        _mean([floor[video] for video in tested]),
    )


def _mean(of: Sequence[VideoMarks]) -> float:
    return float(np.average([v.marks["tau"] for v in of], weights=[v.weight for v in of]))


def _shares(story: Story, shown_N: Floats) -> Floats:
    """The mean over each shot's frames (S,), rounded, so that a last bit tells no two apart."""
    return np.array([shown_N[start : end + 1].mean() for start, end in story.shots]).round(9)


def _of_constant(story: Story, budget: float) -> Floats:
    video = story.video
    equal_T = np.full(len(video.picks_T), 0.5)
    shown_N = keyshots(equal_T, video.picks_T, video.n_frames, story.shots, budget)
    return np.asarray(shown_N, dtype=np.float64)


def _of_runs(story: Story, row: str) -> Floats:
    shown_N = np.zeros(story.video.n_frames)
    for start, end in story.summaries[row]:
        shown_N[start : end + 1] = 1
    return shown_N


def figure(
    found: ShotLengths,
    legend: Legend,
    *,
    confidence: float,
    heading: str | None,
    simulated: bool = False,
) -> str:
    """Left, what is kept of shots by their length; right, each video's τ by what people prefer."""
    row = next(name for name in found.tau_V if name != FLOOR)
    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(7.6, 3.6 if heading else 3.2), layout="constrained")
        left, right = drawn.subplots(1, 2, width_ratios=[1, 1.35])
        _kept(left, found, row, legend, confidence)
        _by_preference(right, found, row, legend)
        if heading:
            titled(drawn, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(drawn, "white" if heading else "none")


def _kept(axes: Axes, found: ShotLengths, row: str, legend: Legend, confidence: float) -> None:
    shown = (
        (FLOOR, "constant scores", FLOOR_COLOUR, (0, (4, 1.5)), "o"),
        (row, legend.title(row), legend.colour(row), "solid", "s"),
        (PEOPLE, "people", INK, "solid", "D"),
    )
    for shift, (name, title, colour, dashes, marker) in enumerate(shown, -1):
        kept_VB = found.kept_VB[name]
        if not len(kept_VB):
            continue
        ends_B2 = np.array([bootstrap(kept_V, confidence=confidence) for kept_V in kept_VB.T])
        mean_B = kept_VB.mean(axis=0)
        axes.errorbar(
            np.arange(PARTS) + 0.07 * shift, mean_B,
            np.clip([mean_B - ends_B2[:, 0], ends_B2[:, 1] - mean_B], 0, None),
            color=colour, linestyle=dashes, marker=marker, markersize=4, linewidth=1.4,
            elinewidth=0.8, label=title,
        )  # fmt: skip
    axes.set_xticks(range(PARTS), ["shortest\nfifth", "", "", "", "longest\nfifth"])
    axes.set_ylim(0, 1)
    axes.set_ylabel("share kept of a shot")
    axes.set_xlabel("a video’s shots by length")
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", fontsize=8)


def _by_preference(axes: Axes, found: ShotLengths, row: str, legend: Legend) -> None:
    x_V, floor_V, row_V = found.preference_V, found.tau_V[FLOOR], found.tau_V[row]
    axes.axhline(0, color=MUTED, linewidth=0.7)
    axes.axvline(0, color=MUTED, linewidth=0.7)
    axes.axhline(found.floor, color=FLOOR_COLOUR, linewidth=0.9, linestyle=(0, (6, 2)))
    axes.annotate(
        f"the floor, {mark(found.floor)}", (1, found.floor), xycoords=("axes fraction", "data"),
        xytext=(0, 3), textcoords="offset points", ha="right", size=8, color=FLOOR_COLOUR,
    )  # fmt: skip
    pixels = len(x_V) > DOTS
    axes.vlines(x_V, floor_V, row_V, color=RULE, linewidth=0.9, zorder=1, rasterized=pixels)
    for name, title, colour, face, marker in (
        (FLOOR, "constant scores", FLOOR_COLOUR, "none", "o"),
        (row, legend.title(row), legend.colour(row), legend.colour(row), "s"),
    ):
        axes.plot(
            x_V, found.tau_V[name], marker, markersize=4.5, markerfacecolor=face,
            markeredgecolor=colour, label=f"{title} (ρ {mark(found.following(name))})",
            rasterized=pixels,
        )  # fmt: skip
    for place, side, said in (
        (0.01, "left", "← people keep short shots"),
        (0.99, "right", "long →"),
    ):
        axes.text(
            place, 0.02, said, transform=axes.transAxes, ha=side, va="bottom", size=8, color=MUTED
        )
    axes.margins(y=0.13)
    axes.set_xlabel("ρ of a shot’s length and the share of it that people keep")
    axes.set_ylabel("Kendall’s τ of a video")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8)
