"""Missing rows are queued once, waited for, and a failure is named with how to read why."""

import time
from pathlib import Path
from typing import Any

import pytest

from stages.errors import UserError
from stages.experiments import queue
from stages.experiments.table import Experiment


class Tasks:
    """DVC's queue as a script: each look at it moves every task one state on."""

    def __init__(self, ends: dict[str, str], waiting: tuple[str, ...] = ()) -> None:
        self.ends, self.called = ends, []
        self.states: dict[str, list[str]] = {}
        for name in waiting:
            self.put(name)
        self.put("other")
        self.states["other"] = ["Failed"]

    def put(self, name: str) -> None:
        self.states[name] = ["Queued", "Queued", "Queued", "Running", self.ends.get(name, "Failed")]

    def dvc(self, *arguments: str) -> None:
        self.called.append(" ".join(arguments))
        if "-n" in arguments:
            self.put(arguments[arguments.index("-n") + 1])

    def look(self) -> list[dict[str, Any]]:
        found = [{"rev": f"r-{name}", "name": name, "status": each[0]}
                 for name, each in self.states.items()]  # fmt: skip
        for each in self.states.values():
            if len(each) > 1:
                each.pop(0)
        return found


def experiment(name: str) -> Experiment:
    settings = ("datasets.demo.embed.window=3", "run.models=[llmvs]")
    return Experiment(name, name, "demo", settings, "llmvs", {"embed.window": 3})


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(queue, "POLL_SECONDS", 0)
    monkeypatch.setattr(queue.freshness, "other_params", lambda *of: None)
    return []


def run(monkeypatch: pytest.MonkeyPatch, tasks: Tasks, said: list[str]) -> None:
    monkeypatch.setattr(queue, "_dvc", tasks.dvc)
    monkeypatch.setattr(queue, "_tasks", tasks.look)
    queue.measure([experiment("one"), experiment("two")], 2, said.append, lambda now: None)


def test_every_row_is_queued_then_waited_for(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    tasks = Tasks({"one": "Success", "two": "Success"})
    run(monkeypatch, tasks, said)
    assert tasks.called == [
        "exp run --queue -n one -S datasets.demo.embed.window=3 -S run.models=[llmvs] "
        "evaluate@demo",
        "exp run --queue -n two -S datasets.demo.embed.window=3 -S run.models=[llmvs] "
        "evaluate@demo",
        "queue start --jobs 2",
    ]
    assert [line for line in said if "success" in line]


def test_what_waits_in_the_queue_is_not_queued_again(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    tasks = Tasks({"one": "Success", "two": "Success"}, waiting=("one",))
    run(monkeypatch, tasks, said)
    assert len([call for call in tasks.called if "-n one" in call]) == 0
    assert "one: in the queue already" in said


def test_a_failure_is_named_after_the_others_have_ended(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    with pytest.raises(UserError, match=r"1 of 2 experiments failed.*dvc queue logs two"):
        run(monkeypatch, Tasks({"one": "Success", "two": "Failed"}), said)
    assert any("one: success" in line for line in said)


def test_what_waits_there_with_other_settings_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(queue.freshness, "other_params", lambda *of: "train.lr")
    tasks = Tasks({"one": "Success", "two": "Success"}, waiting=("two",))
    with pytest.raises(UserError, match=r"two is in .*\(train\.lr\); .*dvc queue remove two"):
        run(monkeypatch, tasks, said)
    assert tasks.called == []


def test_one_that_fails_while_others_are_queued_is_named_too(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    tasks = Tasks({"one": "Failed", "two": "Success"})
    put = tasks.put

    def at_once(name: str) -> None:
        put(name)
        if name == "one":
            tasks.states["one"] = ["Failed"]

    tasks.put = at_once  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"1 of 2 experiments failed.*dvc queue logs one`$"):
        run(monkeypatch, tasks, said)


@pytest.mark.parametrize("last", ["Queued", "Running"])
def test_a_queue_that_nobody_works_on_is_not_waited_for_forever(
    monkeypatch: pytest.MonkeyPatch, said: list[str], last: str
) -> None:
    tasks = Tasks({})
    monkeypatch.setattr(queue, "_STRANDED_SECONDS", -1)
    monkeypatch.setattr(queue, "_at_work", lambda: False)
    monkeypatch.setattr(tasks, "put", lambda name: tasks.states.__setitem__(name, ["Queued", last]))
    remedy = "dvc queue kill one two" if last == "Running" else "then run this again"
    with pytest.raises(UserError, match=f"workers have stopped.*{remedy}"):
        run(monkeypatch, tasks, said)


def test_workers_that_are_busy_with_others_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    tasks = Tasks({})
    monkeypatch.setattr(queue, "_STRANDED_SECONDS", -1)
    monkeypatch.setattr(queue, "_at_work", lambda: True)
    monkeypatch.setattr(
        tasks, "put", lambda name: tasks.states.__setitem__(name, ["Queued"] * 20 + ["Success"])
    )
    run(monkeypatch, tasks, said)


def test_workers_left_behind_do_not_hold_the_command_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nsleep 20 &\n")
    script.chmod(0o755)
    monkeypatch.setattr(queue.sys, "executable", str(script))
    began = time.monotonic()
    queue._dvc("queue", "start")
    assert time.monotonic() - began < 10


def test_what_dvc_refuses_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no such stage >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(queue.sys, "executable", str(script))
    with pytest.raises(UserError, match="no such stage"):
        queue._dvc("exp", "run")
