"""Which models a recipe names."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import params
from stages.checking import frozen

ROOT = Path(__file__).parents[2]


def named(dataset: str, finetune: dict[str, Any]) -> list[str]:
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"][dataset]["finetune"] |= finetune
    return [model.name for model in frozen.models(params.parse(document).datasets[dataset])]


@pytest.mark.parametrize(
    ("rows", "others"),
    [([], []), (["zero-shot*"], ["small/llm"]), (["zero-shot*", "direct*"], ["small/llm", "a/b"])],
)
def test_models_that_are_fine_tuned_in_place_of_the_recipes_own_are_named_too(
    rows: list[str], others: list[str]
) -> None:
    own = named("tvsum", {})
    tuned = {"rows": rows, "embed": {"llm": "small/llm"}, "caption": {"model": "a/b"}}
    assert named("tvsum", tuned) == own + others
    assert named("tvsum", {"rows": rows}) == own
