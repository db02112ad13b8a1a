"""A SumMe and a TVSum of five tiny videos, from a server on this machine to the report."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import published_archives as fake
import pytest
import yaml
from repository_copy import copy_to, environment, run

from stages.artifacts import field as field_file
from stages.artifacts import people as people_file
from stages.artifacts import timeline as timeline_file

pytestmark = pytest.mark.end_to_end

SHORT = {"Snorkel": 1}
"""Of SumMe's, frames fewer than annotated: its last frame is a pick."""


class Server(ThreadingHTTPServer):
    """Serves files; while `stalls` it sends half of each and then nothing."""

    daemon_threads = True
    files: dict[str, bytes]
    stalls = True
    ranges: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        content = self.server.files[self.path]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if asked:
            self.server.ranges.append(f"{self.path} {start}")
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("ETag", '"one"')
        self.end_headers()
        if self.server.stalls:
            self.wfile.write(content[start : len(content) // 2])
            self.wfile.flush()
            while self.server.stalls:
                time.sleep(0.1)
            return
        self.wfile.write(content[start:])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    served = Server(("127.0.0.1", 0), Handler)
    served.ranges = []
    served.files = {
        "/SumMe.zip": fake.summe(folder / "summe", SHORT).read_bytes(),
        "/tvsum50_ver_1_1.tgz": fake.tvsum(folder / "tvsum").read_bytes(),
        "/ydata-tvsum50.mat": fake.mat(folder / "ydata-tvsum50.mat").read_bytes(),
    }
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.stalls = False
    served.shutdown()
    served.server_close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """A copy whose recipes of SumMe and TVSum ask this server and the small models."""
    where = tmp_path_factory.mktemp("published")
    copy_to(where)
    params = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    params["run"].update(datasets=["summe", "tvsum"], models=["llmvs", "mlp"])
    demo = params["datasets"]["demo"]
    address = f"http://127.0.0.1:{server.server_port}"
    for name, file in (("summe", "SumMe.zip"), ("tvsum", "tvsum50_ver_1_1.tgz")):
        recipe = params["datasets"][name]
        recipe["download"]["url"] = f"{address}/{file}"
        recipe["caption"], recipe["embed"] = demo["caption"], demo["embed"]
        recipe["splits"].update(source="drawn", folds=2)
        recipe["train"].update(epochs=2, standardise=True, scorer={"width": 32, "feedforward": 64})
        recipe["evaluate"].update(random_seeds=5, bootstrap=100)
        recipe["sample"] = recipe["sample"] | {"tolerance": 1}
    params["datasets"]["tvsum"]["download"].update(
        annotations_url=f"{address}/ydata-tvsum50.mat", annotations_sha256=None
    )
    (where / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return where


def interrupted(project: Path, file: str) -> int:
    """Kill `dvc repro` and all it started when half of `file` is here; the bytes kept."""
    part = project / ".work/downloads" / f"{file}.part"
    running = subprocess.Popen(
        ["dvc", "repro", "data/dvc.yaml:download@summe"],
        cwd=project,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for _ in range(600):
        if part.exists() and part.stat().st_size > 0:
            break
        assert running.poll() is None, "the download ended before it could be interrupted"
        time.sleep(0.1)
    time.sleep(0.5)
    subprocess.run(["pkill", "-9", "--session", str(running.pid)], check=True)
    running.wait()
    return part.stat().st_size


def test_both_go_from_download_to_report_and_resume(project: Path, server: Server) -> None:
    kept = interrupted(project, "SumMe.zip")
    assert kept == len(server.files["/SumMe.zip"]) // 2
    server.stalls = False
    said = run(project, "dvc", "repro")
    assert server.ranges == [f"/SumMe.zip {kept}"]
    assert "81 frames decoded, 80 annotated" in re.sub(r"\s+", " ", said)

    timeline = timeline_file.read(project / "data/summe/timeline.h5")
    lengths = fake.SUMME | {"Snorkel": 75}
    assert {video.title: video.n_frames for video in timeline.videos} == lengths
    assert "75 frames decoded, 76 annotated" in re.sub(r"\s+", " ", said)
    for name, rows in (("summe", 5), ("tvsum", 5)):
        results = json.loads((project / f"reports/results/{name}/results.json").read_text())
        assert set(results["protocols"]) == {"strict", "official"}
        strict = results["protocols"]["strict"]
        assert strict["videos"] == rows
        assert {"llmvs", "mlp", "zero-shot", "human", "oracle", "random"} <= set(strict["rows"])
        # No h5 of the field: shots are our own, and the table says so.
        assert any("segmentation" in flag for flag in strict["flags"])
    page = (project / "reports/index.html").read_text()
    for said in ("SumMe", "TVSum", "strict", "official"):
        assert said in page
    assert 'class="simulated"' not in page


def test_the_authors_embeddings_stand_in_for_videos_and_models(project: Path) -> None:
    random = np.random.default_rng(0)
    field, pooled = project / "field.h5", [project / "query.h5", project / "answer.h5"]
    timeline = timeline_file.read(project / "data/summe/timeline.h5")
    people = people_file.read(project / "data/summe/source/people.h5", timeline)
    field_file.write(field, field_file.Annotated(timeline, people))
    with h5py.File(pooled[0], "w") as query, h5py.File(pooled[1], "w") as answer:
        for video in timeline.videos:
            for states in (query, answer):
                values = random.normal(size=(len(video.picks_T), 3, 16))
                states[video.title.replace(" ", "_")] = values.astype(np.float32)
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    params["run"]["datasets"] = ["summe"]
    recipe = params["datasets"]["summe"]
    recipe["given"] = {"kind": "embeddings", "query": str(pooled[0]), "answer": str(pooled[1])}
    recipe["download"].update(h5=str(field), url="http://127.0.0.1:9/SumMe.zip")
    for stage in ("sample", "caption", "embed", "sentences"):
        del recipe[stage]
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    run(project, "llmvs", "deps", "--write")
    listed = run(project, "dvc", "stage", "list", "--all", "--name-only")
    for stage in ("sample", "caption", "embed", "given-captions"):
        assert f"{stage}@summe\n" not in listed
    run(project, "dvc", "repro")
    results = json.loads((project / "reports/results/summe/results.json").read_text())
    strict = results["protocols"]["strict"]
    assert strict["videos"] == 5
    assert not any("segmentation" in flag for flag in strict["flags"])
    assert "llmvs" in strict["rows"]
    assert "zero-shot" not in strict["rows"]  # there are no replies
    named = {Path(of["path"]).name for of in results["files"]}
    inputs = {"timeline.h5", "people.h5", "embeddings.h5"}
    assert named == inputs | {f"{row}.{end}" for row in ("llmvs", "mlp") for end in ("h5", "csv")}
