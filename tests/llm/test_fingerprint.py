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


def asked(**changes: Any) -> Embed:
    """With changes of the prompt."""
    return embed(prompt=embed().prompt.model_dump() | changes)


def test_words_of_the_task_that_is_not_asked_decide_nothing() -> None:
    words = embed().prompt.summary
    assert words is not None
    other = words.model_copy(update={"instruction": "Say it in a word."}).model_dump()
    assert fingerprint(asked(summary=other), LLM) == fingerprint(embed(), LLM)
    assert fingerprint(asked(summary=None), LLM) == fingerprint(embed(), LLM)
    summarised = fingerprint(asked(task="summary"), LLM)
    assert fingerprint(asked(task="summary", summary=other), LLM) != summarised
    assert fingerprint(asked(task="summary", instruction="Rate it."), LLM) == summarised
    longer = embed(prompt=asked(task="summary").prompt.model_dump(), max_new_tokens=9)
    assert fingerprint(longer, LLM) == summarised


def test_of_examples_what_is_shown_counts_and_no_more() -> None:
    shown = embed().prompt.shown.model_dump()
    examples = [example.model_dump() for example in embed().prompt.examples]
    retold = [example | {"summary": "Other words."} for example in examples]
    assert fingerprint(asked(examples=retold), LLM) == fingerprint(embed(), LLM)
    assert fingerprint(asked(shown=shown | {"seed": 9}), LLM) == fingerprint(embed(), LLM)
    rescored = [*examples[:-1], examples[-1] | {"score": 4.0}]
    assert fingerprint(asked(examples=rescored), LLM) != fingerprint(embed(), LLM)
    none = shown | {"count": 0}
    assert fingerprint(asked(shown=none), LLM) != fingerprint(embed(), LLM)
    assert fingerprint(asked(shown=none, examples=rescored), LLM) == fingerprint(
        asked(shown=none), LLM
    )
    drawn = shown | {"source": "training"}
    assert fingerprint(asked(shown=drawn, examples=rescored), LLM) == fingerprint(
        asked(shown=drawn), LLM
    )
    assert fingerprint(asked(shown=drawn | {"seed": 9}), LLM) != fingerprint(
        asked(shown=drawn), LLM
    )


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
