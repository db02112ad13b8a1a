"""What a recipe is thought to want of this machine."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages import params
from stages.artifacts.places import Places
from stages.checking import finished
from stages.checking.recipe import Dataset
from stages.checking.room import WORDS, Room
from stages.errors import UserError
from stages.experiments.overrides import lookup, set_over
from stages.params import Recipe
from stages.sources import shots

ROOT = Path(__file__).parents[2]


def of_summe(recipe: Recipe) -> Room:
    """What summe-captions wants by another recipe."""
    dataset = Dataset("summe-captions", recipe, Places(Path("data/summe-captions")), Path("work"))
    return Room(params.load(ROOT / "params.yaml"), dataset, Path("data"))


def test_hours_are_of_captions_as_long_as_those_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = params.load(ROOT / "params.yaml").datasets["summe-captions"]
    source = Path("captions.json")
    recipe = recipe.model_copy(update={"given": recipe.given.model_copy(update={"source": source})})

    def operations(of: Room) -> float:
        return next(cost.operations for cost in of.plan.costs if cost.stage == "embed")

    assert of_summe(recipe).words == WORDS
    said = {}
    for _, title, n_frames in shots.known("summe"):
        picks = list(range(0, n_frames, 15))
        said[title] = {"picks": picks, "captions": ["a dog runs"] * len(picks)}
    source.write_text(json.dumps(said))
    few = of_summe(recipe)
    assert few.words == 3
    short = operations(few)
    said["Cooking"]["captions"][0] = "a dog runs along the road"
    source.write_text(json.dumps(said))
    assert of_summe(recipe).words == 4
    source.write_text("{")
    assert of_summe(recipe).words == WORDS
    assert short < operations(of_summe(recipe))


def test_what_makes_a_training_fit_is_no_smaller_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = params.load(ROOT / "params.yaml").datasets["summe-captions"]
    assert recipe.train is not None
    vast = recipe.model_copy(update={"train": recipe.train.model_copy(update={"batch": 10**7})})
    with pytest.raises(UserError, match=r"train wants .*lower datasets.summe-captions.train.batch"):
        of_summe(vast).memory()


def test_what_ran_with_other_settings_is_left_with_all_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    document = YAML(typ="safe").load(text)
    (tmp_path / "there").touch()
    made = {stage: [tmp_path / "there"] for stage in ("caption", "embed", "train")}
    ran = {
        "download@demo": ["datasets.demo.download"],
        "caption@demo": ["datasets.demo.caption"],
        "embed@demo": ["datasets.demo.embed"],
        "train@demo-llmvs": ["datasets.demo.train", "models.llmvs"],
    }
    stages = {
        name: {"params": {"params.yaml": {path: lookup(document, path) for path in paths}}}
        for name, paths in ran.items()
    }
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": stages}))

    def left(*assignments: str) -> set[str]:
        path = Path("params.yaml")
        path.write_text(text, encoding="utf-8")
        return finished.left(params.parse(set_over(assignments, path)), "demo", made)

    assert left() == set()
    assert left("datasets.demo.train.lr=0.5") == {"train"}
    assert left("datasets.demo.train.lr=0.5", "run.models=[mlp]") == set()
    assert left("datasets.demo.embed.window=3") == {"embed", "train"}
    assert left("datasets.demo.caption.labels=3") == {"caption", "embed", "train"}
    assert left("datasets.demo.download.seed=3") == {"caption", "embed", "train"}
    made["embed"] = [tmp_path / "absent"]
    assert left() == {"embed", "train"}
