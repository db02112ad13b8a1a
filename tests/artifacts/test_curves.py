import re
from dataclasses import replace
from pathlib import Path

import pytest

from stages.artifacts.curves import COLUMNS, Point, read, write
from stages.errors import UserError

POINTS = [
    Point("strict", 0, 1, 1, 3e-4, 0.125, 0.25),
    Point("official", 3, 0, 0.5, 1.5e-5, 0.1, 0.2, -0.03125, 0.0625),
]


def test_points_come_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "c.csv", iter(POINTS))
    assert read(tmp_path / "c.csv") == POINTS
    text = (tmp_path / "c.csv").read_text()
    assert text.splitlines() == [
        ",".join(COLUMNS),
        "strict,0,1,1,0.0003,0.125,0.25,,",
        "official,3,0,0.5,1.5e-05,0.1,0.2,-0.03125,0.0625",
    ]


def test_a_file_from_before_rho_was_kept_is_read_without_it(tmp_path: Path) -> None:
    lines = [",".join(COLUMNS[:-1]), "official,3,0,0.5,1.5e-05,0.1,0.2,-0.03125"]
    (tmp_path / "c.csv").write_text("\n".join(lines) + "\n")
    assert read(tmp_path / "c.csv") == [replace(POINTS[1], rho=None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns must be protocol, seed"),
        ("a,b\n1,2\n", "columns must be protocol, seed"),
        (",".join(COLUMNS) + "\nstrict,0,1\n", "line 2: not a point"),
        (",".join(COLUMNS) + "\nstrict,0,1,1,1,1,1,\n", "line 2: not a point"),
        (",".join(COLUMNS[:-1]) + "\nstrict,0,1,1,1,1,1,,\n", "line 2: not a point"),
        (",".join(COLUMNS) + "\nstrict,one,1,1,1,1,1,,\n", "line 2: not a point"),
    ],
)
def test_what_is_no_table_of_curves_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=r"c\.csv not found"):
        read(tmp_path / "c.csv")
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(UserError, match=rf"c\.csv.*{re.escape(said)}"):
        read(tmp_path / "c.csv")
