"""What of a recipe's `embed` section decides an embedding: whether two make the same ones.

The work store's keys are of batches and of token ids; this is of the section alone, so that it can
be said of embeddings that are yet to be made, and which of the settings differ.
"""

from collections.abc import Mapping
from typing import Any

from stages.llm.settings import Embed
from stages.work import store

_DECIDE_NOTHING = {"also", "token_budget"}
_IDENTIFIED = {"llm", "revision"}


def determinants(embed: Embed, llm: Mapping[str, str]) -> dict[str, Any]:
    """The section in JSON's types without what decides nothing.

    Args:
        embed: the section.
        llm: what identifies the model it names (`weights.identity`), in place of its name, which
            for a folder is another on another machine.
    """
    said: dict[str, Any] = embed.model_dump(mode="json", exclude=_DECIDE_NOTHING | _IDENTIFIED)
    return {"llm": dict(llm), **said}


def fingerprint(embed: Embed, llm: Mapping[str, str]) -> str:
    """sha256 of `determinants`."""
    return store.key(embed=determinants(embed, llm))


def differing(one: Any, other: Any, place: str = "") -> list[str]:
    """Dotted paths at which two such documents differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = dict.fromkeys([*one, *other])
        found = (differing(one.get(key), other.get(key), f"{place}.{key}") for key in keys)
        return [path for paths in found for path in paths]
    return [] if one == other else [place.removeprefix(".")]
