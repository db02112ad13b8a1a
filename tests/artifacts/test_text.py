from pathlib import Path

import pytest

from stages.artifacts import text
from stages.errors import UserError


def test_a_text_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("a‑b\u2028c\n", encoding="utf-8")
    assert text.read(tmp_path / "said.txt", "write it") == "a‑b\u2028c\n"


def test_what_is_missing_or_no_text_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"said\.txt not found; write it$"):
        text.read(tmp_path / "said.txt", "write it")
    (tmp_path / "said.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"said\.txt is not UTF-8 text: .*; write it$"):
        text.read(tmp_path / "said.txt", "write it")
