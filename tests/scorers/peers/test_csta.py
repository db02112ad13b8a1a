"""CSTA beside its formulas in float64, its trunk layer by layer from the names of its weights."""

import hashlib
from pathlib import Path

import pytest
import torch
from authors import inputs_of, peers, saved
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, conv2d

from stages.errors import UserError
from stages.scorers import load_checkpoint
from stages.scorers.peers.csta import Csta
from stages.scorers.peers.googlenet import GoogLeNet, start
from stages.scorers.peers.settings import CstaEntry

POSITIONS = "Positional_encoding_op.pe"


@pytest.fixture(scope="module")
def model() -> Csta:
    built = peers()["csta"]
    assert isinstance(built, Csta)
    return built


def pooled(x_CHW: Tensor, kernel: int, stride: int, padding: int = 0) -> Tensor:
    """Maxima over windows; the last ones may reach beyond the map, and start within it."""
    filled = torch.full_like(torch.empty(1), -torch.inf).item()
    x_CHW = torch.nn.functional.pad(x_CHW, (padding, padding, padding, padding), value=filled)
    for axis in (1, 2):
        size = x_CHW.shape[axis]
        count = -(-(size - kernel) // stride) + 1
        windows = [
            x_CHW.narrow(axis, at, min(kernel, size - at)).amax(axis)
            for at in range(0, count * stride, stride)
        ]
        x_CHW = torch.stack(windows, axis)
    return x_CHW


def trunk(w: dict[str, Tensor], x_CHW: Tensor) -> Tensor:
    def convolved(name: str, x_CHW: Tensor, stride: int = 1) -> Tensor:
        weight = w[f"googlenet.{name}.conv.weight"]
        around = weight.shape[-1] // 2
        x_CHW = conv2d(x_CHW[None], weight, stride=stride, padding=around)[0]
        gain, bias, mean, variance = (
            w[f"googlenet.{name}.bn.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return ((x_CHW - mean) / (variance + 1e-3).sqrt() * gain + bias).clamp(min=0)

    def inception(name: str, x_CHW: Tensor) -> Tensor:
        ways = [convolved(f"{name}.branch1", x_CHW)]
        for way in ("branch2", "branch3"):
            ways.append(convolved(f"{name}.{way}.1", convolved(f"{name}.{way}.0", x_CHW)))
        ways.append(convolved(f"{name}.branch4.1", pooled(x_CHW, 3, 1, padding=1)))
        return torch.cat(ways)

    x_CHW = pooled(convolved("conv1", x_CHW, stride=2), 3, 2)
    x_CHW = pooled(convolved("conv3", convolved("conv2", x_CHW)), 3, 2)
    for block, kernel in (("3a 3b", 3), ("4a 4b 4c 4d 4e", 2), ("5a 5b", 0)):
        for name in block.split():
            x_CHW = inception(f"inception{name}", x_CHW)
        x_CHW = pooled(x_CHW, kernel, 2) if kernel else x_CHW
    return x_CHW


def slow(model: Csta, x_TD: Tensor) -> Tensor:
    """The paper's formulas, a row at a time from the attention map on."""
    w = {name: tensor.double() for name, tensor in model.state_dict().items()}
    frames, rows = len(x_TD), len(x_TD) + 1
    channels = [torch.cat([w["CLS"][0, channel], x_TD.double()]) for channel in range(3)]
    keys = [x_AD @ w["key_embedding.weight"].T + w["key_embedding.bias"] for x_AD in channels]
    map_Mhw = trunk(w, torch.stack(keys))
    height = map_Mhw.shape[1]
    seen = []
    for row in range(rows):
        first, end = row * height // rows, -(-(row + 1) * height // rows)
        seen.append(map_Mhw[:, first:end].mean(dim=(1, 2)) + keys[0][row])
    mean, variance = w["layernorm1.running_mean"], w["layernorm1.running_var"]
    for row in range(rows):
        unit_M = (seen[row] - mean) / (variance + 1e-5).sqrt()
        seen[row] = unit_M * w["layernorm1.weight"] + w["layernorm1.bias"]
        for at in range(0, 1024, 2):
            angle = torch.tensor(row / 10000 ** (at / 1024), dtype=torch.float64)
            seen[row][at] += angle.sin()
            seen[row][at + 1] += angle.cos()
    over_time_M = torch.stack(seen).exp().sum(0)
    mixed = []
    for row in range(rows):
        value_M = w["value_embedding.weight"] @ channels[0][row] + w["value_embedding.bias"]
        grown_M = seen[row].exp()
        mixed.append(value_M * (grown_M / over_time_M + grown_M / grown_M.sum()))
    scores = []
    for frame in range(frames):
        h_M = (mixed[frame] + mixed[frame + 1]) / 2
        h_M = (w["linear1.0.weight"] @ h_M + w["linear1.0.bias"]).clamp(min=0)
        centred_M = h_M - h_M.mean()
        h_M = centred_M / (centred_M.square().mean() + 1e-6).sqrt()
        h_M = h_M * w["linear1.3.weight"] + w["linear1.3.bias"]
        scores.append(1 / (1 + (-(w["linear2.0.weight"] @ h_M + w["linear2.0.bias"])).exp()))
    return torch.cat(scores)


@pytest.mark.parametrize("frames", [14, 15, 30])
def test_scores_are_those_of_the_formulas(model: Csta, frames: int) -> None:
    inputs = inputs_of(model, frames)
    expected_T = slow(model, inputs["pool5"])
    assert expected_T.std() > 0.01
    torch.testing.assert_close(model.scores(inputs).double(), expected_T, atol=2e-5, rtol=0)


def test_it_has_its_authors_parameters() -> None:
    """Counted in their code: 9,779,851, of which 1,025,000 are a classifier that nothing uses and
    that they leave out of what they report.
    """
    with torch.device("meta"):
        model = Csta()
    assert sum(each.numel() for each in model.parameters()) == 9_779_851
    assert sum(each.numel() for each in model.googlenet.fc.parameters()) == 1_025_000


@pytest.mark.parametrize("height", [1, 2, 5])
def test_a_low_map_is_heightened_as_adaptive_pooling_does(height: int) -> None:
    from stages.scorers.peers.csta import _heightened

    map_Mhw = torch.randn(3, height, 4, dtype=torch.float64)
    for rows in (1, 4, 5, 17):
        expected_RM = adaptive_avg_pool2d(map_Mhw, (rows, 1))[..., 0].T
        torch.testing.assert_close(_heightened(map_Mhw, rows), expected_RM)


def test_a_video_shorter_than_the_cnn_can_halve_is_refused(model: Csta) -> None:
    model.scores(inputs_of(model, 14))
    with pytest.raises(UserError, match="fewer than 14 frames, and one has 13; leave the model"):
        model.scores(inputs_of(model, 13))


def test_what_batch_normalisation_learns_does_not_depend_on_padding() -> None:
    alone, padded = peers()["csta"].train(), peers()["csta"].train()
    x_TD = torch.randn(15, 16)
    junk_1TD = torch.cat([x_TD, 100 * torch.ones(9, 16)])[None]
    alone({"states": x_TD[None]})
    padded({"states": junk_1TD}, (torch.arange(24) < 15)[None])
    for name, learnt in alone.state_dict().items():
        if "running" in name:
            assert torch.equal(padded.state_dict()[name], learnt), name


@pytest.mark.parametrize("lacks", ["", "tracked", "fc"])
def test_its_authors_checkpoints_load_with_and_without_what_is_not_learnt(
    model: Csta, lacks: str, tmp_path: Path
) -> None:
    state = {name: of for name, of in model.state_dict().items() if not lacks or lacks not in name}
    if not lacks:
        angle = torch.arange(5000)[:, None] / 10000 ** (torch.arange(0, 1024, 2) / 1024)
        state[POSITIONS] = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
    inputs = inputs_of(model, 20)
    loaded = load_checkpoint("csta", str(saved(tmp_path / "released", state)))
    assert torch.equal(loaded.scores(inputs), model.scores(inputs))


def test_learnt_positions_are_another_variant(model: Csta, tmp_path: Path) -> None:
    state = dict(model.state_dict()) | {POSITIONS: torch.randn(5000, 1024)}
    with pytest.raises(UserError, match="pe is not the sinusoid"):
        load_checkpoint("csta", saved(tmp_path / "variant", state))


def imagenet(folder: Path, state: dict[str, Tensor]) -> Path:
    """A file under the name torchvision would give it."""
    path = saved(folder / "weights", state)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return path.rename(folder / f"googlenet-{digits}.pth")


def entry(path: Path | None) -> CstaEntry:
    return CstaEntry(title="CSTA", kind="csta", inputs=("image",), start=path)


def test_it_starts_from_torchvisions_weights_where_an_entry_names_them(tmp_path: Path) -> None:
    torch.manual_seed(5)
    theirs = GoogLeNet().state_dict()
    path = imagenet(tmp_path, theirs | {"aux1.fc1.weight": torch.ones(1)})
    built = Csta.build(entry(path), {"states": 16})
    for name, weight in theirs.items():
        assert torch.equal(built.googlenet.state_dict()[name], weight), name
    random = Csta.build(entry(None), {"states": 16}).googlenet.state_dict()
    assert not torch.equal(random["conv1.conv.weight"], theirs["conv1.conv.weight"])


def test_other_start_weights_are_refused_by_their_digits_or_names(tmp_path: Path) -> None:
    network = GoogLeNet()
    for path, said in (
        (tmp_path / "googlenet.pth", "ends in the file's digits"),
        (tmp_path / "googlenet-00000000.pth", "cannot be read"),
        (imagenet(tmp_path, {"conv1.weight": torch.ones(1)}), "not the weights of GoogLeNet"),
    ):
        with pytest.raises(UserError, match=said):
            start(network, path)
    damaged = saved(tmp_path / "googlenet-00000000.pth", {"conv1.weight": torch.ones(1)})
    with pytest.raises(UserError, match="is damaged, or another file: its sha256 is"):
        start(network, damaged)
