"""The figures that stand alone, as SVG: the same data give the same bytes.

Shapes: T sampled frames.
"""

import io

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from stages import rows
from stages.artifacts.results import ProtocolTable, Results
from stages.pages import paths
from stages.pages.palette import INK, KIND_COLOURS, MUTED, PALETTE, RULE, STYLE
from stages.pages.report.legend import Legend
from stages.pages.stories import PEOPLE, ZERO_SHOT, Story
from stages.pages.svg import drawn_as, titled, with_jpegs
from stages.pages.thumbnails import Thumbnails


def agreement(results: Results) -> str:
    """The tables as dot plots, a band a protocol: each row's τ and ρ with its interval, 0, people
    and, where constant scores earn anything, that floor drawn in.

    On a dataset of the paper, its own figures are hollow diamonds, named as the paper's.
    """
    with matplotlib.rc_context(STYLE):
        bands = results.protocols
        height = sum(0.55 + 0.3 * len(band.rows) for band in bands.values())
        figure = Figure(figsize=(7.6, 0.8 + height), layout="constrained")
        grid = figure.subplots(
            len(bands), 2, sharex="col", sharey="row", squeeze=False,
            height_ratios=[len(band.rows) for band in bands.values()],
        )  # fmt: skip
        for (name, band), panels in zip(bands.items(), grid, strict=True):
            for axes, mark in zip(panels, ("tau", "rho"), strict=True):
                _dots(axes, band, mark, results.benchmark)
            panels[0].set_yticks(range(len(band.rows)), [row.title for row in band.rows.values()])
            panels[0].invert_yaxis()
            panels[0].set_title(_named(name, band), weight="bold")
        for axes, label in zip(grid[-1], ("Kendall’s τ", "Spearman’s ρ"), strict=True):
            axes.set_xlabel(label)
        figure.supxlabel(_told(results), size=8, color=MUTED)
        title = f"Agreement with people: {results.title}"
        titled(figure, title, results.simulated, 0.55 if results.simulated else 0.35)
    return drawn_as(figure)


def _told(results: Results) -> str:
    told = f"{100 * results.confidence:g} % bootstrap interval over videos"
    told += "; dotted: people among themselves"
    if any(band.floor for band in results.protocols.values()):
        told += "; dashed: constant scores"
    if results.benchmark:
        told += f"\n◇ the paper’s own figure on {results.benchmark}, by its protocol, official"
    return told


def _named(name: str, band: ProtocolTable) -> str:
    optimistic = ", optimistic" if name == "official" else ""
    return f"protocol {name}{optimistic}: {band.videos} videos"


