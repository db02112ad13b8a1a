import pytest
import yaml
from stage_outputs import ROOT

from stages.reporting.wording import rule
from stages.training.settings import Train


@pytest.mark.parametrize(
    ("protocol", "changes", "said"),
    [
        ("strict", {}, "5 folds that test every video once; the last epoch, chosen by nothing"),
        (
            "strict",
            {"validation": 0.2, "splits": "tvsum"},
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
            {"splits": "summe", "validation": 0.2},
            "5 overlapping splits of the release; epoch chosen on the test videos: optimistic",
        ),
    ],
)
def test_a_protocol_says_what_tests_and_which_epoch_counts(
    protocol: str, changes: dict[str, object], said: str
) -> None:
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    train = Train(**(shipped["datasets"]["demo"]["train"] | {"validation": 0} | changes))
    assert rule(protocol, train) == said
