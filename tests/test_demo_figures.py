"""The demo's committed figures come out again when its stages run again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from repository_copy import ROOT, copy_to, run
from ruamel.yaml import YAML

pytestmark = pytest.mark.end_to_end

RESULTS = "reports/results/demo/results.json"
# People and chance are arithmetic. Codecs and a 135M-parameter LLM may choose another word on
# another processor, and training amplifies last bits.
TOLERANCE = {"human": 0.005, "oracle": 0.005, "random": 0.005, "zero-shot": 0.02, "llmvs": 0.03}


def rows(where: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((where / RESULTS).read_text(encoding="utf-8"))
    return {protocol: of["rows"] for protocol, of in document["protocols"].items()}


def test_the_demos_figures_come_out_as_committed(tmp_path: Path) -> None:
    copy_to(tmp_path)
    yaml = YAML()
    params = yaml.load(tmp_path / "params.yaml")
    params["run"]["models"] = ["llmvs"]
    yaml.dump(params, tmp_path / "params.yaml")
    if (ROOT / ".work" / "items").is_dir():  # captions and embeddings that are there already
        shutil.copytree(ROOT / ".work" / "items", tmp_path / ".work" / "items")
    run(tmp_path, "dvc", "repro", "evaluate@demo")
    committed, again = rows(ROOT), rows(tmp_path)
    assert list(committed) == list(again)
    for protocol, of in again.items():
        for name, tolerance in TOLERANCE.items():
            for mark in ("tau", "rho"):
                figure = committed[protocol][name][mark]["mean"]
                assert of[name][mark]["mean"] == pytest.approx(figure, abs=tolerance), (
                    protocol, name, mark,
                )  # fmt: skip
