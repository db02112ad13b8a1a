import re
from typing import Any

import pytest
from lessons import ATTENTION, SETTINGS

from stages.errors import UserError
from stages.scorers.peers.settings import VasnetEntry
from stages.training.lesson import lesson
from stages.training.settings import Train
from stages.training.trainer import lessons

OWN = {"optimiser": "adam", "lr": 5e-5, "epochs": 300, "batch": 1}
VASNET = VasnetEntry(title="VASNet", kind="vasnet", inputs=("query",), train=OWN)


def train(**changes: Any) -> Train:
    return Train.model_validate(SETTINGS.model_dump() | changes)


def test_a_row_learns_as_its_authors_had_it_and_the_rest_as_the_recipe() -> None:
    of_row = lesson(VASNET, train(), "d", "vasnet").settings
    assert of_row == train(**OWN)
    assert lesson(ATTENTION, train(), "d", "llmvs").settings == train()


def test_a_recipe_sets_one_row_otherwise() -> None:
    small = {"epochs": 20, "scorer": {"hidden": 32}}
    recipe = train(models={"vasnet": small}, scorer={"dropout": 0.2, "heads": 4})
    entry, settings = lesson(VASNET, recipe, "d", "vasnet")
    assert (settings.epochs, settings.lr, settings.optimiser) == (20, 5e-5, "adam")
    assert entry == VASNET.model_copy(update={"hidden": 32})
    other, _ = lesson(ATTENTION, recipe, "d", "llmvs")
    assert other == ATTENTION.model_copy(update={"dropout": 0.2, "heads": 4})


@pytest.mark.parametrize(
    ("own", "of_recipe", "said"),
    [
        ({"seeds": [1]}, {}, "params.yaml: models.vasnet.train.seeds: is not a row's to set"),
        ({"lr": -1}, {}, "params.yaml: models.vasnet.train.lr: must be > 0, got -1"),
        ({"optimiser": "sgd"}, {}, "models.vasnet.train.optimiser: input should be 'adamw'"),
        ({}, {"epochs": 0}, "datasets.d.train.models.vasnet.epochs: must be > 0"),
        ({}, {"scorer": {"heads": 2}}, "models.vasnet.scorer.heads: vasnet has no such"),
        ({}, {"scorer": 3}, "models.vasnet.scorer: must be hyperparameters by name"),
    ],
)
def test_what_a_row_cannot_have_is_named_by_its_path(
    own: dict[str, Any], of_recipe: dict[str, Any], said: str
) -> None:
    entry = VASNET.model_copy(update={"train": own})
    with pytest.raises(UserError, match=re.escape(said)):
        lesson(entry, train(models={"vasnet": of_recipe}), "d", "vasnet")


def test_runs_from_before_there_were_optimisers_are_known() -> None:
    said = lessons(ATTENTION, train(models={"other": {"epochs": 3}}))
    assert not {"optimiser", "models"} & set(said["train"])
    assert "train" not in said["model"]
    assert lessons(VASNET, train(optimiser="adam"))["train"]["optimiser"] == "adam"
