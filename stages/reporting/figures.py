"""The figures that stand alone, as SVG: the same data give the same bytes.

Shapes: E epochs, R runs, T sampled frames.
"""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from stages.reporting import lanes, paper
from stages.reporting.measurements import Curve, Protocol, Results
from stages.reporting.palette import INK, KIND_COLOURS, MUTED, PALETTE, RULE, STYLE, colour
from stages.reporting.svg import drawn_as, titled, with_jpegs
from stages.reporting.videos import PEOPLE, ZERO_SHOT, Video


def agreement(results: Results) -> str:
    """The tables as dot plots, a band a protocol: each row's τ and ρ with its interval, 0 and
    people drawn in.

    On a dataset of the paper, its own figures are hollow diamonds, named as the paper's.
    """
    with matplotlib.rc_context(STYLE):
        bands = results.protocols
        height = sum(0.55 + 0.3 * len(band.rows) for band in bands)
        figure = Figure(figsize=(7.6, 0.8 + height), layout="constrained")
        grid = figure.subplots(
            len(bands), 2, sharex="col", sharey="row", squeeze=False,
            height_ratios=[len(band.rows) for band in bands],
        )  # fmt: skip
        benchmark = paper.benchmark(results.dataset)
        for band, panels in zip(bands, grid, strict=True):
            for axes, mark in zip(panels, ("tau", "rho"), strict=True):
                _dots(axes, band, mark, benchmark)
            panels[0].set_yticks(range(len(band.rows)), [row.title for row in band.rows])
            panels[0].invert_yaxis()
            panels[0].set_title(_named(band), weight="bold")
        for axes, label in zip(grid[-1], ("Kendall’s τ", "Spearman’s ρ"), strict=True):
            axes.set_xlabel(label)
        told = f"{100 * results.confidence:g} % bootstrap interval over videos"
        told += "; dotted: people among themselves"
        if benchmark:
            told += f"; ◇ the paper’s own figure on {benchmark}"
        figure.supxlabel(told, size=8, color=MUTED)
        title = f"Agreement with people: {results.title}"
        titled(figure, title, results.simulated, 0.55 if results.simulated else 0.35)
    return drawn_as(figure)


def _named(band: Protocol) -> str:
    optimistic = ", optimistic" if band.name == "official" else ""
    return f"protocol {band.name}{optimistic}: {band.videos} videos"


