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

from stages.artifacts.predictions import Splits
from stages.errors import UserError
from stages.metrics.inputs import Replies
from stages.metrics.leaderboard import MARKS, Row, by_video, video_weights
from stages.metrics.printed import figure_lines, shown_p
from stages.metrics.standings import DECIMALS, reference
from stages.work.files import replacing

CURVE = ("protocol", "seed", "split", "epoch", "lr", "train_loss", "test_loss", "tau")
OPTIMISTIC = "epoch chosen on the test videos: optimistic"


def flags(
    rows: Mapping[str, Row],
    asked: Mapping[str, Replies | None],
    segmented: int,
    videos: int,
) -> list[str]:
    """What a reader of the table must know, a sentence each.

    Args:
        rows: of the table.
        asked: what was replied by the models asked for a score, None by one that was not.
        segmented: videos, of `videos` annotated ones, whose shots are our own.
    """
    said = []
    if segmented:
        said.append(
            f"Shots of {segmented} of {videos} videos come from this project's own segmentation, "
            "not from the annotations; summaries and F1 depend on them."
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
    if len(next(iter(rows.values())).marks) == 1:
        said.append("There is one video, so no interval can be given.")
    return said


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


def write_per_video(path: Path, protocols: Mapping[str, tuple[Mapping[str, Row], Splits]]) -> None:
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


def read_curves(path: Path) -> list[dict[str, str]]:
    """The train stage's learning curves. Raises UserError where missing or of other columns."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
    except FileNotFoundError as error:
        raise UserError(f"{path} not found; run the train stage (`dvc repro`)") from error
    if tuple(reader.fieldnames or ()) != CURVE:
        raise UserError(
            f"{path}: expected the columns {','.join(CURVE)}, found "
            f"{','.join(reader.fieldnames or ()) or 'none'}; run the train stage again"
        )
    return lines


def write_curves(path: Path, curves: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    """curves.csv: every model's curves as they are, behind a column that names the model."""
    lines = [
        [model, *(line[name] for name in CURVE)] for model, each in curves.items() for line in each
    ]
    write_csv(path, ["model", *CURVE], lines)


def write_learning(
    path: Path, model: str, protocol: str, curve: Sequence[Mapping[str, str]]
) -> None:
    """learning.csv: one model's losses by epoch under one protocol, the mean over seeds and
    splits.

    A plot of `dvc plots` draws one line a column, so it holds a single model.
    """
    losses = ("train_loss", "test_loss")
    epochs: dict[float, list[Mapping[str, str]]] = {}
    for line in curve:
        if line["protocol"] == protocol:
            epochs.setdefault(float(line["epoch"]), []).append(line)
    lines = [
        [model, f"{epoch:g}", *(round(fmean(float(one[loss]) for one in of), 8) for loss in losses)]
        for epoch, of in sorted(epochs.items())
    ]
    write_csv(path, ["model", "epoch", *losses], lines)


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
        for mark in MARKS:
            lines = figure_lines(row[mark], "{:.3f}".format)
            if row["against"] is not None:
                tested = row["against"][mark]
                lines.append(f"p {shown_p(tested['p'])}, {shown_p(tested['holm'])}")
            cells.append("\n".join(lines))
        shown.add_row(*(escape(cell) for cell in (row["title"], *cells)))
    return shown
