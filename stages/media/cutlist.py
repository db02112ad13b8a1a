"""Lists of what is kept of a film, for editing programs, players, tables and programs.

Sources: CMX 3600, the edit decision list that editing programs read; FFmpeg's metadata format
(`ffmpeg -i film.mp4 -i film.chapters.txt -map_metadata 1 -codec copy with-chapters.mp4`).
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.media.timecode import Timecode

_LEFT_OUT = "(left out)"

COLUMNS = ("shot", "start", "end", "begins", "score", "caption", "reply")


@dataclass(frozen=True)
class Entry:
    """A piece that is kept: [start, end) of the film, when it begins in the skim, in seconds, and
    why. caption, reply: None where no words were made.
    """

    start: float
    end: float
    begins: float
    score: float
    caption: str | None = None
    reply: str | None = None


def edl(film: str, entries: Sequence[Entry], fps: float, sound: bool, begins: str = "") -> str:
    """A CMX 3600 list: one cut after the other, each with its caption and score as comments.

    Timecodes are of the film's own rate (`timecode.Timecode.at`). In the film they count from what
    it says of its first frame, or from 0, and in what becomes of it from 0, where a piece is as
    long as in the film to the frame.

    Args:
        film: the name of its file.
        entries: in order.
        fps: frames a second, on average.
        sound: whether the film has any.
        begins: the timecode of its first frame, as it says; "" where it says none.
    """
    timecode = Timecode.at(fps)
    timecode, first = timecode.starting(begins) or (timecode, 0)
    lines = [f"TITLE: {_line(film)}", f"FCM: {'' if timecode.drop else 'NON-'}DROP FRAME"]
    at = 0
    for number, entry in enumerate(entries, 1):
        begin = timecode.frame(entry.start)
        length = max(1, timecode.frame(entry.end) - begin)
        times = [first + begin, first + begin + length, at, at + length]
        track = "AA/V" if sound else "V"
        lines += [
            "",
            f"{number:03}  {'AX':8} {track:5} {'C':8} {' '.join(map(timecode.text, times))}",
            f"* FROM CLIP NAME: {_line(film)}",
        ]
        if entry.caption:
            lines.append(f"* COMMENT: {_line(entry.caption)}")
        lines.append(f"* COMMENT: SCORE {entry.score:.3f}")
        at += length
    return "\n".join(lines) + "\n"


def chapters(film: str, entries: Sequence[Entry], seconds: float) -> str:
    """FFmpeg's metadata for the film: a chapter for each piece, and for what lies between, which
    MP4 would otherwise add to its neighbours.

    Args:
        film: the name of its file.
        entries: in order.
        seconds: how long it is.
    """
    found: list[tuple[float, float, str]] = []
    at = 0.0
    for number, entry in enumerate(entries, 1):
        if round(1000 * at) < round(1000 * entry.start):
            found.append((at, entry.start, _LEFT_OUT))
        found.append((entry.start, entry.end, _title(entry, number)))
        at = entry.end
    if round(1000 * at) < round(1000 * seconds):
        found.append((at, seconds, _LEFT_OUT))
    return _metadata(film, found)


def skim_chapters(film: str, entries: Sequence[Entry]) -> str:
    """FFmpeg's metadata for the skim: a chapter for each piece."""
    return _metadata(
        film,
        [
            (entry.begins, entry.begins + entry.end - entry.start, _title(entry, number))
            for number, entry in enumerate(entries, 1)
        ],
    )


def _title(entry: Entry, number: int) -> str:
    return entry.caption or f"Shot {number}"


def _metadata(film: str, named: Sequence[tuple[float, float, str]]) -> str:
    lines = [";FFMETADATA1", f"title={_escaped(film)}"]
    for begin, end, title in named:
        times = [f"START={round(begin * 1000)}", f"END={round(end * 1000)}"]
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", *times, f"title={_escaped(title)}"]
    return "\n".join(lines) + "\n"


def table(entries: Sequence[Entry]) -> str:
    """CSV (RFC 4180) with a heading; times in seconds, to the thousandth."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, entry in enumerate(entries, 1):
        times = (f"{time:.3f}" for time in (entry.start, entry.end, entry.begins))
        writer.writerow([number, *times, f"{entry.score:.4f}", entry.caption, entry.reply])
    return text.getvalue()


def document(film: str, entries: Sequence[Entry], more: Mapping[str, Any] | None = None) -> str:
    """JSON: the film's name, whatever `more` there is to say, and `kept`, a list of pieces."""
    kept = [
        {
            "start": round(entry.start, 6),
            "end": round(entry.end, 6),
            "begins": round(entry.begins, 6),
            "score": round(entry.score, 6),
            "caption": entry.caption,
            "reply": entry.reply,
        }
        for entry in entries
    ]
    found = {"film": film, **(more or {}), "kept": kept}
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _line(text: str) -> str:
    """On one line, which ends an entry of a list."""
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in "=;#\\" else each for each in _line(text))
