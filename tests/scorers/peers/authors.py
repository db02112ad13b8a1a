"""What the tests of peers share: small scorers, and their authors' checkpoints of them."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from stages.scorers.peers.a2summ import A2Summ
from stages.scorers.peers.clip_it import ClipIt
from stages.scorers.peers.csta import Csta
from stages.scorers.peers.dsnet import Dsnet
from stages.scorers.peers.msva import Msva
from stages.scorers.peers.peer import Peer
from stages.scorers.peers.pgl_sum import PglSum
from stages.scorers.peers.sspvs import Sspvs
from stages.scorers.peers.vasnet import VasNet

TEXT = 12
"""Width of a caption's embedding."""


class Formulas:
    """A scorer's weights in double precision, and its layers written out a vector at a time."""

    def __init__(self, model: Peer) -> None:
        self.w = {name: tensor.double() for name, tensor in model.state_dict().items()}

    def line(self, name: str, x: Tensor) -> Tensor:
        return self.w[f"{name}.weight"] @ x + self.w[f"{name}.bias"]

    def norm(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean()
        unit = centred / (centred.square().mean() + 1e-5).sqrt()
        return unit * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


def peers() -> dict[str, Peer]:
    """One of each kind, smaller than its authors' and away from where training begins."""
    torch.manual_seed(0)
    made: dict[str, Peer] = {
        "vasnet": VasNet(16, 12),
        "pgl-sum": PglSum(16),
        "msva": Msva(16, (10, 11, 12)),
        "dsnet anchor-based": Dsnet(16, "anchor-based", 12),
        "dsnet anchor-free": Dsnet(16, "anchor-free", 12),
        "a2summ": A2Summ(16, TEXT, hidden=16),
        "sspvs": Sspvs(16, layers=2, feedforward=24, text=TEXT),
        "clip-it": ClipIt(16, TEXT, layers=2, feedforward=24),
    }
    for model in made.values():
        shaken(model)
    # It takes a second to make.
    made["csta"] = deepcopy(_csta())
    return made


@cache
def _csta() -> Csta:
    """Convolutions as they begin, everything else moved, and batch normalisation set by a video."""
    model = Csta(16)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".conv." not in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
        norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        model({"states": torch.randn(1, 40, 16)})
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


@torch.no_grad()
def shaken(model: Peer) -> None:
    """Every weight moved, those of norms too, which begin at 1 and 0."""
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    model.eval()


def inputs_of(model: Peer, frames: int, width: int = 16) -> dict[str, Tensor]:
    """What its authors feed it, at random."""
    return {
        name: torch.randn(frames, TEXT if name == "sentence" else width)
        for name in model.authors_inputs
    }


def released_weights(model: Peer) -> dict[str, Tensor]:
    """By the names that its authors' code saves. A2Summ's names its one layer as often as it is
    used, and keeps its contrasts elsewhere.
    """
    state = {name: of for name, of in model.state_dict().items() if "contrast." not in name}
    layer = {name: of for name, of in state.items() if name.startswith("multiway_list.0.")}
    again = {name.replace("list.0", "list.1"): of for name, of in layer.items()}
    return {name: of.clone() for name, of in (state | again).items()}


def saved(path: Path, state: Mapping[str, Tensor]) -> Path:
    """A checkpoint as `torch.save(model.state_dict(), path)` of their code leaves one."""
    torch.save({name: tensor.clone() for name, tensor in state.items()}, path)
    return path
