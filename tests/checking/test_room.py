"""What a recipe is thought to want of this machine."""

import json
from pathlib import Path

import pytest

from stages import params
from stages.artifacts.places import Places
from stages.checking.recipe import Dataset
from stages.checking.room import WORDS, Room
from stages.sources import shots

ROOT = Path(__file__).parents[2]


def test_hours_are_of_captions_as_long_as_those_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = params.load(ROOT / "params.yaml")
    recipe = settings.datasets["summe-captions"]
    source = Path("captions.json")
    recipe = recipe.model_copy(update={"given": recipe.given.model_copy(update={"source": source})})

    def room() -> Room:
        places = Places(Path("data", "summe-captions"))
        dataset = Dataset("summe-captions", recipe, places, Path("work"))
        return Room(settings, dataset, Path("data"))

    def operations(of: Room) -> float:
        return next(cost.operations for cost in of.plan.costs if cost.stage == "embed")

    assert room().words == WORDS
    said = {}
    for _, title, n_frames in shots.known("summe"):
        picks = list(range(0, n_frames, 15))
        said[title] = {"picks": picks, "captions": ["a dog runs"] * len(picks)}
    source.write_text(json.dumps(said))
    few = room()
    assert few.words == 3
    short = operations(few)
    said["Cooking"]["captions"][0] = "a dog runs along the road"
    source.write_text(json.dumps(said))
    assert room().words == 4
    source.write_text("{")
    assert room().words == WORDS
    assert short < operations(room())
