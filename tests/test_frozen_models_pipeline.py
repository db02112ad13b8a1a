"""The whole DAG with a tiny LLaVA and a tiny Llama as frozen models, chosen by params alone."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tiny_llava
import tiny_llms
from repository_copy import copy_to, run, stages_run
from ruamel.yaml import YAML
from transformers import LlamaConfig

pytestmark = pytest.mark.end_to_end

LLAMA = LlamaConfig(
    **{**tiny_llms.CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 8192}
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository that was run with models named in params.yaml."""
    where = tmp_path_factory.mktemp("frozen")
    copy_to(where)
    tiny_llava.save_llava(where / "models" / "llava")
    tiny_llms.save(where / "models" / "llama", LLAMA, template=tiny_llms.LLAMA2)
    yaml = YAML()
    params = yaml.load(where / "params.yaml")
    params["run"]["models"] = ["llmvs"]
    demo, tvsum = params["datasets"]["demo"], params["datasets"]["tvsum"]
    demo["caption"] = dict(tvsum["caption"])
    demo["caption"].update(model="models/llava", revision=None, max_new_tokens=12, dtype="float32")
    demo["embed"] = dict(tvsum["embed"])
    demo["embed"].update(llm="models/llama", revision=None, dtype="float32")
    demo["download"].update(videos=5, shots=[3, 4], subjects_per_video=[2, 3])
    demo["splits"]["folds"] = 2
    demo["train"].update(seeds=[0], epochs=2)
    demo["train"]["scorer"].update(width=32, feedforward=64)
    demo["evaluate"].update(random_seeds=5, bootstrap=100)
    yaml.dump(params, where / "params.yaml")
    run(where, "dvc", "repro")
    return where


def captions(where: Path) -> list[dict[str, str]]:
    lines = (where / "data/demo/captions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_both_models_were_at_work(copy: Path) -> None:
    said = [line["caption"] for line in captions(copy)]
    assert len(said) > 50
    assert not any(caption.startswith("This looks like") for caption in said)
    with h5py.File(copy / "data/demo/inputs/embeddings.h5") as file:
        assert file.attrs["llm"] == "models/llama"
        assert all(file[video]["query"].shape[1] == LLAMA.hidden_size for video in file)
    results = json.loads((copy / "reports/results/demo/results.json").read_text())
    assert "llmvs" in results["protocols"]["strict"]["rows"]
    assert "models/llava" in (copy / "reports/index.html").read_text()


def test_the_papers_variants_reach_the_report_by_params_alone(copy: Path) -> None:
    plain = captions(copy)
    yaml = YAML()
    params = yaml.load(copy / "params.yaml")
    demo = params["datasets"]["demo"]
    demo["caption"].update(describe=["general", "background"], direct=True)
    demo["embed"].update(layer="last_layer", pooling="mean", edges="mirror", window=3)
    demo["embed"]["prompt"]["shown"].update(source="training", count=2)
    yaml.dump(params, copy / "params.yaml")
    ran = stages_run(run(copy, "dvc", "repro"))
    assert ran == {"caption", "embed", "sentences", "feeds", "train", "evaluate", "report"}
    for old, new in zip(plain, captions(copy), strict=True):
        assert new["caption"].startswith(f"{old['caption']} Background: ")
        assert "reply" in new
    with h5py.File(copy / "data/demo/inputs/embeddings.h5") as file:
        assert set(file["splits"]) == {"strict", "official"}
        first, second = (file[f"splits/strict/{number}/video_1/query"][()] for number in (0, 1))
        assert not np.array_equal(first, second)
