from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import stages.scorers
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.checkpoints import save
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.mlp import Mlp
from stages.scorers.scorer import Scorer


@pytest.mark.parametrize("model", [GlobalAttention(6, 32, 2, 2, 24, 0.3), Mlp(6, 32)])
@torch.inference_mode()
def test_a_checkpoint_brings_the_model_back_by_its_kind(tmp_path: Path, model: Scorer) -> None:
    path = tmp_path / "a" / "m.safetensors"
    save(path, model.eval())
    inputs = {"query": torch.randn(5, 6)}
    for loaded in (
        registry.load(path),
        registry.load_checkpoint(model.kind, path),
        stages.scorers.load_checkpoint(model.kind, path),
    ):
        assert type(loaded) is type(model)
        assert torch.equal(loaded.scores(inputs), model.scores(inputs))
        assert loaded.architecture == model.architecture
        assert not loaded.training


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = GlobalAttention(6, 32, 2, 2)
    save(tmp_path / "a", model)
    save(tmp_path / "b", model)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_kind_than_expected_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "m.safetensors", Mlp(6, 32))
    with pytest.raises(UserError, match=r"m\.safetensors: holds a scorer of kind mlp, and global"):
        registry.load_checkpoint("global-attention", tmp_path / "m.safetensors")


def test_what_is_no_checkpoint_of_ours_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(UserError, match=r"m\.safetensors"):
        registry.load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"m\.safetensors: cannot be read"):
        registry.load(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="names no kind and architecture"):
        registry.load(path)
    # as they were written while there was one kind
    save_file({"weight": torch.zeros(2)}, path, {"architecture": '{"embedding": 3}'})
    with pytest.raises(UserError, match="names no kind and architecture"):
        registry.load(path)
    said = '{"kind": "mlp", "architecture": {"embedding": 3}}'
    save_file({"weight": torch.zeros(2)}, path, {"scorer": said})
    with pytest.raises(UserError, match="disagree"):
        registry.load(path)
    save_file({"weight": torch.zeros(2)}, path, {"scorer": said.replace("mlp", "oracle")})
    with pytest.raises(UserError, match=r"no kind of scorer is called 'oracle'.*mlp"):
        registry.load(path)
