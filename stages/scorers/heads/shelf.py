"""The heads that come with the package, by name, and those of one's own, by file."""

from pathlib import Path
from typing import NamedTuple

from stages.artifacts.names import nearest
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.checkpoints import SUFFIX
from stages.scorers.heads import card as cards
from stages.scorers.heads.card import Card
from stages.scorers.scorer import Scorer
from stages.work.store import content_hash

FOLDER = Path(__file__).parent


class Head(NamedTuple):
    """A trained scorer, on the CPU in evaluation mode, and its card."""

    scorer: Scorer
    card: Card


def names() -> list[str]:
    """Of the heads that come with the package."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def place(name: str) -> Path:
    """The weights of a head by its name, or by the path of its .safetensors file.

    Raises UserError, naming those there are, where none is called so.
    """
    if name.endswith(SUFFIX):
        return Path(name)
    if name in names():
        return FOLDER / f"{name}{SUFFIX}"
    near = nearest(name, names())
    raise UserError(
        f"no head is called {name!r}{f'; is {near} meant?' if near else ''} (there are "
        f"{', '.join(names()) or 'none'}; one of your own goes by its {SUFFIX} file)"
    )


def card(name: str) -> Card:
    """The card of a head, its weights left alone. Raises UserError as `load`."""
    return cards.read(place(name).with_suffix(cards.SUFFIX))


def load(name: str) -> Head:
    """A head by its name, or by the path of its .safetensors file.

    Raises:
        UserError: there is no such head, or its weights are not those that its card is of.
    """
    path = place(name)
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a head's weights")
    of = card(name)
    if content_hash(path) != of.weights:
        raise UserError(
            f"{path}: these are not the weights that {path.with_suffix(cards.SUFFIX).name} is the "
            "card of; install the package again, or write both anew with `llmvs head train`"
        )
    return Head(registry.load_checkpoint(of.kind, path), of)
