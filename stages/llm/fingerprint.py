"""What of a recipe's `embed` section decides an embedding: whether two make the same ones.

The work store's keys are of batches and of token ids; this is of the section alone, so that it can
be said of embeddings that are yet to be made, and which of the settings differ.
"""

from collections.abc import Mapping
from typing import Any

from stages.llm.examples import taken
from stages.llm.settings import Embed, Prompt
from stages.work import store

_DECIDE_NOTHING = {"also", "token_budget"}
_IDENTIFIED = {"llm", "revision"}
_OF_SCORES = {"stop", "max_new_tokens"}
"""What decides how a score is answered, and says nothing of a summary."""


def determinants(embed: Embed, llm: Mapping[str, str]) -> dict[str, Any]:
    """The section in JSON's types without what decides nothing.

    Of the prompt that is the words of the other task, and examples that are not shown. A setting
    that stands at its default is left out, so that one which is new changes nothing.

    Args:
        embed: the section.
        llm: what identifies the model it names (`weights.identity`), in place of its name, which
            for a folder is another on another machine.
    """
    aside = _DECIDE_NOTHING | _IDENTIFIED | {"prompt"}
    if embed.prompt.task == "summary":
        aside |= _OF_SCORES
    said: dict[str, Any] = embed.model_dump(mode="json", exclude=aside, exclude_defaults=True)
    return {"llm": dict(llm), **said, "prompt": _prompt(embed.prompt)}


def _prompt(prompt: Prompt) -> dict[str, Any]:
    words = {"instruction", "query", "answer"}
    if prompt.task == "summary":
        unasked, answer = words, "summary"
    else:
        unasked, answer = {"summary"}, "score"
    said: dict[str, Any] = prompt.model_dump(
        mode="json", exclude=unasked | {"shown", "examples"}, exclude_defaults=True
    )
    shown = prompt.shown
    said["shown"] = {"count": shown.count}
    if shown.drawn:
        said["shown"] = shown.model_dump(mode="json")
    elif shown.count:
        said["examples"] = [
            example.model_dump(mode="json", include={"captions", answer})
            for example in taken(prompt)
        ]
    return said


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
