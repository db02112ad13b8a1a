"""Memory and cores are those of the container or the job, where they are fewer than the machine's.

What the files of a control group look like is from "Control Group v2" and "Memory Resource
Controller" of the kernel's documentation; groups themselves are stood in for by folders.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from stages.errors import UserError
from stages.work import allowance
from stages.work.burden import Burden, bear

V2 = "0::/kubepods/pod/container\n"
V1 = "12:cpu,cpuacct:/job\n9:memory:/job/step\n1:name=systemd:/job\n0::/\n"
UNLIMITED = 9223372036854771712
"""What version 1 says where there is no limit."""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores and 64 GB, of which 50 are free, in no group."""
    monkeypatch.setattr(allowance, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(allowance, "MEMBERSHIP", tmp_path / "membership")
    memory = SimpleNamespace(total=64 * 10**9, available=50 * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def member(root: Path, lines: str, groups: dict[str, dict[str, object]]) -> None:
    """This process is in groups of such files, each by its path below the outermost."""
    (root / "membership").write_text(lines)
    for path, files in groups.items():
        folder = root / "groups" / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, said in files.items():
            (folder / name).write_text(f"{said}\n")


def held(limit: object, used: int, files: int = 0) -> dict[str, object]:
    """Half of the files were read lately."""
    stat = f"anon 5\ninactive_file {files // 2}\nactive_file {files // 2}"
    return {"memory.max": limit, "memory.current": used, "memory.stat": stat}


def found() -> tuple[float, float, int]:
    return allowance.total() / 1e9, allowance.free() / 1e9, allowance.cores()


def test_without_groups_they_are_the_machines() -> None:
    assert found() == (64, 50, 8)
    assert allowance.threads() is None
    assert allowance.left() == float("inf")


def test_a_group_of_version_2_binds_and_what_it_keeps_of_files_makes_room(tmp_path: Path) -> None:
    group = held(4 * 10**9, 3 * 10**9, 10**9) | {"cpu.max": "250000 100000"}
    member(tmp_path, V2, {"kubepods/pod/container": group})
    assert found() == (4, 2, 3)
    assert allowance.threads() == 3


def test_the_groups_above_bind_too(tmp_path: Path) -> None:
    member(
        tmp_path,
        V2,
        {
            "kubepods/pod/container": held("max", 10**9) | {"cpu.max": "max 100000"},
            "kubepods/pod": held(8 * 10**9, 7 * 10**9) | {"cpu.max": "20000 100000"},
            "kubepods": held(10 * 10**9, 2 * 10**9),
        },
    )
    assert found() == (8, 1, 1)


def test_of_a_container_that_sees_its_own_group_as_the_outermost(tmp_path: Path) -> None:
    """As Docker without a namespace for groups: the path is the machine's, and not to be seen."""
    member(tmp_path, V2, {"": held(2 * 10**9, 10**9) | {"cpu.max": "200000 100000"}})
    assert found() == (2, 1, 2)
    (tmp_path / "membership").write_text("0::/../../other\n")  # one beside the namespace's
    assert found() == (2, 1, 2)


def test_groups_of_version_1(tmp_path: Path) -> None:
    stat = "inactive_file 1\ntotal_inactive_file 300000000\ntotal_active_file 200000000"
    used = {"memory.usage_in_bytes": 10**9, "memory.stat": stat}
    member(
        tmp_path,
        V1,
        {
            "memory/job/step": {"memory.limit_in_bytes": 3 * 10**9} | used,
            "memory": {"memory.limit_in_bytes": UNLIMITED} | used,
            "cpu/job": {"cpu.cfs_quota_us": 400000, "cpu.cfs_period_us": 100000},
            "cpu": {"cpu.cfs_quota_us": -1, "cpu.cfs_period_us": 100000},
        },
    )
    assert found() == (3, 2.5, 4)


def test_a_limit_binds_where_what_is_taken_is_not_told(tmp_path: Path) -> None:
    member(tmp_path, V2, {"kubepods/pod/container": {"memory.max": 4 * 10**9}})
    assert found() == (4, 50, 8)


def test_more_than_the_machine_has_is_no_limit(tmp_path: Path) -> None:
    group = held(512 * 10**9, 10**9) | {"cpu.max": "6400000 100000"}
    member(tmp_path, V2, {"kubepods/pod/container": group})
    assert found() == (64, 50, 8)
    assert allowance.threads() is None


@pytest.mark.parametrize("lines", ["", "no group\n", "0::\n", "\n"])
def test_what_is_not_understood_is_no_limit(tmp_path: Path, lines: str) -> None:
    member(tmp_path, lines, {"": {"memory.max": "many", "cpu.max": "100000"}})
    assert found() == (64, 50, 8)


def test_weights_that_a_group_does_not_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=32 * 10**9))
    burden = Burden("a model", "embed.llm", 1_500_000_000, "float32", 1, "prompts", 1)
    bear(burden)
    member(tmp_path, V2, {"kubepods/pod/container": held(8 * 10**9, 3 * 10**9)})
    with pytest.raises(UserError, match=r"6\.0 GB in float32.*job may take 5\.0 GB.*give it more"):
        bear(burden)


SEEN = """
import os, pathlib, sys
from stages.work import allowance
allowance.GROUPS = pathlib.Path(sys.argv[1], "groups")
allowance.MEMBERSHIP = pathlib.Path(sys.argv[1], "membership")
os.sched_getaffinity = lambda _: set(range(8))
import stages.command
print(os.environ["OMP_NUM_THREADS"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")
def test_torch_is_told_of_no_more_threads_than_a_group_has_time_for(tmp_path: Path) -> None:
    member(tmp_path, V2, {"kubepods/pod/container": {"cpu.max": "90000 100000"}})

    def threads(**said: str) -> str:
        environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | said
        command = [sys.executable, "-c", SEEN, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert threads() == "1"
    assert threads(OMP_NUM_THREADS="2") == "2"
