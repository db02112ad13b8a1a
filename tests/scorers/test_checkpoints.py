from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from stages.errors import UserError
from stages.scorers.checkpoints import load, save
from stages.scorers.global_attention import GlobalAttention


@pytest.mark.parametrize("attention", [True, False])
@torch.inference_mode()
def test_a_checkpoint_brings_the_model_back(tmp_path: Path, attention: bool) -> None:
    model = GlobalAttention(6, 32, 2, 2, 24, 0.3, attention).eval()
    save(tmp_path / "a" / "m.safetensors", model)
    loaded = load(tmp_path / "a" / "m.safetensors")
    x_BTD = torch.randn(1, 5, 6)
    assert torch.equal(loaded(x_BTD), model(x_BTD))
    assert loaded.architecture == model.architecture
    assert not loaded.training


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = GlobalAttention(6, 32, 2, 2)
    save(tmp_path / "a", model)
    save(tmp_path / "b", model)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_no_checkpoint_of_ours_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(UserError, match=r"m\.safetensors"):
        load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"m\.safetensors: cannot be read"):
        load(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="names no architecture"):
        load(path)
    save_file({"weight": torch.zeros(2)}, path, {"architecture": '{"embedding": 3}'})
    with pytest.raises(UserError, match="disagree"):
        load(path)
