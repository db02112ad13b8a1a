"""Which class a kind is; its module is imported only where the kind is chosen."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import torch

from stages.errors import UserError, anew
from stages.scorers import checkpoints, released
from stages.scorers.scorer import Scorer
from stages.scorers.settings import Entry

KINDS = {
    "global-attention": "stages.scorers.global_attention:GlobalAttention",
    "mlp": "stages.scorers.mlp:Mlp",
    "representative": "stages.scorers.representative:Representative",
    "vasnet": "stages.scorers.peers.vasnet:VasNet",
    "pgl-sum": "stages.scorers.peers.pgl_sum:PglSum",
    "msva": "stages.scorers.peers.msva:Msva",
    "dsnet": "stages.scorers.peers.dsnet:Dsnet",
    "csta": "stages.scorers.peers.csta:Csta",
    "a2summ": "stages.scorers.peers.a2summ:A2Summ",
    "sspvs": "stages.scorers.peers.sspvs:Sspvs",
    "clip-it": "stages.scorers.peers.clip_it:ClipIt",
}
"""By kind: module and class."""


def scorer(kind: str) -> type[Scorer]:
    """The class of a kind. Raises UserError for one that is not in the registry."""
    if kind not in KINDS:
        raise UserError(f"no kind of scorer is called {kind!r} (there are {', '.join(KINDS)})")
    module, name = KINDS[kind].split(":")
    found: type[Scorer] = getattr(import_module(module), name)
    return found


def build(entry: Entry, widths: Mapping[str, int]) -> Scorer:
    """An untrained scorer of an entry's kind; widths are those of its prepared inputs."""
    return scorer(entry.kind).build(entry, widths)


def load_checkpoint(kind: str, path: Path) -> Scorer:
    """The scorer of a checkpoint, on the CPU, in evaluation mode.

    Args:
        kind: which scorer it is expected to be.
        path: what the train stage wrote, or the weights as the kind's authors release them.

    Raises:
        UserError: the file is missing, is neither, or holds another kind.
    """
    if released.recognised(path):
        state = released.weights(path)
        try:
            return scorer(kind).released(state).eval()
        except UserError as error:
            raise UserError(f"{path}: not a released checkpoint of kind {kind}: {error}") from error
    saved = checkpoints.read(path)
    if saved.kind != kind:
        raise UserError(
            f"{path}: holds a scorer of kind {saved.kind}, and {kind} was expected; name its kind, "
            f"or where the recipe's row has become another kind {anew('train')}"
        )
    return checkpoints.restored(path, saved, scorer(kind))


def size(path: Path) -> tuple[str, int]:
    """Kind of a checkpoint of ours, and how many numbers it learnt, none of which is read.

    Raises UserError as `load_checkpoint`.
    """
    kind, architecture = checkpoints.described(path)
    with torch.device("meta"):
        model = scorer(kind)(**architecture)
    return kind, sum(each.numel() for each in model.parameters())


def load(path: Path) -> Scorer:
    """As `load_checkpoint`, of whichever kind the checkpoint says it is."""
    saved = checkpoints.read(path)
    return checkpoints.restored(path, saved, scorer(saved.kind))
