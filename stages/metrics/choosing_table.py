"""How much of official is choosing, as a table for the terminal, and in sentences."""

from rich.markup import escape
from rich.table import Table

from stages.artifacts.choosing import EpochStep, Step
from stages.artifacts.results import Results
from stages.errors import anew
from stages.metrics.choosing import OFFICIAL, STRICT
from stages.metrics.printed import interval, mark, signed, spread
from stages.metrics.terminal import begun

TITLE = "How much of official is choosing"
CHAIN = (
    "strict + videos + training + epoch = official, in Kendall's τ. videos: strict's own τ of each "
    "video, averaged over the videos that official tests with its weights. training: official's "
    "models, which learnt from other videos, at their last epoch, on the same videos. epoch: their "
    "weights of the best epoch on the test videos in place of the last."
)
OTHERS = (
    "others: what the epoch would have gained that is best on the other splits' test videos. "
    "What epoch has above that comes of choosing on the very videos that are tested."
)
OTHERWISE = (
    "by τ, by ρ: what epoch would be had it been chosen by the other of the two, in Kendall's τ."
)
UNTRAINED = (
    "Nothing was trained here, so that rows move by the videos alone that official tests, and by "
    "how it weighs them."
)


def steps(results: Results) -> tuple[str, ...]:
    """Which there are, by the names of `Choosing`: videos alone where nothing was trained."""
    rows = (results.choosing or {}).values()
    trained = any(row.epoch or row.lacking for row in rows)
    return ("videos", "training", "epoch") if trained else ("videos",)


def said(results: Results) -> list[str]:
    """What a reader of the table must know, a sentence or a few each."""
    rows = results.choosing or {}
    if "epoch" not in steps(results):
        return [UNTRAINED]
    notes = [CHAIN]
    if any(row.epoch and row.epoch.others is not None for row in rows.values()):
        notes.append(OTHERS)
    if any(row.epoch and row.epoch.otherwise for row in rows.values()):
        notes.append(OTHERWISE)
    titles = results.protocols[STRICT].rows
    notes += [
        f"{titles[name].title}: the learning curves hold no τ of the epoch kept or of the last in "
        f"{row.lacking} of its runs under official, so training and epoch, which come to "
        f"{signed(row.difference.mean - row.videos.mean)}, cannot be told apart; {anew('train')}."
        for name, row in rows.items()
        if row.lacking
    ]
    return notes


def table(results: Results) -> Table | None:
    """80 columns wide; None where there are not both protocols."""
    if results.choosing is None:
        return None
    columns = steps(results)
    legend = "±: standard deviation over draws."
    if "epoch" in columns:
        legend = "±: standard deviation over seeds or draws; [lowest, highest] run."
    notes = [*said(results), legend]
    shown = begun([results.title, TITLE], notes, simulated=results.simulated)
    for heading in (STRICT, *columns, OFFICIAL):
        shown.add_column(heading, justify="right")
    strict, official = (results.protocols[name].rows for name in (STRICT, OFFICIAL))
    for name, row in results.choosing.items():
        shown.add_row(
            escape(strict[name].title),
            mark(strict[name].tau.mean),
            *(escape(_lines(getattr(row, step))) for step in columns),
            mark(official[name].tau.mean),
        )
    return shown


def _lines(step: Step | None) -> str:
    if step is None:
        return "–"
    lines = [spread(signed(step.mean), step.spread)]
    if isinstance(step, EpochStep):
        lines.append(interval(step.low, step.high))
        if step.others is not None:
            lines.append(f"others {signed(step.others)}")
        lines += [f"by {of} {signed(gained)}" for of, gained in step.otherwise.items()]
    return "\n".join(lines)
