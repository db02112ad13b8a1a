"""Values by dotted path: looked up, laid over a copy, told apart, spelled for the command line."""

import pytest

from stages.experiments.overrides import ABSENT, differing, laid_over, lookup, spelled

DOCUMENT = {"embed": {"window": 7, "prompt": {"scale": [1, 5]}}, "train": {"lr": 0.1}}


def test_a_path_leads_to_its_value_or_to_nothing() -> None:
    assert lookup(DOCUMENT, "embed.prompt.scale") == [1, 5]
    for path in ("embed.layer", "embed.window.wide", "nowhere"):
        assert lookup(DOCUMENT, path) is ABSENT


def test_laying_over_changes_a_copy_alone() -> None:
    made = laid_over(DOCUMENT, {"embed.window": 3, "embed.prompt.scale": (0, 9)})
    assert made["embed"] == {"window": 3, "prompt": {"scale": [0, 9]}}
    assert DOCUMENT["embed"]["window"] == 7
    assert differing(DOCUMENT, made) == ["embed.prompt.scale", "embed.window"]


def test_a_missing_value_differs_even_from_null() -> None:
    assert differing({"a": {"b": None}}, {"a": {}}) == ["a.b"]
    assert differing(DOCUMENT, DOCUMENT) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [(3, "3"), (True, "true"), (None, "null"), ("last_layer", "last_layer"),
     (("general", "centre"), "[general,centre]"), (0.0003, "0.0003")],
)  # fmt: skip
def test_values_are_spelled_as_dvc_takes_them(value: object, said: str) -> None:
    assert spelled(value) == said
