"""Lists of what is kept, as their readers want them."""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numbered_films import film

from stages.media import cutlist
from stages.media.cutlist import Entry

KEPT = [
    Entry(1.0, 3.0, 0.0, 0.75, "a dog runs; it's = #1", "8/10"),
    Entry(61.0, 62.52, 2.0, 0.5, 'two "people"\non a\\beach', None),
    Entry(3600.0, 3601.0, 3.52, 0.25),
]


def test_an_edit_decision_list() -> None:
    assert (
        cutlist.edl("my film.mp4", KEPT, 25, sound=True)
        == r"""TITLE: my film.mp4
FCM: NON-DROP FRAME

001  AX       AA/V  C        00:00:01:00 00:00:03:00 00:00:00:00 00:00:02:00
* FROM CLIP NAME: my film.mp4
* COMMENT: a dog runs; it's = #1
* COMMENT: SCORE 0.750

002  AX       AA/V  C        00:01:01:00 00:01:02:13 00:00:02:00 00:00:03:13
* FROM CLIP NAME: my film.mp4
* COMMENT: two "people" on a\beach
* COMMENT: SCORE 0.500

003  AX       AA/V  C        01:00:00:00 01:00:01:00 00:00:03:13 00:00:04:13
* FROM CLIP NAME: my film.mp4
* COMMENT: SCORE 0.250
"""
    )


def test_an_edit_decision_list_of_ntsc_leaves_numbers_out() -> None:
    found = cutlist.edl("a.mov", KEPT, 30_000 / 1001, sound=False)
    assert found.splitlines()[1] == "FCM: DROP FRAME"
    cuts = [line for line in found.splitlines() if line[:3].isdecimal()]
    assert cuts == [
        "001  AX       V     C        00:00:01;00 00:00:03;00 00:00:00;00 00:00:02;00",
        "002  AX       V     C        00:01:01;00 00:01:02;16 00:00:02;00 00:00:03;16",
        "003  AX       V     C        01:00:00;00 01:00:01;00 00:00:03;16 00:00:04;16",
    ]


def test_in_the_film_times_count_from_its_own_timecode() -> None:
    found = cutlist.edl("a.mov", KEPT[:1], 25, sound=False, begins="14:23:05:10")
    (cut,) = [line for line in found.splitlines() if line[:3].isdecimal()]
    assert cut == "001  AX       V     C        14:23:06:10 14:23:08:10 00:00:00:00 00:00:02:00"


def test_a_piece_is_as_long_in_the_list_as_in_the_film_and_never_nothing() -> None:
    entries = [Entry(n * 7.013, n * 7.013 + 1.0 / (n + 1), 0.0, 1.0) for n in range(60)]
    recorded = 0
    for line in cutlist.edl("a", entries, 24, sound=False).splitlines():
        if line[:3].isdecimal():
            times = [part.split(":") for part in line.split()[4:]]
            frames = [((int(h) * 60 + int(m)) * 60 + int(s)) * 24 + int(f) for h, m, s, f in times]
            assert frames[1] - frames[0] == frames[3] - frames[2] > 0
            assert frames[2] == recorded
            recorded = frames[3]


def test_chapters_of_the_film_say_what_is_left_out() -> None:
    assert (
        cutlist.chapters("a=b.mp4", [*KEPT[:2], Entry(62.52, 64, 3.52, 0.1)], 64.0)
        == r""";FFMETADATA1
title=a\=b.mp4
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=(left out)
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=3000
title=a dog runs\; it's \= \#1
[CHAPTER]
TIMEBASE=1/1000
START=3000
END=61000
title=(left out)
[CHAPTER]
TIMEBASE=1/1000
START=61000
END=62520
title=two "people" on a\\beach
[CHAPTER]
TIMEBASE=1/1000
START=62520
END=64000
title=Shot 3
"""
    )
    assert cutlist.chapters("a", KEPT[:1], 9.5).splitlines()[-3:] == [
        *("START=3000", "END=9500", "title=(left out)")
    ]


def test_chapters_of_the_skim() -> None:
    lines = cutlist.skim_chapters("a", KEPT).splitlines()
    assert [line for line in lines if line.startswith(("START", "END"))] == [
        *("START=0", "END=2000", "START=2000", "END=3520", "START=3520", "END=4520")
    ]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg not installed")
def test_ffmpeg_takes_the_chapters(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", (np.arange(100) / 10).tolist())
    entries = [Entry(1, 3, 0, 0.7, KEPT[0].caption), Entry(5, 6.5, 2, 0.5, KEPT[1].caption)]
    listed = tmp_path / "a.chapters.txt"
    listed.write_text(cutlist.chapters("a.mp4", entries, 10), encoding="utf-8")
    made = tmp_path / "b.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-i", str(listed), "-map_metadata", "1"]
    subprocess.run([*command, "-codec", "copy", str(made)], check=True)
    command = ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(made)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["chapters"]
    found = [(float(c["start_time"]), float(c["end_time"]), c["tags"]["title"]) for c in told]
    assert found == [
        (0, 1, "(left out)"),
        (1, 3, "a dog runs; it's = #1"),
        (3, 5, "(left out)"),
        (5, 6.5, r'two "people" on a\beach'),
        (6.5, 10, "(left out)"),
    ]


def test_a_table() -> None:
    found = cutlist.table(KEPT)
    assert found.startswith(
        "shot,start,end,begins,score,caption,reply\r\n"
        "1,1.000,3.000,0.000,0.7500,a dog runs; it's = #1,8/10\r\n"
        '2,61.000,62.520,2.000,0.5000,"two ""people""\non a\\beach",\r\n'
    )
    rows = list(csv.DictReader(io.StringIO(found, newline="")))
    assert [row["caption"] for row in rows] == [entry.caption or "" for entry in KEPT]


def test_a_document() -> None:
    found = cutlist.document("фильм.mp4", KEPT[:1], {"seconds": 90.5, "recipe": "offline"})
    assert "фильм.mp4" in found
    assert json.loads(found) == {
        "film": "фильм.mp4",
        "seconds": 90.5,
        "recipe": "offline",
        "kept": [
            {
                "start": 1.0,
                "end": 3.0,
                "begins": 0.0,
                "score": 0.75,
                "caption": "a dog runs; it's = #1",
                "reply": "8/10",
            }
        ],
    }
    with pytest.raises(ValueError, match="not JSON compliant"):
        cutlist.document("a", [Entry(0, 1, 0, float("nan"))])
