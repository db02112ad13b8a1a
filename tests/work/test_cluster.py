"""Work spread over a Ray cluster of several machines, workers and machines of which die."""

import getpass
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_llava
import tiny_llms
import torch
import yaml
from PIL import Image
from transformers import LlamaConfig

from stages import ahead, section
from stages.artifacts import timeline
from stages.artifacts.frames import Pixels, Sampled, write
from stages.artifacts.video import Video
from stages.benchmarking import executor
from stages.caption import caption
from stages.checking import cluster as checking
from stages.embed import embed
from stages.errors import UserError
from stages.resilience.nodes import Cluster, can_hide, checkout
from stages.work import crew
from stages.work.claims import alone, at_work
from stages.work.executor import Task, complete
from stages.work.files import DiskFullError
from stages.work.items import Arrays
from stages.work.portions import portions
from stages.work.store import Store, key

ray = pytest.importorskip("ray", reason="Ray is an optional extra")

ROOT = Path(__file__).parents[2]
SECONDS = 0.15
"""Of an item."""
FRAMES, CAPTIONS = 24, 10
"""Of all videos, and of each of them for the embed stage."""
WRITTEN = f"pytest-of-{getpass.getuser()}"


def jpeg(picture: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def hidden() -> list[Path]:
    """The checkout and what tests write, where they can be hidden."""
    return [] if can_hide() else [*checkout(), Path(tempfile.gettempdir()) / WRITTEN]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head and a machine that sees none of the driver's files, where that can be had.

    Everything has a single thread, as the machines' workers do: more would be other last bits.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with Cluster(tmp_path_factory.mktemp("machines")) as made:
        made.add()
        made.add(hidden())
        with pytest.MonkeyPatch.context() as patch:
            for name, value in made.environment.items():
                patch.setenv(name, value)
            patch.setenv("OMP_NUM_THREADS", "1")
            # Test modules are not importable inside an actor.
            ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
            yield made
            ray.shutdown()
            ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    torch.set_num_threads(threads)


@dataclass
class Squarer:
    """Writes down in a folder what it begins, by which process and where."""

    journal: str
    seconds: float = 0.0

    def __call__(self, payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        node = ray.get_runtime_context().get_node_id()
        for index in reversed(range(len(payloads))):
            with (Path(self.journal) / f"{os.getpid()}-{node}").open("a") as file:
                file.write(f"{payloads[index]}\n")
            time.sleep(self.seconds)
            yield index, {"square": np.array(payloads[index] ** 2), "node": np.array(node)}


def tasks(count: int) -> list[Task[int]]:
    return [Task(key(n=n), n) for n in range(count)]


@pytest.fixture
def journal() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # not below pytest's, which one cannot see
        yield Path(folder)


def begun(journal: Path) -> Counter[int]:
    return Counter(
        int(line) for file in journal.iterdir() for line in file.read_text().splitlines()
    )


def repeated(journal: Path) -> list[int]:
    return [n for n, times in begun(journal).items() if times > 1]


def held(count: int) -> int:
    """Items that a worker of two holds at most."""
    return crew.HELD * len(portions([1] * count, 1, 2)[0].places)


def squares(results: list[Arrays]) -> list[int]:
    return [int(arrays["square"]) for arrays in results]


class Patient(Squarer):
    """Answers once two machines have begun something."""

    def __call__(self, payloads: list[int]) -> Iterator[tuple[int, Arrays]]:
        for index, arrays in super().__call__(payloads):
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and len(machines(self.journal)) < 2:
                time.sleep(0.1)
            yield index, arrays


def machines(journal: str) -> set[str]:
    return {file.name.partition("-")[2] for file in Path(journal).iterdir()}


def test_every_machine_works_and_results_come_in_order(
    cluster: Cluster, journal: Path, tmp_path: Path
) -> None:
    found = complete(tasks(12), lambda: Patient(str(journal)), Store(tmp_path))
    assert squares(found) == [n**2 for n in range(12)]
    assert len({str(arrays["node"]) for arrays in found}) == 2
    assert set(begun(journal).values()) == {1}


class Struck:
    """Strikes once so many items are in the store, while a run goes on."""

    def __init__(self, store: Store, items: int, strike: Callable[[], object]) -> None:
        self._store, self._items, self._strike = store, items, strike
        self._thread = threading.Thread(target=self._wait)
        self.struck = False

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not self.struck:
            if len(list((self._store.root / "items").glob("*/*.npz"))) >= self._items:
                time.sleep(random.random() * SECONDS)
                self._strike()
                self.struck = True
            time.sleep(0.01)

    def __enter__(self) -> "Struck":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()


def test_a_worker_that_is_killed_is_replaced_and_loses_what_it_held_alone(
    cluster: Cluster, journal: Path, tmp_path: Path
) -> None:
    def strike() -> None:
        workers = [pid for machine in cluster.machines for pid in machine.workers()]
        os.kill(random.choice(workers), signal.SIGKILL)

    with Struck(Store(tmp_path), 4, strike) as trial:
        found = complete(tasks(30), lambda: Squarer(str(journal), SECONDS), Store(tmp_path))
    assert trial.struck
    assert squares(found) == [n**2 for n in range(30)]
    assert max(begun(journal).values()) <= 2
    assert len(repeated(journal)) <= held(30)


def test_a_machine_that_is_killed_is_done_without(
    cluster: Cluster, journal: Path, tmp_path: Path
) -> None:
    count = 60
    with Struck(Store(tmp_path), 8, lambda: cluster.machines.pop().kill()) as trial:
        found = complete(tasks(count), lambda: Squarer(str(journal), SECONDS), Store(tmp_path))
    assert trial.struck
    assert squares(found) == [n**2 for n in range(count)]
    assert max(begun(journal).values()) <= 2
    assert len(repeated(journal)) <= held(count)


def test_a_machine_that_joins_is_used(cluster: Cluster, journal: Path, tmp_path: Path) -> None:
    assert len(cluster.machines) == 1, "the other was killed"
    joining = threading.Thread(target=lambda: cluster.add(hidden()))
    joining.start()
    found = complete(tasks(12), lambda: Patient(str(journal)), Store(tmp_path))
    joining.join()
    assert squares(found) == [n**2 for n in range(12)]
    assert len({str(arrays["node"]) for arrays in found}) == 2
    assert set(begun(journal).values()) == {1}


def test_every_machine_says_what_it_has(cluster: Cluster) -> None:
    found = list(checking.asked([]))
    assert len(found) == 2
    for node, said in found:
        assert (node.cpus, node.gpus) == (1.0, 0)
        assert isinstance(said, checking.Said)
        assert not checking.wrong(said, checking.here())
    told, healthy = checking.table([])
    assert healthy
    assert told.row_count == 2


def test_the_bench_does_the_same_items_both_ways(cluster: Cluster) -> None:
    table = executor.measure(items=8, seconds=0.01, kilobytes=1)
    assert list(table.columns[0].cells) == ["serial", "ray"]
    assert str(table.title).endswith("one worker")


def refuse() -> Callable[[list[int]], Iterator[tuple[int, Arrays]]]:
    raise UserError("model: its weights are 26.0 GB, and the GPU has 24.0")


class Choosy:
    """Loads on the machine that begins first, and on no other."""

    def __init__(self, journal: str) -> None:
        self._journal = Path(journal)

    def __call__(self) -> Squarer:
        node = ray.get_runtime_context().get_node_id()
        try:
            with (self._journal / "first").open("x") as file:
                file.write(node)
        except FileExistsError:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and not (self._journal / "work").exists():
                time.sleep(0.1)
            time.sleep(1)  # until the driver has an answer
            if (self._journal / "first").read_text() != node:
                raise UserError("model: not on this machine") from None
        (self._journal / "work").mkdir(exist_ok=True)
        return Squarer(str(self._journal / "work"), SECONDS)


def test_a_machine_that_cannot_load_the_model_is_done_without(
    cluster: Cluster, journal: Path, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    found = complete(tasks(60), Choosy(str(journal)), Store(tmp_path))
    assert squares(found) == [n**2 for n in range(60)]
    assert {str(arrays["node"]) for arrays in found} == {(journal / "first").read_text()}
    (warned,) = [line for line in said.messages if "left aside" in line]
    assert warned.endswith("the model cannot be loaded there: model: not on this machine")
    assert set(begun(journal / "work").values()) == {1}


def fill() -> Callable[[list[int]], Iterator[tuple[int, Arrays]]]:
    raise DiskFullError("/cache/model", 26, 3)


def test_an_error_of_a_worker_is_the_one_message_it_was_raised_with(
    cluster: Cluster, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as refused:
        complete(tasks(3), refuse, Store(tmp_path))
    assert type(refused.value) is UserError
    assert str(refused.value) == "model: its weights are 26.0 GB, and the GPU has 24.0"
    with pytest.raises(DiskFullError) as full:
        complete(tasks(1), fill, Store(tmp_path))
    assert (full.value.filename, full.value.needed, full.value.free) == ("/cache/model", 26, 3)


def test_items_that_kill_their_workers_are_one_message(
    cluster: Cluster, journal: Path, tmp_path: Path
) -> None:
    def die(payloads: list[int]) -> Any:
        Squarer(str(journal))(payloads).__next__()
        os._exit(9)

    with pytest.raises(UserError, match=r"a worker was killed, and another.*LLMVS_WORKERS"):
        complete(tasks(1), lambda: die, Store(tmp_path))
    assert begun(journal) == {0: 2}


def test_workers_of_another_edition_are_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "edition", lambda: "0123456789ab")
    with pytest.raises(UserError, match=r"another edition of this package .*here 0123456789ab"):
        complete(tasks(1), lambda: Squarer(str(tmp_path)), Store(tmp_path))


class Place:
    """What looks like a checkout of its own: params.yaml, tiny models, frames, captions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        document = section.document(ROOT / section.PARAMS)
        demo, tvsum = document["datasets"]["demo"], document["datasets"]["tvsum"]
        demo["caption"] = tvsum["caption"] | {
            "model": "models/llava", "revision": None, "max_new_tokens": 12, "dtype": "float32",
            "batch": 2,
        }  # fmt: skip
        tiny_llava.save_llava(root / "models" / "llava")
        config = LlamaConfig(
            **tiny_llms.CONFIGS["llama, grouped heads"].to_dict()
            | {"max_position_embeddings": 4096}
        )
        tiny_llms.save(root / "models" / "llama", config)
        demo["embed"] |= {"llm": "models/llama", "token_budget": 400, "max_new_tokens": 24}
        (root / "params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        pictures = tiny_llava.pictures(FRAMES)
        self.names = names = [f"video_{number}" for number in range(1, 4)]
        picks = np.arange(FRAMES // 3) * 15
        write(
            root / "frames.h5",
            [
                Sampled(name, picks, [jpeg(picture) for picture in pictures[start::3]])
                for start, name in enumerate(names)
            ],
        )
        words = [
            {"video": name, "pick": int(pick), "caption": f"A {pick} of {name} {'x' * (pick % 7)}."}
            for name in names
            for pick in range(0, 15 * CAPTIONS, 15)
        ]
        (root / "captions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in words))
        videos = [Video.sampled(name, name, 15 * CAPTIONS) for name in names]
        timeline.write(root / "timeline.h5", timeline.Timeline("demo", tuple(videos)))

    @contextmanager
    def by(self, store: str, executor: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            patch.setenv("DVC_ROOT", store)
            patch.setenv("LLMVS_EXECUTOR", executor)
            yield

    def make(self, stage: str, out: str, store: str, executor: str) -> bytes:
        """Run a stage in this process."""
        with self.by(store, executor):
            if stage == "caption":
                caption("demo", Path("frames.h5"), Path(out))
            else:
                embed("demo", Path("captions.jsonl"), Path("timeline.h5"), Path(out))
        return (self.root / out).read_bytes()

    def started(self, out: str, store: str, executor: str = "ray") -> subprocess.Popen[bytes]:
        """The embed stage as a process of its own."""
        given = ["--captions", "captions.jsonl", "--timeline", "timeline.h5", "--out", out]
        return subprocess.Popen(
            [sys.executable, "-m", "stages.embed", "--dataset", "demo", *given],
            cwd=self.root,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "DVC_ROOT": store, "LLMVS_EXECUTOR": executor},
            stderr=subprocess.DEVNULL,
        )

    def items(self, store: str) -> dict[str, int]:
        found = (self.root / store / ".work" / "items").glob("*/*.npz")
        return {path.stem: path.stat().st_ino for path in found}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level("INFO", "llmvs"):
        yield caplog


def test_a_machine_without_the_drivers_files_captions_to_the_same_bytes(
    cluster: Cluster, place: Place, said: pytest.LogCaptureFixture
) -> None:
    spread = place.make("caption", "spread.jsonl", "spread", "ray")
    assert "workers: 2, machines: 2" in said.text
    assert spread == place.make("caption", "serial.jsonl", "serial", "serial")
    if can_hide():
        pytest.skip(f"every machine sees the driver's files: {can_hide()}")
    assert "models/llava goes to machines that have not got it" in said.text


def test_embeddings_are_made_beside_captions_and_the_stages_find_them(
    cluster: Cluster, place: Place, said: pytest.LogCaptureFixture
) -> None:
    timeline.write(
        place.root / "data" / "demo" / "timeline.h5",
        timeline.Timeline(
            "demo", tuple(Video.sampled(n, n, 15 * FRAMES // 3) for n in place.names)
        ),
    )
    shutil.copy(place.root / "frames.h5", place.root / "data" / "demo" / "frames.h5")
    with place.by("ahead", "ray"):
        ahead.run("demo")
    assert "videos have their captions and are embedded" in said.text
    said.clear()
    given = Path("data/demo/frames.h5"), Path("data/demo/timeline.h5")
    with place.by("ahead", "serial"):
        caption("demo", given[0], Path("data/demo/captions.jsonl"))
        embed("demo", Path("data/demo/captions.jsonl"), given[1], Path("data/demo/embeddings.h5"))
    assert f"reused {FRAMES} of {FRAMES}, computing 0" in said.text
    assert len(re.findall(r"reused (\d+) of \1, computing 0", said.text)) == 2


def test_a_driver_that_is_killed_goes_on_from_the_store_to_the_same_bytes(
    cluster: Cluster, place: Place, said: pytest.LogCaptureFixture
) -> None:
    process = place.started("spread.h5", "killed")
    deadline = time.monotonic() + 200
    while len(place.items("killed")) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = place.items("killed")
    spread = place.make("embed", "spread.h5", "killed", "ray")
    after = place.items("killed")
    assert 3 <= len(before) < len(after), "killed too late to tell"
    assert {name: after[name] for name in before} == before
    assert f"reused {len(before)} of {len(after)}" in said.text
    assert spread == place.make("embed", "serial.h5", "serial", "serial")
    if can_hide():
        pytest.skip(f"every machine sees the driver's files: {can_hide()}")
    assert "models/llama goes to machines that have not got it" in said.text


def test_two_experiments_and_a_cluster_share_one_store_that_is_not_emptied_meanwhile(
    cluster: Cluster, place: Place
) -> None:
    root = place.root / "shared" / ".work"
    others = [place.started(out, "shared", "serial") for out in ("first.h5", "second.h5")]
    deadline = time.monotonic() + 200
    while len(at_work(root)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    said = r"at work on the store: process \d+ .*; process \d+ "
    with pytest.raises(UserError, match=said), alone(root):
        pytest.fail("emptied beside two experiments")
    spread = place.make("embed", "third.h5", "shared", "ray")
    assert [process.wait() for process in others] == [0, 0]
    assert {(place.root / out).read_bytes() for out in ("first.h5", "second.h5")} == {spread}
    assert spread == place.make("embed", "serial.h5", "serial", "serial")
    with alone(root):
        pass