def _dots(axes: Axes, band: Protocol, mark: str, benchmark: str | None) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.8)
    human = band.row("human")
    if human is not None:
        mean = human.figures[mark].mean
        axes.axvline(mean, color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
    for place, row in enumerate(band.rows):
        of, drawn = row.figures[mark], KIND_COLOURS.get(row.kind, MUTED)
        if of.low is not None and of.high is not None:
            axes.plot([of.low, of.high], [place, place], color=drawn, linewidth=1.4)
        axes.plot(of.mean, place, "o", color=drawn, markersize=5)
        _reported(axes, row.name, mark, place, benchmark)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _reported(axes: Axes, row: str, mark: str, place: int, benchmark: str | None) -> None:
    method = paper.counterpart(row)
    said = method.on(benchmark) if method is not None and benchmark else None
    if said is not None:
        axes.plot(
            getattr(said, mark), place, "D", markersize=5, markerfacecolor="white",
            markeredgecolor=PALETTE[3], markeredgewidth=1.1,
        )  # fmt: skip


def highest(curves: Sequence[Curve], guess: float) -> float:
    """An end of the loss axis above every mean curve; a diverged first epoch does not set it."""
    losses = [loss_RE.mean(axis=0) for c in curves for loss_RE in (c.train_RE, c.test_RE)]
    usual = max((float(np.quantile(loss_E, 0.95)) for loss_E in losses), default=guess)
    return 1.15 * max(guess, usual)


def learning(
    curves: Sequence[Curve],
    titles: Sequence[str],
    *,
    guess: float,
    top: float,
    heading: str | None = None,
    simulated: bool = False,
) -> str:
    """Train and test loss by epoch, an axes a model: mean and one standard deviation over runs.

    guess is the loss of always answering the average score: what a model must get under. top is
    the end of the loss axis, shared by figures to be compared (`highest`). Without a heading the
    figure is small and has no background, to be set into the page.
    """
    with matplotlib.rc_context(STYLE):
        size = (2.75 * len(curves) + 0.3, 2.75) if heading else (2.65, 2.0)
        figure = Figure(figsize=size, layout="constrained")
        axes_of = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, curve, title in zip(axes_of, curves, titles, strict=True):
            axes.axhline(guess, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
            for name, loss_RE, drawn, dashes in (
                ("train", curve.train_RE, PALETTE[1], (0, (4, 1.5))),
                ("test", curve.test_RE, PALETTE[0], "solid"),
            ):
                mean_E, spread_E = loss_RE.mean(axis=0), loss_RE.std(axis=0)
                axes.fill_between(
                    curve.epochs_E, mean_E - spread_E, mean_E + spread_E,
                    color=drawn, alpha=0.16, linewidth=0,
                )  # fmt: skip
                axes.plot(curve.epochs_E, mean_E, color=drawn, linestyle=dashes, label=name)
            axes.set_title(title, weight="bold")
            axes.set_xlabel("epoch")
            axes.set_ylim(0, top)
            axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes_of[0].set_ylabel("mean squared error")
        axes_of[0].legend(loc="lower left", fontsize=8, ncols=2, handlelength=1.8)
        if heading:
            titled(figure, heading, simulated, 0.55 if simulated else 0.35)
    return drawn_as(figure, "white" if heading else "none")


def story(
    video: Video, models: Sequence[str], titles: Sequence[str], *, dataset: str, simulated: bool
) -> str:
    """One video: score curves of people, the first model and the LLM, over its frames."""
    x_T = lanes.centres(video.picks_T, video.n_frames) * video.seconds
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.5 + 0.2 * simulated), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        people_T = video.scores[PEOPLE]
        if video.people_UT is not None:
            spread_T = video.people_UT.std(axis=0)
            upper.fill_between(
                x_T, people_T - spread_T, people_T + spread_T,
                color=INK, alpha=0.1, linewidth=0, label="one standard deviation",
            )  # fmt: skip
        upper.plot(x_T, people_T, color=INK, linewidth=1.8, label=f"{video.users} people, mean")
        names = {models[0]: titles[0], ZERO_SHOT: "LLM’s own score (zero-shot)"}
        for row, title in names.items():
            if row in video.scores:
                dashes = (0, (1, 1.5)) if row == ZERO_SHOT else "solid"
                drawn = colour(row, models)
                upper.plot(x_T, video.scores[row], color=drawn, linestyle=dashes, label=title)
        for start in video.shots_S2[1:, 0]:
            for axes in (upper, lower):
                axes.axvline(start / video.fps, color=RULE, linewidth=0.8, zorder=0)
        upper.set_ylim(0, 1)
        upper.set_ylabel("importance")
        upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, fontsize=8)
        _strip(lower, video)
        lower.set_xlabel(
            f"seconds of {video.name}; vertical lines: shots; blue bars: {titles[0]}’s summary"
        )
        for start, end in video.summaries.get(models[0], ()):
            lower.plot(
                [start / video.fps, (end + 1) / video.fps], [-0.2, -0.2],
                color=PALETTE[0], linewidth=5, solid_capstyle="butt", clip_on=False,
            )  # fmt: skip
        title = f"People and model over {video.name}: {dataset}"
        titled(figure, title, simulated, 0.5 if simulated else 0.3)
    return with_jpegs(drawn_as(figure))


def _strip(axes: Axes, video: Video, most: int = 12, aspect: float = 10.0) -> None:
    """Frames in a row under their time; every second or third where there are many.

    aspect is about what the row measures, width to height: frames are cut to fit their place.
    """
    stills = video.thumbnails
    every = -(-len(stills.frames_K) // most)
    bounds = np.append(video.picks_T[stills.frames_K], video.n_frames) / video.fps
    for index in range(0, len(stills.frames_K), every):
        left, right = float(bounds[index]), float(bounds[min(index + every, len(bounds) - 1)])
        wanted = aspect * (right - left) / video.seconds
        with Image.open(io.BytesIO(stills.images[index])) as opened:
            height = min(opened.height, opened.width / wanted)
            size = max(1, round(height * wanted)), max(1, round(height))
            picture = np.asarray(ImageOps.fit(opened.convert("RGB"), size))
        axes.imshow(picture, extent=(left, right, 0, 1), aspect="auto", interpolation="none")
    axes.set_xlim(0, video.seconds)
    axes.set_ylim(-0.34, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
