"""What emptying the work store takes, and what it leaves."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stages.work.claims import claimed
from stages.work.collection import collect
from stages.work.executor import Task, complete
from stages.work.files import left_behind
from stages.work.items import Arrays
from stages.work.store import Store, key

OUTPUT = Path("out.h5")


class KilledError(Exception):
    pass


def worker(payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
    for index, payload in enumerate(payloads):
        if payload < 0:
            raise KilledError
        yield index, {"x": np.array(payload)}


def work(store: Store, *payloads: int) -> list[str]:
    tasks = [Task(key(n=payload), payload) for payload in payloads]
    complete(tasks, lambda: worker, store)
    return [task.key for task in tasks]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.chdir(tmp_path)
    return Store(tmp_path / ".work", "embed", OUTPUT)


def present(store: Store, *payloads: int) -> list[bool]:
    return [key(n=payload) in store for payload in payloads]


def test_it_keeps_what_a_current_output_was_made_from(store: Store) -> None:
    keys = work(store, 0, 1)
    OUTPUT.write_text("as it was")
    store.keep(keys)
    other = Store(store.root, "embed", Path("replaced.h5"))
    keys = work(other, 1, 2)
    Path("replaced.h5").write_text("as it was")
    other.keep(keys)
    Path("replaced.h5").write_text("made anew from other items")

    rehearsal = collect(store, dry_run=True)
    assert (rehearsal.kept, rehearsal.dropped) == (2, 1)
    assert present(store, 0, 1, 2) == [True, True, True]

    found = collect(store)
    assert (found.kept, found.dropped, found.unfinished) == (2, 1, ())
    assert found.freed_bytes == rehearsal.freed_bytes > 0
    assert present(store, 0, 1, 2) == [True, True, False]


def test_it_keeps_what_a_stopped_stage_has_finished(store: Store) -> None:
    store.put(key(n=99), {"x": np.array(99)})
    with pytest.raises(KilledError):
        work(store, 0, 1, -1)
    found = collect(store)
    assert (found.kept, found.dropped) == (2, 1)
    (stopped,) = found.unfinished
    assert (stopped.stage, stopped.output) == ("embed", str(OUTPUT))
    assert (stopped.there, stopped.wanted, stopped.at_work) == (2, 3, False)
    assert present(store, 0, 1) == [True, True]


def test_a_stage_that_has_made_its_output_is_unfinished_no_more(store: Store) -> None:
    with pytest.raises(KilledError):
        work(store, 0, 1, -1)
    keys = work(store, 0, 1, 2)  # as with other settings: it wants other items
    OUTPUT.write_text("made")
    store.keep(keys)
    assert [stage.wanted for stage in collect(store).unfinished] == [3]
    store.keep([*keys, key(n=-1)])
    assert collect(store).unfinished == ()


def test_unfinished_work_goes_only_where_that_is_asked_for(store: Store) -> None:
    with pytest.raises(KilledError):
        work(store, 0, 1, -1)
    assert collect(store, unfinished=True, dry_run=True).dropped == 2
    assert present(store, 0, 1) == [True, True]
    with claimed(store.root, OUTPUT):
        found = collect(store, unfinished=True)
        assert (found.kept, found.unfinished[0].at_work) == (2, True)
    found = collect(store, unfinished=True)
    assert (found.dropped, [stage.there for stage in found.unfinished]) == (2, [2])
    assert collect(store).unfinished == ()


def test_what_outputs_share_with_unfinished_work_stays(store: Store) -> None:
    keys = work(store, 0, 1)
    OUTPUT.write_text("made")
    store.keep(keys)
    with pytest.raises(KilledError):
        work(Store(store.root, "embed", Path("other.h5")), 1, 2, -1)
    assert collect(store, unfinished=True).dropped == 1
    assert present(store, 0, 1, 2) == [True, True, False]


def test_half_written_files_of_killed_writers_go_and_those_of_living_ones_stay(
    store: Store,
) -> None:
    program = (
        "import sys, time; from pathlib import Path; from stages.work.files import replacing\n"
        "with replacing(Path('data/frames.h5')) as part:\n"
        "    part.write_bytes(bytes(1000)); print('half', flush=True); time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    assert collect(store, [Path("data")]).swept_bytes == 0
    assert len(list(left_behind(Path("data")))) == 1
    writer.kill()
    writer.communicate()
    assert collect(store, [Path("data")], dry_run=True).swept_bytes == 1000
    assert collect(store, [Path("data")]).swept_bytes == 1000
    assert not list(left_behind(Path("data")))


def test_what_was_unpacked_goes_unless_a_stage_is_at_work_and_downloads_stay(store: Store) -> None:
    downloads = store.root / "downloads"
    (downloads / "SumMe.zip.unpacked" / "videos").mkdir(parents=True)
    (downloads / "SumMe.zip.unpacked" / "videos" / "a.mp4").write_bytes(bytes(500))
    kept = [downloads / name for name in ("SumMe.zip", "tvsum.tgz.part", "SumMe-GT/a.mat")]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
    with claimed(store.root, Path("source")):
        assert collect(store).swept_bytes == 0
    assert collect(store).swept_bytes == 500
    assert not (downloads / "SumMe.zip.unpacked").exists()
    assert all(path.is_file() for path in kept)


def test_what_a_stage_finished_is_kept_where_dvc_removed_its_output_and_it_did_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "work", "caption", Path("out.jsonl"))
    store.put("a" * 64, {"x": np.zeros(3)})
    Path("out.jsonl").write_text("done")
    store.keep(["a" * 64])
    Path("out.jsonl").unlink()
    found = collect(store)
    assert (found.kept, found.dropped) == (1, 0)
    assert [of.output for of in found.unfinished] == ["out.jsonl"]
    Path("out.jsonl").write_text("another")
    assert collect(store).dropped == 1
