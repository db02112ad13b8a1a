"""What `llmvs run` takes, and what it refuses."""

from pathlib import Path

import pytest
import yaml

from stages.ahead import run
from stages.errors import UserError

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("stages", ["", "embed,caption", "caption,train", "caption,caption"])
def test_stages_are_named_in_their_order(stages: str) -> None:
    with pytest.raises(UserError, match="must be caption, embed, or caption,embed"):
        run("demo", stages)


def test_frames_are_sampled_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(UserError, match=r"frames\.h5.*sample stage"):
        run("demo", "caption,embed")


def test_examples_of_training_videos_are_refused_before_the_first_caption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"]["demo"]["embed"]["prompt"]["shown"]["source"] = "training"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="leave embed to dvc repro"):
        run("demo", "caption,embed")
