"""A recipe begins where its data begins: from captions, then from scores, without one video."""

import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import published_archives as fake
import pytest
import yaml
from repository_copy import copy_to, run, stages_run

from stages.artifacts import field as field_file
from stages.artifacts.people import People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.sources import tvsum
from stages.sources.published import of_tvsum

pytestmark = pytest.mark.end_to_end

WORDS = ("a dog runs on a beach", "a man talks to a camera", "a crowd cheers", "a street at night")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Captions and annotations of five videos under an address of this machine, and the folder."""
    folder = tmp_path_factory.mktemp("served")
    fake.mat(folder / "ydata-tvsum50.mat")
    random = np.random.default_rng(0)
    captions = {}
    for judged in tvsum.read_mat(folder / "ydata-tvsum50.mat"):
        picks = list(range(0, judged.n_frames, 15))
        captions[judged.youtube_id] = {
            "picks": picks,
            "captions": [WORDS[int(random.integers(len(WORDS)))] for _ in picks],
        }
    (folder / "captions.json").write_text(json.dumps(captions))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def with_shots(path: Path, mat: Path) -> None:
    """The videos of a .mat as the field's h5, in shots of twenty frames."""
    videos, people = [], []
    for number, judged in enumerate(tvsum.read_mat(mat), 1):
        video, said = of_tvsum(number, judged)
        starts = np.arange(0, video.n_frames, 20)
        shots_S2 = np.column_stack([starts, np.append(starts[1:], video.n_frames) - 1])
        videos.append(Video.with_shots(video, shots_S2, "annotations"))
        summary_UN = np.zeros_like(said.user_scores_UN)
        summary_UN[:, :15] = 1
        people.append(type(said)(said.name, said.gtscore_T, summary_UN, said.user_scores_UN))
    field_file.write(
        path, field_file.Annotated(Timeline("t", tuple(videos)), People("t", False, tuple(people)))
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, served: tuple[str, Path]) -> Path:
    """A copy whose recipe of TVSum's captions asks the local server."""
    address, folder = served
    where = tmp_path_factory.mktemp("given")
    copy_to(where)
    with_shots(where / "field.h5", folder / "ydata-tvsum50.mat")
    params = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    params["run"]["models"] = ["llmvs", "mlp"]
    recipe = params["datasets"]["tvsum-captions"]
    sha256 = hashlib.sha256((folder / "captions.json").read_bytes()).hexdigest()
    recipe["given"].update(url=f"{address}/captions.json", sha256=sha256)
    recipe["download"].update(
        annotations_url=f"{address}/ydata-tvsum50.mat", annotations_sha256=None, h5="field.h5"
    )
    recipe["splits"].update(source="drawn", folds=2)
    recipe["train"].update(epochs=2, seeds=[0], scorer={"width": 32, "feedforward": 64})
    recipe["evaluate"].update(random_seeds=5, bootstrap=100)
    (where / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    run(where, "git", "add", "--all")
    run(where, "git", "commit", "--quiet", "--message", "as it is")
    return where


def test_captions_alone_lead_to_the_report(project: Path) -> None:
    said = run(project, "dvc", "exp", "run", "-S", "run.datasets=[tvsum-captions]")
    assert stages_run(said) == {
        "download", "given-captions", "embed", "sentences", "features", "feeds", "train",
        "finetune", "evaluate", "report",
    }  # fmt: skip
    results = json.loads((project / "reports/results/tvsum-captions/results.json").read_text())
    assert results["given"] == "captions"
    assert results["benchmark"] == "TVSum"
    strict = results["protocols"]["strict"]
    assert {"llmvs", "mlp", "zero-shot", "human", "oracle", "random"} <= set(strict["rows"])
    page = (project / "reports/index.html").read_text()
    assert "TVSum from BLIP captions" in page
    assert not (project / "data/tvsum-captions/frames.h5").exists()
    assert not (project / "data/tvsum-captions/source/videos").exists()
    made = [path for path in (project / "data").rglob("*") if path.is_file()]
    assert {path.relative_to(project / "data").parts[0] for path in made} <= {
        "tvsum-captions", "dvc.yaml", "dvc.lock",
    }  # fmt: skip


def test_the_same_captions_at_hand_are_read_instead(
    project: Path, served: tuple[str, Path]
) -> None:
    _, folder = served
    before = (project / "data/tvsum-captions/captions.jsonl").read_bytes()
    source = f"datasets.tvsum-captions.given.source={folder}/captions.json"
    url = "datasets.tvsum-captions.given.url=null"
    said = run(project, "dvc", "exp", "run", "-S", source, "-S", url)
    assert stages_run(said) == {"given-captions", "report"}
    assert (project / "data/tvsum-captions/captions.jsonl").read_bytes() == before


def test_scores_alone_are_judged(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    recipe = params["datasets"]["tvsum-captions"]
    captions = (project / "data/tvsum-captions/captions.jsonl").read_text().splitlines()
    random, scores = np.random.default_rng(1), {}
    for line in map(json.loads, captions):
        scores.setdefault(line["video"], []).append(float(random.random()))
    (project / "mine.json").write_text(json.dumps(scores))
    recipe["given"] = {"kind": "scores", "rows": {"mine": "mine.json"}}
    del recipe["embed"], recipe["sentences"], recipe["features"], recipe["train"]
    params["datasets"]["judged"] = recipe
    params["datasets"]["tvsum-captions"] = yaml.safe_load(
        run(project, "git", "show", "HEAD:params.yaml")
    )["datasets"]["tvsum-captions"]
    params["run"]["datasets"] = ["judged"]
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    run(project, "llmvs", "deps", "--write")
    assert stages_run(run(project, "dvc", "repro")) == {
        "download", "given-scores", "evaluate", "report",
    }  # fmt: skip
    results = json.loads((project / "reports/results/judged/results.json").read_text())
    for protocol in results["protocols"].values():
        assert list(protocol["rows"]) == ["mine", "human", "oracle", "random"]
    assert "mine" in (project / "reports/index.html").read_text()
