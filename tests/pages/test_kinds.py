"""Where rows of several kinds were trained, the report sets sizes and times beside agreement."""

import re
from html import unescape
from pathlib import Path

import pytest
from stage_outputs import build, make

from stages.artifacts import results
from stages.artifacts.places import Places
from stages.metrics.printed import mark
from stages.pages.report import kinds
from stages.scorers import checkpoints, registry
from stages.training.taken import SCORING, TRAINING
from stages.work import runs

TITLE = "What each kind takes, and what it earns"


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """The first row has no attention, the others have."""
    return make(tmp_path, attention=False)


def rows_of(page: str) -> dict[str, list[str]]:
    """The table's cells by row."""
    section = page.split('id="demo:kinds"')[1].split("</section>")[0]
    found = re.findall(r'<th role="rowheader"[^>]*>(.*?)</th>(.*?)</tr>', section, re.DOTALL)
    return {
        unescape(title): [unescape(text) for text in re.findall(r">([^<]*)</td>", cells)]
        for title, cells in found
    }


def test_rows_of_one_kind_are_not_compared(page: str) -> None:
    assert TITLE not in page


def test_each_row_has_its_size_and_what_it_earns_under_both_protocols(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows_of(build(several, monkeypatch))
    measured, _ = results.read(several / "reports/results/demo")
    for name in ("llmvs", "query-only", "answer-only", "mlp"):
        path = next(Places(several / "data/demo").checkpoints(name).rglob("*.safetensors"))
        model = registry.load(path)
        learnt = sum(each.numel() for each in model.parameters())
        taus = [mark(of.rows[name].tau.mean) for of in measured.protocols.values()]
        size = f"{learnt:,}"
        row = found[measured.rows[name].title]
        assert row == [model.kind, size, "–", "–", *taus]


def test_seconds_are_those_that_the_training_was_recorded_with(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(several)
    monkeypatch.setattr(runs, "_measured", {TRAINING: 12.345, SCORING: 0.00678})
    places = Places(Path("data/demo"))
    for name in ("llmvs", "mlp"):
        runs.keep(Path(".work"), "train", places.predictions(name), 99.0)
    found = rows_of(build(several, monkeypatch))
    assert found["LLMVS (q + a)"][2:4] == ["12.3", "6.78"]
    assert found["query only"][2:4] == ["–", "–"]


def test_rows_of_one_size_stand_side_by_side(several: Path) -> None:
    measured, _ = results.read(several / "reports/results/demo")
    places = Places(several / "data/demo")
    made = kinds.compared(places, ["llmvs", "mlp"], measured, several / ".work")
    alike = [kinds.Kind(**{**vars(each), "parameters": 1000}) for each in made]

    def bars(of: list[kinds.Kind]) -> set[str]:
        """Where the upright lines of the intervals stand, by their colours."""
        drawn = kinds.figure(of, measured)
        upright = re.findall(r'd="M ([\d.]+) [\d.]+\nL \1 [\d.]+\n" clip-path[^>]*#(\w+)', drawn)
        return {x for x, colour in upright if colour in ("0a6ebd", "b37400")}

    assert len(bars(made)) == 2
    assert len(bars(alike)) == 2


def test_the_figure_has_times_where_every_row_has_them(several: Path) -> None:
    measured, _ = results.read(several / "reports/results/demo")
    places = Places(several / "data/demo")
    made = kinds.compared(places, ["llmvs", "mlp"], measured, several / ".work")
    assert "numbers learnt" in kinds.figure(made, measured)
    assert "seconds of a training" not in kinds.figure(made, measured)
    timed = [kinds.Kind(**{**vars(each), "training": 2.0}) for each in made]
    drawn = kinds.figure(timed, measured)
    assert "seconds of a training" in drawn
    assert drawn == kinds.figure(timed, measured)
    for each in timed:
        assert each.title in drawn


def test_the_size_of_a_checkpoint_is_known_without_its_weights(
    several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = next(Places(several / "data/demo").checkpoints("mlp").rglob("*.safetensors"))
    expected = sum(each.numel() for each in registry.load(path).parameters())
    monkeypatch.delattr(checkpoints, "read")
    assert registry.size(path) == ("global-attention", expected)
