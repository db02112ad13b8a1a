"""Commands and outputs of the stages come out of dvc.yaml and data/dvc.yaml as they stand there."""

from pathlib import Path

import pytest

from stages.errors import UserError
from stages.resilience.pipeline import chosen, steps

ROOT = Path(__file__).parent.parent.parent


def test_the_demos_stages_come_in_the_order_of_the_dag() -> None:
    names = [step.stage for step in steps(ROOT, "demo", "llmvs")]
    assert names == [
        *("download", "sample", "caption", "embed", "sentences", "feeds", "train"),
        *("evaluate", "report"),
    ]


def test_commands_are_filled_in_as_dvc_fills_them_in() -> None:
    found = {step.stage: step for step in steps(ROOT, "demo", "llmvs")}
    assert str(found["caption"]) == (
        "python -m stages.caption --dataset demo --frames data/demo/frames.h5 "
        "--out data/demo/captions.jsonl"
    )
    assert found["train"].command[:7] == (
        *("python", "-m", "stages.train"),
        *("--dataset", "demo", "--model", "llmvs"),
    )
    assert not [step for step in found.values() if "$" in str(step)]


def test_outputs_are_outs_metrics_and_plots() -> None:
    found = {step.stage: set(step.outputs) for step in steps(ROOT, "demo", "llmvs")}
    assert found["train"] == {
        "data/demo/predictions/llmvs.h5",
        "data/demo/checkpoints/llmvs",
        "data/demo/curves/llmvs.csv",
    }
    results = {"results.json", "metrics.json", "per_video.csv"}
    assert {f"reports/results/demo/{name}" for name in results} < found["evaluate"]
    assert found["report"] == {"reports/index.html", "reports/videos", "reports/figures"}


def test_another_recipe_has_the_stages_it_is_listed_for() -> None:
    names = [step.stage for step in steps(ROOT, "summe-captions", "mlp")]
    assert names == [
        *("download", "given-captions", "embed", "sentences", "features", "feeds", "train"),
        *("finetune", "evaluate", "report"),
    ]


def test_a_stage_that_is_none_is_refused_with_those_there_are() -> None:
    every = steps(ROOT, "demo", "llmvs")
    assert [step.stage for step in chosen(every, ["embed", "sample"])] == ["sample", "embed"]
    with pytest.raises(
        UserError, match=r"'embd' is no stage .*caption, embed, sentences, feeds, train"
    ):
        chosen(every, ["embd"])


def test_without_the_repository_it_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data/dvc\.yaml not found; this needs the repository"):
        steps(tmp_path, "demo", "llmvs")
