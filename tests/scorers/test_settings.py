import re
import subprocess
import sys
from typing import Any, get_args

import pytest

from stages import section
from stages.errors import UserError
from stages.scorers import registry
from stages.scorers.settings import Kinds, Model, overridden

ATTENTION = {
    "title": "LLMVS", "kind": "global-attention", "inputs": ["query", "answer"],
    "width": 2048, "layers": 3, "heads": 2, "feedforward": 2048, "dropout": 0.1,
}  # fmt: skip
MLP = {"title": "MLP", "kind": "mlp", "inputs": ["query"], "width": 2048}


def entry(document: dict[str, Any]) -> Any:
    return section.validated(Model, document, "params.yaml", "models.m")


def test_a_recipes_hyperparameters_replace_those_a_kind_has_and_no_others() -> None:
    scorer = {"width": 128, "heads": 4, "dropout": 0.2}
    assert overridden(entry(ATTENTION), scorer) == entry(ATTENTION | scorer)
    assert overridden(entry(MLP), scorer) == entry(MLP | {"width": 128})
    assert overridden(entry(MLP), {}) == entry(MLP)


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ({"widht": 3}, "params.yaml: datasets.d.train.scorer.widht: no kind of scorer has such"),
        ({"title": "better"}, "datasets.d.train.scorer.title: no kind of scorer has such"),
        (
            {"width": 100},
            "params.yaml: datasets.d.train.scorer.width: input should be a multiple of",
        ),
        ({"layers": 0}, "params.yaml: datasets.d.train.scorer.layers: must be > 0, got 0"),
        ({"heads": 3}, "datasets.d.train.scorer: width 2048 must be a multiple of heads 3"),
    ],
)
def test_what_a_kind_refuses_is_named_by_its_path(scorer: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        overridden(entry(ATTENTION), scorer, "datasets.d.train.scorer")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "oracle"}, "models.m"),
        ({"inputs": []}, "models.m.mlp.inputs"),
        ({"inputs": ["query", "query"]}, "inputs names one twice"),
        ({"inputs": ["sound"]}, "models.m.mlp.inputs"),
        ({"layers": 3}, "models.m.mlp.layers: unknown key"),
    ],
)
def test_an_entry_that_is_none_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        entry(MLP | change)


def test_every_kind_of_entry_is_in_the_registry() -> None:
    kinds = [get_args(of.model_fields["kind"].annotation)[0] for of in get_args(Kinds)]
    assert kinds == list(registry.KINDS)
    assert all(registry.scorer(kind).kind == kind for kind in kinds)


def test_settings_are_checked_without_torch() -> None:
    code = "import sys, stages.scorers, stages.scorers.settings; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
