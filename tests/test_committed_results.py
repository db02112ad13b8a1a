"""The committed tables come out of the committed scores and public annotations, digit for digit.

Beside the repository lie SumMe's and TVSum's annotations, or what rests on them is skipped; the
demo's people are made anew.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages import rejudging, rows, section
from stages.artifacts import judged_scores
from stages.artifacts import results as results_file
from stages.artifacts.places import Places
from stages.experiments import formats, kept, lineup
from stages.scorers.heads import shelf
from stages.sources import demo
from stages.sources.settings import DemoDownload, Download

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
ANNOTATIONS = {"summe": REAL / "summe", "tvsum": REAL / "tvsum" / "ydata-tvsum50.mat"}
COMMITTED = sorted(path.parent for path in (ROOT / "reports/results").glob("*/results.json"))
KEPT = sorted(path.parent for path in (ROOT / kept.FOLDER).glob("*/results.json"))


def dataset_of(folder: Path) -> str:
    return results_file.read(folder)[0].dataset


@pytest.mark.parametrize("folder", [*COMMITTED, *KEPT], ids=lambda folder: folder.name)
def test_committed_tables_come_out_of_committed_scores(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (folder / judged_scores.NAME).is_file():
        pytest.skip(f"{folder.name} was evaluated before scores were kept")
    monkeypatch.chdir(ROOT)
    dataset = dataset_of(folder)
    download: Any = section.lookup(Download, "datasets", dataset, "download")
    people = None
    if isinstance(download, DemoDownload):
        demo.make(dataset, download, Places(tmp_path / dataset).source, videos=False)
    else:
        people = ANNOTATIONS[download.kind]
        if not people.exists():
            pytest.skip(f"{people}: the real annotations are not beside the repository")
    measured = rejudging.measure(dataset, folder, people=people, data=tmp_path)
    found = rejudging.compare(measured, folder)
    found.refuse_differences()
    assert found.figures > 100
    assert found.deviation == 0


def test_every_committed_dataset_has_its_scores() -> None:
    assert COMMITTED
    without = [one.name for one in [*COMMITTED, *KEPT] if not (one / judged_scores.NAME).is_file()]
    assert without == []


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_kept_experiment_stands_in_its_table_as_it_was_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Markdown; but for the corrected p, which other rows of the table decide too."""
    monkeypatch.chdir(ROOT)
    dataset = dataset_of(folder)
    row = next(row for row in rows.ROWS if f"{dataset}-{row.name}" == folder.name)
    (table,) = row.tables
    written = (ROOT / f"reports/tables/{dataset}-{table}.md").read_text()
    filled = lineup.fill(table, dataset, "all")
    protocols = results_file.read(folder)[0].protocols
    for each, text in zip(filled.tables, written.split("\n\n**"), strict=True):
        line = next(line for line in each.lines if line.name == row.name)
        if each.protocol not in protocols:
            assert line.why == f"measured under {' and '.join(protocols)} alone"
            assert line.why in text
            continue
        assert line.source == folder.name, line.why
        alone = replace(filled, tables=(replace(each, lines=(line,)),), missing=())
        drawn = formats.drawn(alone, "markdown").splitlines()
        (made,) = [one for one in drawn if one.startswith(f"| {row.title}")]
        assert uncorrected(made) in map(uncorrected, text.splitlines())


def uncorrected(line: str) -> str:
    return re.sub(r"(p <?\.\d+), <?[\d.]+", r"\1", line)


@pytest.mark.parametrize("name", shelf.names())
def test_a_shipped_heads_card_says_what_the_committed_results_bear_out(name: str) -> None:
    for source in shelf.card(name).sources:
        folder = Path("data") / source.dataset
        results, _ = results_file.read(ROOT / "reports/results" / source.dataset)
        judged = {file.path: file.sha256 for file in results.files}
        same = all(judged.get(f"{folder}/{path}") == sha for path, sha in source.files.items())
        assert source.expected.same_files == same
        row = results.protocols["strict"].rows["llmvs"]
        for found, earned in ((source.expected.tau, row.tau), (source.expected.rho, row.rho)):
            assert (found.mean, found.low, found.high) == (earned.mean, earned.low, earned.high)
