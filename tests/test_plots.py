"""`dvc plots` between two revisions: what dvc.yaml declares is drawn of both."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from repository_copy import copy_to, run

TABLES = {
    "per_video.csv": ("protocol,row,video,tau,rho,f1", "strict,llmvs,video_{n},{y},0.9,0.8"),
    "learning.csv": ("model,epoch,train_loss,test_loss", "llmvs,{n},0.7,{y}"),
    "curves.csv": (
        "model,protocol,seed,split,epoch,lr,train_loss,test_loss,tau",
        "llmvs,strict,0,0,{n},0.001,0.7,{y},",
    ),
    "score_curves.csv": ("frame,video,pick,people,model", "{n},video_1,{n},0.7,{y}"),
}
BEFORE, AFTER = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


def tables(folder: Path, drawn: tuple[float, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (header, line) in TABLES.items():
        lines = [line.format(n=number + 1, y=y) for number, y in enumerate(drawn)]
        (folder / name).write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture(scope="module")
def diff(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `dvc plots diff` has between a commit and the working tree, by plot."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    where = tmp_path_factory.mktemp("plots")
    copy_to(where)
    results = where / "reports/results/demo"
    tables(results, BEFORE)
    drawing = where / "reports/figures/demo-video.svg"  # without one, dvc says it is missing
    drawing.parent.mkdir()
    drawing.write_text("<svg/>")
    run(where, "git", "add", "--all", "--force")
    run(where, "git", "commit", "--quiet", "--message", "before")
    tables(results, AFTER)
    said = run(where, "dvc", "plots", "diff", "HEAD", "workspace", "--json")
    found = json.loads(said)
    assert "errors" not in found
    data: dict[str, Any] = found["data"]
    return data


def points(plot: Any) -> list[dict[str, Any]]:
    """Every point of a chart, wherever in it they are held."""
    if isinstance(plot, dict):
        own = [plot] if "rev" in plot else []
        return own + [point for each in plot.values() for point in points(each)]
    if isinstance(plot, list):
        return [point for each in plot for point in points(each)]
    return []


@pytest.mark.parametrize(
    ("plot", "column"),
    [
        ("reports/results/demo/per_video.csv", "tau"),
        ("reports/results/demo/learning.csv", "test_loss"),
        ("reports/results/demo/curves.csv", "test_loss"),
        ("reports/results/demo/score_curves.csv", "model"),
    ],
)
def test_a_plot_holds_the_data_of_both_revisions(
    diff: dict[str, Any], plot: str, column: str
) -> None:
    (chart,) = diff[plot]
    assert set(chart["revisions"]) == {"HEAD", "workspace"}
    content = chart["content"]
    drawn = points(json.loads(content) if isinstance(content, str) else content)
    for revision, expected in (("HEAD", BEFORE), ("workspace", AFTER)):
        found = {float(point[column]) for point in drawn if point["rev"] == revision}
        assert found == set(expected), revision


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("per_video.csv", "row", "tau"),
        ("learning.csv", "epoch", "test_loss"),
        ("curves.csv", "epoch", "test_loss"),
        ("score_curves.csv", "frame", "model"),
    ],
)
def test_a_table_is_drawn_by_the_columns_that_matter(
    diff: dict[str, Any], name: str, x: str, y: str
) -> None:
    """Left alone, dvc draws the last column over the number of the line."""
    (chart,) = diff[f"reports/results/demo/{name}"]
    text = chart["content"] if isinstance(chart["content"], str) else json.dumps(chart["content"])
    assert re.search(rf'"x": {{[^}}]*"field": "{x}"', text)
    assert re.search(rf'"y": {{[^}}]*"field": "{y}"', text)
