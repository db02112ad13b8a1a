import pytest
import yaml
from stage_outputs import ROOT

from stages.artifacts.results import Shots
from stages.metrics.settings import Evaluate
from stages.pages.report.wording import averaged, rule, shots
from stages.splits.settings import Splits
from stages.training.settings import Train


@pytest.mark.parametrize(
    ("protocol", "changes", "said"),
    [
        ("strict", {}, "5 folds that test every video once; the last epoch, chosen by nothing"),
        (
            "strict",
            {"validation": 0.2, "source": "tvsum"},
            "5 folds that test every video once, the lists of CSTA; epoch chosen on 20 % of the "
            "training videos, set aside",
        ),
        (
            "official",
            {},
            "5 random overlapping splits; epoch chosen on the test videos: optimistic",
        ),
        (
            "official",
            {"source": "summe", "validation": 0.2},
            "5 overlapping splits of the release; epoch chosen on the test videos: optimistic",
        ),
    ],
)
def test_a_protocol_says_what_tests_and_which_epoch_counts(
    protocol: str, changes: dict[str, object], said: str
) -> None:
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    of = shipped["datasets"]["demo"]
    splits = Splits(**(of["splits"] | {k: v for k, v in changes.items() if k == "source"}))
    train = Train(
        **(of["train"] | {"validation": 0} | {k: v for k, v in changes.items() if k != "source"})
    )
    assert rule(protocol, splits, train) == said


def test_where_nothing_is_trained_no_epoch_is_chosen() -> None:
    splits = Splits(protocols=("strict", "official"), source="summe", folds=5)
    assert rule("official", splits, None) == "5 overlapping splits of the release"
    assert rule("strict", splits, None) == ("5 folds that test every video once, the lists of CSTA")


def test_shots_are_said_by_where_they_come_from() -> None:
    assert shots(Shots(field=25)) == "the field’s published shots"
    assert shots(Shots(kts=24)) == "own segmentation"
    assert shots(Shots(annotations=3, kts=1)) == (
        "the annotations’ own (3 videos), own segmentation (1 video)"
    )


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("summe", "its summary against the share of people who keep each frame; F1: that of the"),
        ("tvsum", "the mean over users; F1: the mean over users"),
    ],
)
def test_a_videos_marks_are_said_as_the_recipe_makes_them(dataset: str, said: str) -> None:
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert said in averaged(Evaluate(**shipped["datasets"][dataset]["evaluate"]))
