"""What the tests of peers share: small scorers, and their authors' checkpoints of them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from stages.scorers.peers.dsnet import Dsnet
from stages.scorers.peers.msva import Msva
from stages.scorers.peers.peer import Peer
from stages.scorers.peers.pgl_sum import PglSum
from stages.scorers.peers.vasnet import VasNet


def peers() -> dict[str, Peer]:
    """One of each kind, smaller than its authors' and away from where training begins."""
    torch.manual_seed(0)
    made: dict[str, Peer] = {
        "vasnet": VasNet(16, 12),
        "pgl-sum": PglSum(16),
        "msva": Msva(16, (10, 11, 12)),
        "dsnet anchor-based": Dsnet(16, "anchor-based", 12),
        "dsnet anchor-free": Dsnet(16, "anchor-free", 12),
    }
    for model in made.values():
        shaken(model)
    return made


@torch.no_grad()
def shaken(model: Peer) -> None:
    """Every weight moved, those of norms too, which begin at 1 and 0."""
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    model.eval()


def inputs_of(model: Peer, frames: int, width: int = 16) -> dict[str, Tensor]:
    """What its authors feed it, at random."""
    return {name: torch.randn(frames, width) for name in model.authors_inputs}


def saved(path: Path, state: Mapping[str, Tensor]) -> Path:
    """A checkpoint as `torch.save(model.state_dict(), path)` of their code leaves one."""
    torch.save({name: tensor.clone() for name, tensor in state.items()}, path)
    return path
