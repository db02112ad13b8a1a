from collections import OrderedDict
from pathlib import Path

import pytest
import torch

import stages.scorers
from stages.errors import UserError
from stages.scorers.global_attention import GlobalAttention
from stages.scorers.head import Headed
from stages.scorers.mlp import Mlp
from stages.scorers.release import load_checkpoint


class Arbitrary:
    """What a hostile pickle would hold."""


def released(path: Path, model: Headed, prefix: str = "model.") -> Path:
    """A checkpoint as Lightning writes one, with what training kept beside the weights."""
    state = OrderedDict((f"{prefix}{name}", tensor) for name, tensor in model.state_dict().items())
    content = {
        "epoch": 7,
        "global_step": 140,
        "pytorch-lightning_version": "2.1.0",
        "state_dict": state | {"criterion.weight": torch.ones(1)},
        "optimizer_states": [{"state": {}, "param_groups": []}],
        "lr_schedulers": [],
    }
    torch.save(content, path)
    return path


@pytest.fixture
def model() -> GlobalAttention:
    torch.manual_seed(0)
    return GlobalAttention(24, width=32, layers=3, heads=2, feedforward=48).eval()


@pytest.mark.parametrize("prefix", ["", "model.", "net.agg."])
def test_a_released_checkpoint_gives_the_same_scores_padded_or_not(
    tmp_path: Path, model: GlobalAttention, prefix: str
) -> None:
    loaded = load_checkpoint(released(tmp_path / "a.ckpt", model, prefix))
    assert loaded.architecture == model.architecture
    x_BTD = torch.randn(2, 9, 24)
    valid_BT = torch.arange(9) < torch.tensor([[9], [5]])
    with torch.inference_mode():
        alone = [model({"states": x_BTD[:1]}), model({"states": x_BTD[1:, :5]})]
        together = loaded({"states": x_BTD}, valid_BT)
    torch.testing.assert_close(together[:1], alone[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1:, :5], alone[1], atol=1e-5, rtol=0)


def test_a_released_row_without_attention_is_an_mlp(tmp_path: Path) -> None:
    model = Mlp(24, width=32).eval()
    loaded = load_checkpoint(released(tmp_path / "a.ckpt", model))
    assert (loaded.kind, loaded.architecture) == ("mlp", model.architecture)
    inputs = {"query": torch.randn(9, 24)}
    assert torch.equal(loaded.scores(inputs), model.scores(inputs))


@pytest.mark.parametrize("model", [GlobalAttention(24, 32, 2, 2, 48), Mlp(24, 32)])
def test_a_released_checkpoint_is_loaded_by_its_kind(tmp_path: Path, model: Headed) -> None:
    path = released(tmp_path / "a.ckpt", model.eval())
    loaded = stages.scorers.load_checkpoint(model.kind, path)
    inputs = {"query": torch.randn(9, 24)}
    assert torch.equal(loaded.scores(inputs), model.scores(inputs))
    other = {"mlp": "global-attention", "global-attention": "mlp"}[model.kind]
    with pytest.raises(UserError, match=f"a.ckpt: not a released checkpoint of kind {other}"):
        stages.scorers.load_checkpoint(other, path)


def test_the_papers_model_has_its_88_84_million_parameters() -> None:
    with torch.device("meta"):
        model = GlobalAttention(5120, width=2048, layers=3, heads=2)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(88.84, abs=0.005)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weights": {}}, "expected weights by name, alone or under .*; found weights"),
        ([torch.ones(1)], "found list"),
        ({"state_dict": {"layer.weight": torch.ones(1)}}, "expected the layers d_linear1"),
        ({"state_dict": {"d_linear1.weight": torch.ones(30, 4)}}, "no multiple of 16"),
        ({"state_dict": {"d_linear1.weight": torch.ones(32, 4)}}, "Missing key"),
        ({"state_dict": {"d_linear1.weight": Arbitrary()}}, "needs more than tensors"),
    ],
)
def test_a_wrong_file_says_what_was_expected_and_found(
    tmp_path: Path, content: object, message: str
) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=message) as caught:
        load_checkpoint(tmp_path / "a.ckpt")
    assert "a.ckpt" in str(caught.value)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "a.ckpt")
    (tmp_path / "a.ckpt").write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match="cannot be read"):
        load_checkpoint(tmp_path / "a.ckpt")
