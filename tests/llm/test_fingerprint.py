"""Two `embed` sections have one fingerprint where they make the same embeddings."""

from pathlib import Path
from typing import Any

import pytest

from stages import section
from stages.llm.fingerprint import determinants, differing, fingerprint
from stages.llm.settings import Embed

PARAMS = Path(__file__).parents[2] / "params.yaml"
LLM = {"name": "tiny", "sha256": "ab"}


def embed(**changes: Any) -> Embed:
    known: Embed = section.lookup(Embed, "datasets", "demo", "embed", path=PARAMS)
    found: Embed = Embed.model_validate(known.model_dump() | changes)
    return found


def test_what_decides_nothing_and_a_models_place_leave_it_alone() -> None:
    known = fingerprint(embed(), LLM)
    assert fingerprint(embed(token_budget=7), LLM) == known
    assert fingerprint(embed(also=[{"layer": "norm", "pooling": "mean"}]), LLM) == known
    assert fingerprint(embed(llm="/another/machine/model"), LLM) == known


@pytest.mark.parametrize(
    "changes",
    [
        {"window": 5},
        {"edges": "repeat"},
        {"layer": "last_layer"},
        {"pooling": "mean"},
        {"dtype": "float16"},
        {"stop": "turn"},
        {"max_new_tokens": 9},
        {"prompt": embed().prompt.model_copy(update={"query": "{window} {caption}"}).model_dump()},
    ],
)
def test_whatever_may_change_an_embedding_changes_it_and_is_named(changes: dict[str, Any]) -> None:
    changed = embed(**changes)
    assert fingerprint(changed, LLM) != fingerprint(embed(), LLM)
    named = differing(determinants(embed(), LLM), determinants(changed, LLM))
    assert named == [key.replace("prompt", "prompt.query") for key in changes]


def test_another_model_is_another_fingerprint() -> None:
    assert fingerprint(embed(), LLM | {"sha256": "cd"}) != fingerprint(embed(), LLM)


def test_a_section_read_back_from_json_has_the_same_one() -> None:
    again = Embed.model_validate(embed().model_dump(mode="json"))
    assert fingerprint(again, LLM) == fingerprint(embed(), LLM)
