"""Two runs on one output are not at work at once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages import cli, housekeeping
from stages.errors import UserError
from stages.work.claims import alone, at_work, claimed
from stages.work.store import Store

PROGRAM = """
import sys, time
from pathlib import Path
from stages.work.claims import claimed
with claimed(Path("work"), Path("out.h5")):
    print("at work", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Another process at work on out.h5."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_told_of_the_first(other: subprocess.Popen[bytes]) -> None:
    with (
        pytest.raises(UserError, match=rf"out.h5: another run .* process {other.pid} on .*kill"),
        claimed(Path("work"), Path("out.h5"), patience=0.2),
    ):
        pytest.fail("two at work")
    assert [claim.process for claim in at_work(Path("work"))] == [other.pid]


def test_another_output_is_free(other: subprocess.Popen[bytes]) -> None:
    with claimed(Path("work"), Path("other.h5"), patience=0):
        assert {claim.process for claim in at_work(Path("work"))} == {other.pid, os.getpid()}


def test_a_killed_run_claims_nothing(other: subprocess.Popen[bytes]) -> None:
    other.kill()
    other.wait()
    with claimed(Path("work"), Path("out.h5"), patience=0):
        pass
    assert at_work(Path("work")) == []
    assert not list(Path("work/claims").iterdir())


def test_one_that_is_on_its_way_out_is_waited_for(other: subprocess.Popen[bytes]) -> None:
    threading.Timer(0.5, other.terminate).start()
    before = time.monotonic()
    with claimed(Path("work"), Path("out.h5"), patience=30):
        assert time.monotonic() - before > 0.3


def test_nobody_empties_a_store_that_runs_are_at_work_on(other: subprocess.Popen[bytes]) -> None:
    with (
        claimed(Path("work"), Path("another.h5")),
        pytest.raises(UserError, match=rf"process {other.pid} on .*out.h5.* --dry-run"),
        alone(Path("work")),
    ):
        pytest.fail("two at work")
    other.kill()
    other.wait()
    with alone(Path("work")):
        pass


def test_a_run_waits_until_the_store_is_emptied(tmp_path: Path) -> None:
    with alone(tmp_path):
        with (
            pytest.raises(UserError, match="llmvs gc is at work on the store"),
            claimed(tmp_path, tmp_path / "out", patience=0.2),
        ):
            pytest.fail("two at work")
        assert not list((tmp_path / "claims").glob("*"))
    with claimed(tmp_path, tmp_path / "out", patience=0):
        pass


def test_gc_is_refused_while_a_run_is_at_work_but_says_what_it_would_do(
    other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping.Store, "default", lambda *_: Store(Path("work")))
    refused = CliRunner().invoke(cli.app, ["gc"])
    assert isinstance(refused.exception, UserError)
    assert f"at work on the store: process {other.pid}" in str(refused.exception)
    assert CliRunner().invoke(cli.app, ["gc", "--dry-run"]).exit_code == 0
    other.kill()
    other.wait()
    assert CliRunner().invoke(cli.app, ["gc"]).exit_code == 0