def _dots(axes: Axes, band: ProtocolTable, mark: str, benchmark: str | None) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.8)
    if band.floor is not None:
        floor = getattr(band.floor, mark)
        axes.axvline(floor, color=PALETTE[3], linewidth=0.9, linestyle=(0, (6, 2)), zorder=0.5)
    if "human" in band.rows:
        mean = band.rows["human"].figure(mark).mean
        axes.axvline(mean, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
    for place, (name, row) in enumerate(band.rows.items()):
        of, drawn = row.figure(mark), KIND_COLOURS.get(row.kind, MUTED)
        if of.low is not None and of.high is not None:
            axes.plot([of.low, of.high], [place, place], color=drawn, linewidth=1.4)
        axes.plot(of.mean, place, "o", color=drawn, markersize=5)
        _reported(axes, name, mark, place, benchmark)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _reported(axes: Axes, row: str, mark: str, place: int, benchmark: str | None) -> None:
    printed = rows.counterpart(row)
    said = printed.on(benchmark) if printed is not None and benchmark else None
    if said is not None:
        axes.plot(
            getattr(said, mark), place, "D", markersize=5, markerfacecolor="white",
            markeredgecolor=PALETTE[3], markeredgewidth=1.1,
        )  # fmt: skip


def story(told: Story, legend: Legend, *, dataset: str, simulated: bool) -> str:
    """One video: score curves of people, the first scorer and the LLM, over its frames where there
    are pictures of them.
    """
    pictured = told.thumbnails is not None
    with matplotlib.rc_context(STYLE):
        height = (3.5 if pictured else 2.9) + 0.2 * simulated
        figure = Figure(figsize=(7.6, height), layout="constrained")
        upper, lower = figure.subplots(
            2, 1, sharex=True, height_ratios=[3.2, 1 if pictured else 0.16]
        )
        _curves(upper, told, legend)
        for start in told.video.seconds_at(told.shots[1:, 0]):
            for axes in (upper, lower):
                axes.axvline(start, color=RULE, linewidth=0.8, zorder=0)
        if told.thumbnails is not None:
            _strip(lower, told, told.thumbnails)
        _kept(lower, told, legend)
        title = f"People and model over {told.name}: {dataset}"
        titled(figure, title, simulated, 0.5 if simulated else 0.3)
    return with_jpegs(drawn_as(figure))


def _curves(axes: Axes, told: Story, legend: Legend) -> None:
    video = told.video
    x_T = video.seconds_at(paths.centres(video.picks_T, video.n_frames) * video.n_frames)
    people_T = told.scores[PEOPLE]
    if told.people_UT is not None:
        spread_T = told.people_UT.std(axis=0)
        axes.fill_between(
            x_T, people_T - spread_T, people_T + spread_T,
            color=INK, alpha=0.1, linewidth=0, label="one standard deviation",
        )  # fmt: skip
    axes.plot(
        x_T,
        people_T,
        color=INK,
        linewidth=1.8,
        label=f"{told.users} people, mean" if told.users > 1 else "people's score",
    )
    for row in (legend.first, ZERO_SHOT):
        if row in told.scores and row in legend.rows:
            dashes = (0, (1, 1.5)) if row == ZERO_SHOT else "solid"
            drawn = legend.colour(row)
            axes.plot(x_T, told.scores[row], color=drawn, linestyle=dashes, label=legend.title(row))
    axes.set_ylim(0, 1)
    axes.set_ylabel("importance")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, fontsize=8)


def _kept(axes: Axes, told: Story, legend: Legend) -> None:
    """The first scorer's summary as bars below."""
    for start, end in told.summaries.get(legend.first, ()):
        axes.plot(
            told.video.seconds_at([start, end + 1]), [-0.2, -0.2],
            color=PALETTE[0], linewidth=5, solid_capstyle="butt", clip_on=False,
        )  # fmt: skip
    axes.set_xlim(0, told.video.seconds)
    axes.set_ylim(-0.34, 1 if told.thumbnails is not None else 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        f"seconds of {told.name}; vertical lines: shots; blue bars: summary of {legend.first_title}"
    )


def _strip(axes: Axes, told: Story, stills: Thumbnails, most: int = 12, aspect: float = 10) -> None:
    """Frames in a row under their time; every second or third where there are many.

    aspect is about what the row measures, width to height: frames are cut to fit their place.
    """
    video = told.video
    every = -(-len(stills.frames_K) // most)
    bounds = video.seconds_at(np.append(video.picks_T[stills.frames_K], video.n_frames))
    for index in range(0, len(stills.frames_K), every):
        left, right = float(bounds[index]), float(bounds[min(index + every, len(bounds) - 1)])
        if right <= left:
            continue  # by the file's timestamps these frames are all shown at once
        wanted = aspect * (right - left) / video.seconds
        with Image.open(io.BytesIO(stills.images[index])) as opened:
            height = min(opened.height, opened.width / wanted)
            size = max(1, round(height * wanted)), max(1, round(height))
            picture = np.asarray(ImageOps.fit(opened.convert("RGB"), size))
        axes.imshow(picture, extent=(left, right, 0, 1), aspect="auto", interpolation="none")
