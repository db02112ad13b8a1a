"""What evaluate writes: the tables that DVC, the report and people read."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from stages.artifacts.curves import COLUMNS, Point
from stages.artifacts.predictions import Splits
from stages.metrics.figures import DECIMALS, collapsed, reference
from stages.metrics.leaderboard import MARKS, Scored, by_video, video_weights
from stages.metrics.printed import figure_lines, mark, shown_p
from stages.metrics.replies import Replies
from stages.work.files import replacing

OPTIMISTIC = "epoch chosen on the test videos: optimistic"


def flags(
    rows: Mapping[str, Scored],
    asked: Mapping[str, Replies | None],
    shots: Mapping[str, int],
    people: float,
) -> list[str]:
    """What a reader of the table must know, a sentence each.

    Args:
        rows: of the table.
        asked: what was replied by the models asked for a score, None by one that was not.
        shots: how many videos have their shots from where (`timeline.Origin`).
        people: mean standard deviation of people's scores within a video, as they are learnt.
    """
    said = []
    if segmented := shots.get("kts", 0):
        said.append(
            f"Shots of {segmented} of {sum(shots.values())} videos come from this project's own "
            "segmentation, not from the annotations; summaries and F1 depend on them."
        )
    said += [
        f"{replies.unparsed} of {replies.replies} replies of the {who} hold no score; the row of "
        "its own scores puts those frames at their video's median."
        for who, replies in asked.items()
        if replies is not None and replies.unparsed
    ]
    said += [
        f"{row.title}: {row.unranked} of {row.scored} predictions give every frame of their video "
        "the same value. Those have no rank correlation; it is counted as 0."
        for row in rows.values()
        if row.unranked
    ]
    said += [
        f"{row.title}: has collapsed. Its scores hardly differ within a video (standard deviation "
        f"{row.deviation:.1g}, people's {people:.2f}), and it earns what constant scores earn."
        for row in rows.values()
        if collapsed(row, people)
    ]
    if len(next(iter(rows.values())).marks) == 1:
        said.append("There is one video, so no interval can be given.")
    return said


def floor_said(title: str, rows: Mapping[str, Any]) -> str:
    """That a measure's floor is not zero, in a sentence. rows: as results.json holds them."""
    constant, random = rows["constant"], rows["random"]
    return (
        f"The measure of {title} has a floor that is not zero: constant scores reach "
        f"τ {mark(constant['tau']['mean'])} ρ {mark(constant['rho']['mean'])} here and random ones "
        f"τ {mark(random['tau']['mean'])} ρ {mark(random['rho']['mean'])}, because a knapsack "
        "prefers short shots and so do people. Read every figure against it."
    )


def metrics_document(results: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """The means of results.json alone, for `dvc metrics`: {protocol: {row: {mark: mean}}}."""
    return {
        protocol: {
            name: {mark: row[mark]["mean"] for mark in MARKS} for name, row in of["rows"].items()
        }
        for protocol, of in results["protocols"].items()
    }


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    with replacing(path) as temporary:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def write_per_video(
    path: Path, protocols: Mapping[str, tuple[Mapping[str, Scored], Splits]]
) -> None:
    """protocol, row, video, tau, rho, f1, weight: every row's marks of every video tested under
    the protocol, over its trials, and the video's share in the row's mean.
    """
    lines = []
    for protocol, (rows, splits) in protocols.items():
        weights = {video: of.sum() for video, of in video_weights(splits).items()}
        lines += [
            [protocol, name, video, *(round(mark, DECIMALS) for mark in marks), weights[video]]
            for name, row in rows.items()
            for video, marks in by_video(row, splits).items()
        ]
    write_csv(path, ["protocol", "row", "video", *MARKS, "weight"], lines)


def write(
    folder: Path,
    document: Mapping[str, Any],
    protocols: Mapping[str, tuple[Mapping[str, Scored], Splits]],
) -> None:
    """results.json, metrics.json and per_video.csv of a dataset."""
    write_json(folder / "results.json", document)
    write_json(folder / "metrics.json", metrics_document(document))
    write_per_video(folder / "per_video.csv", protocols)


def write_curves(folder: Path, curves: Mapping[str, Sequence[Point]], protocol: str) -> None:
    """curves.csv, every model's learning curves behind a column that names the model; and
    learning.csv, the first one's losses by epoch under one protocol, over seeds and splits.

    A plot of `dvc plots` draws one line a column, so learning.csv holds a single model. Where
    nothing was trained both hold their heading alone.
    """
    lines = [[model, *point.columns()] for model, each in curves.items() for point in each]
    write_csv(folder / "curves.csv", ["model", *COLUMNS], lines)
    model, curve = next(iter(curves.items()), ("", ()))
    epochs: dict[float, list[Point]] = {}
    for point in curve:
        if point.protocol == protocol:
            epochs.setdefault(point.epoch, []).append(point)
    means = [
        [
            model,
            f"{epoch:g}",
            round(fmean(point.train_loss for point in of), 8),
            round(fmean(point.test_loss for point in of), 8),
        ]
        for epoch, of in sorted(epochs.items())
    ]
    write_csv(folder / "learning.csv", ["model", "epoch", "train_loss", "test_loss"], means)


def tables(results: Mapping[str, Any]) -> list[Table]:
    """results.json as tables for the terminal, one a protocol, 80 columns wide."""
    return [_table(results, protocol) for protocol in results["protocols"]]


def _table(results: Mapping[str, Any], protocol: str) -> Table:
    percent = f"{100 * results['confidence']:g} %"
    of = results["protocols"][protocol]
    chosen = of["rows"][reference(of["rows"])]["title"]
    title = f"{results['title']}\nprotocol {protocol}, {of['videos']} videos"
    if protocol == "official":
        title += f"\n{OPTIMISTIC}"
    if results["simulated"]:
        title += "\nSIMULATED ANNOTATIONS: these figures say nothing about real videos"
    notes = [
        f"[low, high]: {percent} bootstrap over videos. ±: standard deviation over seeds; "
        "folds ±: of the folds' means.",
        f"p: paired permutation test against {chosen} over videos, then Holm's correction for the "
        f"{len(of['rows']) - 1} rows tested.",
        *of["flags"],
    ]
    shown = Table(
        title=escape(title),
        caption=escape("\n".join(notes)),
        caption_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    shown.add_column("")
    for heading in ("τ", "ρ", "F1"):
        shown.add_column(heading, justify="right", min_width=len("[-0.000, -0.000]"))
    for row in of["rows"].values():
        cells = []
        for name in MARKS:
            lines = figure_lines(row[name], "{:.3f}".format)
            if row["against"] is not None:
                tested = row["against"][name]
                lines.append(f"p {shown_p(tested['p'])}, {shown_p(tested['holm'])}")
            cells.append("\n".join(lines))
        shown.add_row(*(escape(cell) for cell in (row["title"], *cells)))
    return shown
