"""What is wrong after a stage was stopped is seen, and what is right is not complained of."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stages.resilience import expectations, full_disk, interruption
from stages.resilience.outcomes import Fault, Trial, examples
from stages.resilience.pipeline import Step
from stages.resilience.process import Ended, call
from stages.resilience.project import Marks, Project
from stages.resilience.reference import Made, Reference

STEP = Step("paint", ("python", "-m", "stages.paint"), ("data/made",))
DONE = Ended(0, "", 1.0, stopped=False, moment=0.0, hung=False, survivors=())
ITEM = ".work/items/ab/abcd.npz"


def write(project: Project, path: str, text: str) -> None:
    (project.root / path).parent.mkdir(parents=True, exist_ok=True)
    (project.root / path).write_text(text)


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    kept, project = Project(tmp_path / "kept"), Project(tmp_path / "project")
    for path in ("data/made/one", "data/made/two", ITEM):
        write(kept, path, path)
    made = Made(STEP, kept.outputs(STEP), (ITEM,), 2.0, 1.0)
    reference = Reference(kept, project, {"paint": made})
    reference.restore()
    return reference


@pytest.fixture
def project(reference: Reference) -> Project:
    """What the reference run left, about to be run in once more."""
    return reference.project


@pytest.fixture
def before(project: Project) -> Marks:
    return project.items()


def faults(reference: Reference, before: Marks, again: Ended = DONE) -> list[str]:
    """After whatever was done to the project since `before`."""
    made, project = reference.made["paint"], reference.project
    found = [
        *expectations.finished(again, project, made, before),
        *expectations.tidy(project, reference),
    ]
    return [fault.what for fault in found]


def test_a_run_that_gives_the_same_is_right(
    reference: Reference, project: Project, before: Marks
) -> None:
    assert faults(reference, before) == []
    write(project, ".work/downloads/archive.zip.part", "half")
    assert faults(reference, before) == []


def test_other_bytes_are_seen(reference: Reference, project: Project, before: Marks) -> None:
    write(project, "data/made/one", "other")
    assert faults(reference, before) == ["other bytes"]
    assert [f.detail for f in expectations.whole(project, reference.made["paint"])] == [
        "data/made/one"
    ]


def test_a_missing_output_is_seen(reference: Reference, project: Project, before: Marks) -> None:
    project.remove(["data/made/two"])
    assert faults(reference, before) == ["other bytes"]
    assert list(expectations.whole(project, reference.made["paint"])) == []


@pytest.mark.parametrize(
    ("left", "what"),
    [
        ("data/made/.one.x.part", ".part left"),
        (".work/items/ab/.abcd.npz.x.part", ".part left"),
        ("data/made/three", "other bytes"),
        ("note", "file left"),
    ],
)
def test_what_is_left_is_seen(
    reference: Reference, project: Project, before: Marks, left: str, what: str
) -> None:
    write(project, left, "half")
    assert what in faults(reference, before)


def test_an_item_that_was_written_again_is_seen(
    reference: Reference, project: Project, before: Marks
) -> None:
    text = (project.root / ITEM).read_text()
    write(project, f"{ITEM}.new", text)
    os.replace(project.root / f"{ITEM}.new", project.root / ITEM)  # noqa: PTH105
    assert faults(reference, before) == ["finished work done twice"]
    project.remove([ITEM])
    assert faults(reference, before) == ["finished work gone"]


def test_a_run_that_fails_hangs_or_leaves_processes_is_seen(
    reference: Reference, project: Project, before: Marks
) -> None:
    assert faults(reference, before, replace(DONE, code=1)) == ["running again fails"]
    assert faults(reference, before, replace(DONE, hung=True)) == ["hangs"]
    assert faults(reference, before, replace(DONE, survivors=("python",))) == [
        "processes left behind"
    ]


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (1, "error: the disk is full while writing data/made/one. Free some space", []),
        (1, "error: the disk is full. Free some space", ["the message names no path"]),
        (1, "error: no such file", ["not one message that the disk is full"]),
        (1, "OSError: [Errno 28]", ["not one message that the disk is full"]),
        (-11, "", ["crashes", "not one message that the disk is full"]),
        (
            1,
            "Exception ignored in: x\nerror: the disk is full while writing data/made/one",
            ["Exception ignored"],
        ),
    ],
)
def test_a_full_disk_has_one_message_that_names_a_path(
    reference: Reference, project: Project, code: int, said: str, expected: list[str]
) -> None:
    ended = replace(DONE, code=code, said=said)
    found = full_disk._failed(ended, project, reference.made["paint"])
    assert [fault.what for fault in found] == expected


def test_of_each_stage_every_kind_of_fault_is_shown_once() -> None:
    def trial(of: str, *whats: str) -> Trial:
        return Trial(of, "", "", tuple(Fault(what) for what in whats))

    every = [trial("a"), trial("a", "x", "y"), trial("a", "y"), trial("b", "y"), trial("a", "z")]
    assert examples(every) == [every[1], every[3], every[4]]


def test_a_process_is_stopped_at_its_moment_with_its_children(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    ended = call(("python", "-c", program), tmp_path, interruption._after(0.5))
    assert ended.stopped
    assert ended.code == -9
    assert 0.5 <= ended.moment <= ended.seconds < 30
    assert ended.survivors == ()
