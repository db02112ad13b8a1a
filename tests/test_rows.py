"""The rows of the paper's tables are data that the rest of the project can rely on."""

from pathlib import Path

import yaml

from stages import rows
from stages.comparisons import Name

PARAMS = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text())


def test_names_are_unique_and_make_names_of_experiments() -> None:
    names = [row.name for row in rows.ROWS]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)


def test_every_table_has_rows_and_is_a_choice_of_the_command() -> None:
    assert list(rows.TABLES) == [name.value for name in Name]
    for table in rows.TABLES:
        assert len(rows.of_table(table)) >= 4
    assert {table for row in rows.ROWS for table in row.tables} == set(rows.TABLES)


def test_every_model_of_params_is_a_row() -> None:
    assert set(PARAMS["models"]) <= {row.name for row in rows.ROWS}


def test_the_main_table_shows_whatever_else_was_measured_behind_its_own_rows() -> None:
    found = rows.of_table("main", ["llmvs", "mlp", "mine"])
    assert found[:-2] == rows.of_table("main")
    assert [row.reads for row in found[-2:]] == ["mlp", "mine"]
    assert found[-2].theirs == "q + a with an MLP"
    assert rows.of_table("window", ["mine"]) == rows.of_table("window")


def test_the_paper_has_figures_only_where_it_was_read() -> None:
    """Transcribed from the comparison and the ablations; nothing else is known."""
    printed = {
        (row.name, of.dataset): (of.tau, of.rho)
        for row in rows.ROWS
        for of in row.figures
        if of.table != rows.PUBLISHED
    }
    assert printed == {
        ("llmvs", "SumMe"): (0.253, 0.282),
        ("llmvs", "TVSum"): (0.211, 0.275),
        ("query-only", "SumMe"): (0.238, 0.265),
        ("answer-only", "SumMe"): (0.233, 0.260),
        ("mlp", "SumMe"): (0.182, 0.203),
        ("zero-shot", "SumMe"): (0.170, 0.189),
        ("zero-shot", "TVSum"): (0.051, 0.056),
        ("human", "SumMe"): (0.205, 0.213),
        ("human", "TVSum"): (0.177, 0.204),
        ("csta", "SumMe"): (0.246, 0.274),
        ("csta", "TVSum"): (0.194, 0.255),
        ("direct", "SumMe"): (0.119, 0.132),
        ("zero-shot-finetuned", "SumMe"): (0.181, 0.201),
        ("direct-finetuned", "SumMe"): (0.140, 0.156),
    }


def test_what_was_published_of_other_systems_is_marked_as_such() -> None:
    published = {
        (row.name, of.dataset): (of.tau, of.rho)
        for row in rows.ROWS
        for of in row.figures
        if of.table == rows.PUBLISHED
    }
    assert published == {
        ("vasnet", "SumMe"): (0.160, 0.170),
        ("iptnet", "SumMe"): (0.101, 0.119),
        ("rr-stg", "SumMe"): (0.211, 0.234),
        ("msva", "SumMe"): (0.200, 0.230),
        ("msva", "TVSum"): (0.190, 0.210),
        ("a2summ", "SumMe"): (0.108, 0.129),
        ("sspvs", "SumMe"): (0.192, 0.257),
        ("sspvs", "TVSum"): (0.181, 0.238),
        ("summdiff", "SumMe"): (0.256, 0.285),
        ("summdiff", "TVSum"): (0.195, 0.255),
    }


def test_what_the_paper_printed_is_found_by_the_row_that_measures_it_here() -> None:
    assert {row.name for row in rows.PRINTED} == {row.name for row in rows.ROWS if row.figures}
    assert all(row.theirs for row in rows.PRINTED)
    mlp = rows.counterpart("mlp")
    assert mlp is not None
    said = mlp.on("SumMe")
    assert said is not None
    assert said.tau == 0.182
    assert mlp.on("TVSum") is None
    assert rows.counterpart("oracle") is None


def test_a_row_has_a_title_of_its_own_where_only_an_experiment_measures_it() -> None:
    for row in rows.ROWS:
        assert row.title
        assert bool(row.heading) == bool(row.overrides)
