"""What a stage took is known of the outputs it made here, and of no others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.work import allowance, runs

ROOT = Path(__file__).parent.parent.parent
STAGE = """
from pathlib import Path
from typing import Annotated
import typer
from stages import command
from stages.work import runs

def brew(out: Annotated[Path, typer.Option()], fail: bool = False) -> None:
    block = bytearray(b"x") * 60_000_000
    runs.count("cups", 2, 5)
    out.write_text("tea")
    if fail:
        raise SystemExit(3)

if __name__ == "__main__":
    command.run(brew)
"""


def stage(where: Path, *arguments: str) -> int:
    (where / "brew.py").write_text(STAGE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(where)}
    return subprocess.run(
        [sys.executable, "brew.py", "--out", "cup", *arguments], cwd=where, env=environment
    ).returncode


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert stage(tmp_path) == 0
    return tmp_path


def test_a_stage_records_what_it_took(made: Path) -> None:
    record = runs.of(made / ".work", "brew", made / "cup")
    assert record is not None
    assert (record.stage, record.output) == ("brew", "cup")
    assert 0 < record.seconds < 60
    assert 60e6 < record.peak_bytes < 2e9
    assert record.reused == {"cups": (2, 5)}
    assert f"{allowance.cores()} cores" in record.machine


def test_the_command_can_be_typed_again(made: Path) -> None:
    record = runs.of(made / ".work", "brew", made / "cup")
    assert record is not None
    assert record.command == "python -m stages.brew --out cup"


def test_the_memory_of_a_large_parent_is_not_the_stages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parent = bytearray(b"x") * 400_000_000
    assert stage(tmp_path) == 0
    record = runs.of(tmp_path / ".work", "brew", tmp_path / "cup")
    assert record is not None
    assert record.peak_bytes < len(parent)


def test_a_run_that_only_looked_up_leaves_the_record_of_the_one_that_computed(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cup = made / ".work", made / "cup"
    first = runs.of(root, "brew", cup)
    monkeypatch.setattr(runs, "_tally", {"cups": (5, 5)})
    runs.keep(root, "brew", cup, 1.0)
    assert runs.of(root, "brew", cup) == first
    monkeypatch.setattr(runs, "_tally", {"cups": (4, 5)})
    runs.keep(root, "brew", cup, 2.0)
    again = runs.of(root, "brew", cup)
    assert again is not None
    assert again.seconds == 2
    cup.write_text("another tea, of cups that were there")
    monkeypatch.setattr(runs, "_tally", {"cups": (5, 5)})
    runs.keep(root, "brew", cup, 3.0)
    looked_up = runs.of(root, "brew", cup)
    assert looked_up is not None
    assert looked_up.reused == {"cups": (5, 5)}


def test_an_output_of_other_content_or_stage_has_none(made: Path) -> None:
    assert runs.of(made / ".work", "boil", made / "cup") is None
    (made / "cup").write_text("coffee")
    assert runs.of(made / ".work", "brew", made / "cup") is None
    assert runs.of(made / ".work", "brew", made / "missing") is None
    (made / "cup").write_text("tea")
    assert runs.of(made / ".work", "brew", made / "cup") is not None


def test_a_stage_that_failed_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stage(tmp_path, "--fail") == 3
    assert runs.of(tmp_path / ".work", "brew", tmp_path / "cup") is None


def test_a_folder_is_known_by_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_text("1")
    before = runs.content(tmp_path / "a")
    (tmp_path / "a" / "two").write_text("2")
    assert runs.content(tmp_path / "a") != before
    (tmp_path / "a" / "two").unlink()
    assert runs.content(tmp_path / "a") == before


def test_records_of_outputs_that_changed_are_dropped(made: Path) -> None:
    assert runs.collect(made / ".work") == 0
    (made / "cup").write_text("coffee")
    assert runs.collect(made / ".work", dry_run=True) == 1
    assert runs.collect(made / ".work") == 1
    assert not list((made / ".work" / "runs").iterdir())


def test_a_driver_that_fails_while_the_machine_is_described_stops_nobody(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise RuntimeError("no driver")

    monkeypatch.setattr(runs, "machine", broken)
    (made / "cup").write_text("coffee")
    runs.keep(made / ".work", "brew", made / "cup", 1.0)
    assert runs.of(made / ".work", "brew", made / "cup") is None


def test_a_record_that_cannot_be_read_or_written_stops_nobody(made: Path) -> None:
    (kept,) = (made / ".work" / "runs").iterdir()
    kept.write_text(json.dumps({"stage": "brew"}))
    assert runs.of(made / ".work", "brew", made / "cup") is None
    runs.keep(made / "cup", "brew", made / "cup", 1.0)  # the store's place is a file
    runs.keep(made / ".work", "brew", made / "missing", 1.0)
