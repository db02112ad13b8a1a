"""A table takes each row from the run or the experiment that measured it as things are now."""

import json
import os

import numpy as np
import pytest
import yaml
from laboratory import BASE, SPLITS, STATES, Laboratory

from stages import rows
from stages.artifacts.results import VideoMarks
from stages.errors import UserError
from stages.experiments import freshness, lineup
from stages.experiments.formats import drawn
from stages.experiments.measured import difference
from stages.experiments.revisions import experiments
from stages.experiments.table import Line, Table


def line(table: Table, name: str) -> Line:
    return next(line for line in table.lines if line.name == name)


def test_models_and_baselines_come_from_the_workspace(laboratory: Laboratory) -> None:
    filled = lineup.fill("embedding", "demo", "all")
    document = json.loads((laboratory.root / "reports/results/demo/results.json").read_text())
    assert [table.protocol for table in filled.tables] == ["strict", "official"]
    for table in filled.tables:
        measured_rows = document["protocols"][table.protocol]["rows"]
        for name in ("llmvs", "query-only", "mlp"):
            cells = line(table, name).cells
            assert cells is not None
            for mark, cell in cells.items():
                assert cell.mean == measured_rows[name][mark]["mean"]
                assert (cell.low, cell.high) == tuple(
                    measured_rows[name][mark][end] for end in ("low", "high")
                )
                if name != "llmvs":  # the very test that evaluate made
                    assert cell.p == pytest.approx(
                        measured_rows[name]["against"][mark]["p"], abs=1e-6
                    )


def test_p_is_corrected_for_the_rows_of_the_table_alone(laboratory: Laboratory) -> None:
    table = lineup.fill("embedding", "demo", "strict").tables[0]
    assert table.tested == 2
    p = {name: line(table, name).cells["tau"].p for name in ("query-only", "mlp")}  # type: ignore[index]
    smallest = min(p, key=lambda name: p[name] or 0)
    cells = line(table, smallest).cells
    assert cells is not None
    assert cells["tau"].holm == pytest.approx(min(1, 2 * (p[smallest] or 0)))
    reference = line(table, "llmvs").cells
    assert reference is not None
    assert reference["tau"].p is reference["tau"].holm is None


def test_a_model_that_did_not_run_is_an_experiment_of_that_model(laboratory: Laboratory) -> None:
    filled = lineup.fill("embedding", "demo", "strict")
    (missing,) = filled.missing
    assert line(filled.tables[0], "answer-only").cells is None
    assert missing.command == (
        "dvc exp run --temp -n demo-answer-only -S 'run.datasets=[demo]' "
        "-S 'run.models=[answer-only]' evaluate@demo"
    )
    laboratory.experiment("demo-answer-only", {}, 0.45, "answer-only")
    filled = lineup.fill("embedding", "demo", "strict")
    assert filled.missing == ()
    cells = line(filled.tables[0], "answer-only").cells
    assert cells is not None
    assert cells["tau"].mean == pytest.approx(0.45, abs=0.1)


def test_an_experiment_fills_its_row_and_is_tested_video_by_video(laboratory: Laboratory) -> None:
    filled = lineup.fill("window", "demo", "strict")
    assert [one.name for one in filled.missing] == [f"demo-window-{w}" for w in (1, 3, 5)]
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    filled = lineup.fill("window", "demo", "all")
    assert [one.name for one in filled.missing] == ["demo-window-1", "demo-window-5"]
    for table in filled.tables:
        found = line(table, "window-3")
        assert found.cells is not None
        assert found.source == "demo-window-3"
        assert found.cells["tau"].mean == pytest.approx(0.2, abs=0.1)
        videos = len({video for split in SPLITS[table.protocol] for video in split})
        # Every video moved the same way: only all signs, or none, are as extreme.
        assert found.cells["tau"].p == pytest.approx(2 / 2**videos)


def test_what_the_recipe_holds_already_is_llmvs_itself(laboratory: Laboratory) -> None:
    table = lineup.fill("window", "demo", "strict").tables[0]
    found = line(table, "window-7")
    assert found.cells is not None
    assert found.source == "workspace"
    assert found.cells["tau"].p is None
    laboratory.params["datasets"]["demo"]["embed"]["window"] = 3
    laboratory.measure({"llmvs": 0.5})
    filled = lineup.fill("window", "demo", "strict")
    assert line(filled.tables[0], "window-3").source == "workspace"
    assert "demo-window-7" in [one.name for one in filled.missing]


def test_an_experiment_with_other_params_is_stale_and_its_name_is_kept(
    laboratory: Laboratory,
) -> None:
    laboratory.experiment("demo-window-3", {"embed.window": 3, "train.lr": 0.5}, 0.9)
    filled = lineup.fill("window", "demo", "strict")
    assert "other params: train.lr" in (line(filled.tables[0], "window-3").why or "")
    assert "demo-window-3.2" in [one.name for one in filled.missing]
    laboratory.experiment("demo-window-3.2", {"embed.window": 3}, 0.2)
    found = line(lineup.fill("window", "demo", "strict").tables[0], "window-3")
    assert found.source == "demo-window-3.2"


def test_what_bears_on_other_rows_alone_makes_none_stale(laboratory: Laboratory) -> None:
    captions = {"sentences.window": 7}
    laboratory.experiment("demo-window-3", {"embed.window": 3, **captions}, 0.2)
    laboratory.experiment(
        "demo-captions-averaged", {"embed.window": 3, **captions}, 0.1, "caption-attention"
    )
    found = line(lineup.fill("window", "demo", "strict").tables[0], "window-3")
    assert found.source == "demo-window-3"
    found = line(lineup.fill("ablation", "demo", "strict").tables[0], "captions-averaged")
    assert found.source == "demo-captions-averaged"
    laboratory.experiment(
        "demo-captions-averaged", {"sentences.pooling": "first", **captions}, 0.1,
        "caption-attention",
    )  # fmt: skip
    found = line(lineup.fill("ablation", "demo", "strict").tables[0], "captions-averaged")
    assert "other params: sentences.pooling" in (found.why or "")


def test_an_experiment_by_other_code_is_stale(laboratory: Laboratory) -> None:
    laboratory.code = "0ld"
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.9)
    found = line(lineup.fill("window", "demo", "strict").tables[0], "window-3")
    assert found.cells is None
    assert "stages/train.py" in (found.why or "")


def test_a_commit_of_words_alone_makes_nothing_stale(laboratory: Laboratory) -> None:
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    (laboratory.root / "README.md").write_text("words")
    laboratory.commit("words")
    assert line(lineup.fill("window", "demo", "strict").tables[0], "window-3").cells is not None


def test_a_row_that_the_recipe_cannot_have_is_not_missing(laboratory: Laboratory) -> None:
    filled = lineup.fill("ablation", "demo", "strict")
    names = [one.row for one in filled.missing]
    for row in (row for row in rows.of_table("ablation") if row.captioner):
        assert row.name not in names
        assert "takes llava, not imagenet-tags" in (line(filled.tables[0], row.name).why or "")


def given_captions(laboratory: Laboratory) -> None:
    """The demo as it would be if its captions were given."""
    recipe = laboratory.params["datasets"]["demo"]
    recipe["given"] = {"kind": "captions", "source": "captions.jsonl"}
    for stage in ("sample", "caption"):
        del recipe[stage]
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))


def test_rows_of_stages_that_a_recipe_does_not_have_are_not_missing(laboratory: Laboratory) -> None:
    given_captions(laboratory)
    filled = lineup.fill("ablation", "demo", "strict")
    assert "demo-layer-last" in [one.name for one in filled.missing]
    for row in ("direct", "describe"):
        assert f"demo-{row}" not in [one.name for one in filled.missing]
        assert "makes no captions" in (line(filled.tables[0], row).why or "")


def test_the_stages_of_a_recipe_are_those_of_what_it_is_given(laboratory: Laboratory) -> None:
    """DVC leaves the others in its lock files."""
    path = laboratory.root / "data" / "dvc.lock"
    locked = yaml.safe_load(path.read_text())
    before = {"datasets.demo.given": {"kind": "captions", "source": "other.jsonl"}}
    locked["stages"]["given-captions@demo"] = {"params": {"params.yaml": before}}
    path.write_text(yaml.safe_dump(locked))
    assert lineup.fill("main", "demo", "strict").tables[0].notes == ()
    given_captions(laboratory)
    (note,) = lineup.fill("main", "demo", "strict").tables[0].notes
    assert "datasets.demo.given" in note


def test_a_row_that_could_not_be_fed_is_named_with_what_it_lacks_and_is_no_experiment(
    laboratory: Laboratory,
) -> None:
    laboratory.measure({"llmvs": 0.5}, left_out={"mlp": "left out: `image` is lacking"})
    filled = lineup.fill("embedding", "demo", "strict")
    found = line(filled.tables[0], "mlp")
    assert (found.cells, found.why) == (None, "left out: `image` is lacking")
    assert "demo-mlp" not in [one.name for one in filled.missing]
    for form in ("text", "markdown", "latex"):
        assert "left out: `image` is lacking" in " ".join(drawn(filled, form).split())


def test_the_main_table_shows_every_row_measured_and_what_others_published(
    laboratory: Laboratory,
) -> None:
    laboratory.measure({"llmvs": 0.5, "mlp": 0.1, "random": 0.0, "constant": 0.1})
    filled = lineup.fill("main", "demo", "strict")
    (table,) = filled.tables
    for name in ("llmvs", "mlp", "random", "constant"):
        cells = line(table, name).cells
        assert cells is not None
        assert (cells["tau"].p is None) == (name == "llmvs")
    text = drawn(filled, "text")
    titles = [row.split("  ")[0] for row in text.splitlines()]
    assert {"VASNet †", "CSTA"} <= {title.strip() for title in titles}
    assert "†: as published of other systems" in " ".join(text.split())
    assert r"VASNet $\dagger$" in drawn(filled, "latex")


def test_a_row_whose_inputs_the_recipe_cannot_provide_is_named_and_no_experiment(
    laboratory: Laboratory,
) -> None:
    given_captions(laboratory)
    filled = lineup.fill("main", "demo", "strict")
    missing = [one.row for one in filled.missing]
    assert "caption-attention" in missing
    assert "vasnet" not in missing
    assert "`image` is lacking: the sample stage" in (line(filled.tables[0], "vasnet").why or "")


def test_a_value_that_params_do_not_know_is_not_asked_for(laboratory: Laboratory) -> None:
    del laboratory.params["datasets"]["demo"]["embed"]["window"]
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    filled = lineup.fill("window", "demo", "strict")
    assert filled.missing == ()
    assert "no embed.window" in (line(filled.tables[0], "window-3").why or "")


def test_results_of_other_params_than_the_workspace_has_are_said(laboratory: Laboratory) -> None:
    assert lineup.fill("main", "demo", "strict").tables[0].notes == ()
    laboratory.params["datasets"]["demo"]["train"]["lr"] = 0.5
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    (note,) = lineup.fill("main", "demo", "strict").tables[0].notes
    assert "datasets.demo.train" in note
    assert "dvc repro" in note


def test_the_papers_figures_stand_apart_and_only_where_it_has_them(laboratory: Laboratory) -> None:
    table = lineup.fill("main", "demo", "strict").tables[0]
    assert table.benchmarks == ("SumMe", "TVSum")
    assert line(table, "csta").cells is None
    assert [of.tau for of in line(table, "csta").theirs if of] == [0.246, 0.194]
    assert line(table, "oracle").theirs == (None, None)
    assert lineup.fill("window", "demo", "strict").tables[0].benchmarks == ()


@pytest.mark.parametrize(
    ("dataset", "protocol", "said"),
    [("nowhere", "all", "no dataset 'nowhere'"), ("tvsum", "all", "tvsum was not measured"),
     ("demo", "lenient", "strict, official, not lenient")],
)  # fmt: skip
def test_what_cannot_be_shown_is_explained(
    laboratory: Laboratory, dataset: str, protocol: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        lineup.fill("main", dataset, protocol)


def test_an_experiment_has_no_fine_tuned_rows_and_they_make_it_no_other(
    laboratory: Laboratory,
) -> None:
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    tuned = laboratory.params["datasets"]["summe"]["finetune"] | {"rows": ["zero-shot*"]}
    laboratory.params["datasets"]["demo"]["finetune"] = tuned
    laboratory.measure({**BASE, "zero-shot*": 0.2})
    filled = lineup.fill("window", "demo", "strict")
    assert line(filled.tables[0], "window-3").source == "demo-window-3"
    for missing in filled.missing:
        assert "-S 'datasets.demo.finetune.rows=[]'" in missing.command


def test_a_fine_tuned_row_is_measured_in_the_workspace_or_says_how(laboratory: Laboratory) -> None:
    def why(row: str) -> str | None:
        return line(lineup.fill("main", "demo", "strict").tables[0], row).why

    assert "params.yaml has no datasets.demo.finetune" in (why("zero-shot-finetuned") or "")
    tuned = laboratory.params["datasets"]["summe"]["finetune"]
    laboratory.params["datasets"]["demo"]["finetune"] = tuned
    laboratory.measure(BASE)
    said = why("zero-shot-finetuned")
    assert said == "not measured: name zero-shot* in datasets.demo.finetune.rows"
    assert "takes llava, not imagenet-tags" in (why("direct-finetuned") or "")
    laboratory.measure({**BASE, "zero-shot*": 0.2})
    found = line(lineup.fill("main", "demo", "strict").tables[0], "zero-shot-finetuned")
    assert found.source == "workspace"
    assert found.cells is not None


def test_a_difference_needs_the_same_videos() -> None:
    one = {"a": VideoMarks({"tau": 0.1}, 0.5), "b": VideoMarks({"tau": 0.3}, 0.5)}
    other = {"a": VideoMarks({"tau": 0.0}, 0.5), "b": VideoMarks({"tau": 0.1}, 0.5)}
    found = difference(one, other, "tau", 0.95)
    assert np.isclose(found.difference, 0.15)
    with pytest.raises(UserError, match="different videos"):
        difference(one, {"a": VideoMarks({"tau": 0.0}, 1.0)}, "tau", 0.95)


def test_results_of_other_code_are_said_and_a_value_that_is_not_theirs_is_no_row(
    laboratory: Laboratory,
) -> None:
    code = laboratory.root / "stages" / "train.py"
    was = code.read_text()
    code.write_text("new")
    (note,) = lineup.fill("main", "demo", "strict").tables[0].notes
    assert note == "the code has changed since (stages/train.py): dvc repro"
    code.write_text(was)
    laboratory.params["datasets"]["demo"]["embed"]["window"] = 3
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    table = lineup.fill("window", "demo", "strict").tables[0]
    assert "datasets.demo.embed" in table.notes[0]
    assert line(table, "window-3").cells is None, "what was measured is of window 7"


def test_results_that_came_with_a_commit_are_of_its_params(laboratory: Laboratory) -> None:
    (laboratory.root / "data" / "dvc.lock").unlink()
    laboratory.commit("as others get it")
    table = lineup.fill("window", "demo", "strict").tables[0]
    assert table.notes == ()
    assert line(table, "window-7").source == "workspace"
    laboratory.params["datasets"]["demo"]["embed"]["window"] = 5
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    table = lineup.fill("window", "demo", "strict").tables[0]
    assert table.notes == ("params.yaml has changed since (datasets.demo.embed.window): dvc repro",)
    assert line(table, "window-5").cells is None
    results = laboratory.root / "reports" / "results" / "demo" / "results.json"
    results.write_text(results.read_text() + " ")
    (note,) = lineup.fill("window", "demo", "strict").tables[0].notes
    assert "dvc.lock does not say what made reports/results/demo" in note


def test_what_came_with_a_commit_is_held_to_its_models_and_to_the_code(
    laboratory: Laboratory,
) -> None:
    path = laboratory.root / "data" / "dvc.lock"
    locked = yaml.safe_load(path.read_text())
    download = {"download@demo": locked["stages"]["embed@demo"]}
    path.write_text(yaml.safe_dump({"stages": download}))  # of all that led to the results
    laboratory.commit("as others get it")
    laboratory.code = "0ld"
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.9)
    found = line(lineup.fill("window", "demo", "strict").tables[0], "window-3")
    assert found.cells is None
    assert "stages/train.py" in (found.why or "")
    laboratory.params["models"]["llmvs"]["layers"] = 9
    (laboratory.root / "params.yaml").write_text(yaml.safe_dump(laboratory.params))
    (note,) = lineup.fill("main", "demo", "strict").tables[0].notes
    assert "models.llmvs.layers" in note


def test_rows_that_run_no_longer_make_nothing_outdated(laboratory: Laboratory) -> None:
    path = laboratory.root / "data" / "dvc.lock"
    locked = yaml.safe_load(path.read_text())
    locked["stages"]["train@demo-csta"] = {"params": {"params.yaml": {"datasets.demo.train": {}}}}
    path.write_text(yaml.safe_dump(locked))
    assert lineup.fill("main", "demo", "strict").tables[0].notes == ()


def test_an_experiment_on_other_captions_is_stale_where_they_are_given(
    laboratory: Laboratory,
) -> None:
    def captions(md5: str) -> None:
        path = laboratory.root / "data" / "dvc.lock"
        locked = yaml.safe_load(path.read_text())
        dep = {"path": "data/demo/captions.jsonl", "md5": md5}
        locked["stages"]["embed@demo"]["deps"].append(dep)
        path.write_text(yaml.safe_dump(locked))

    given_captions(laboratory)
    laboratory.lock(laboratory.params)
    captions("one")
    laboratory.commit("given")
    laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.2)
    laboratory.lock(laboratory.params)
    captions("one")
    here = freshness._changed_files(next(experiments()), "demo", "captions", ["embed@demo"])
    assert here == ["data/demo/captions.jsonl"]
    assert freshness._changed_files(next(experiments()), "demo", "videos", ["embed@demo"]) == []


def test_an_experiment_that_never_evaluated_is_no_row(laboratory: Laboratory) -> None:
    commit = laboratory.experiment("demo-window-3", {"embed.window": 3}, 0.9)
    assert line(lineup.fill("window", "demo", "strict").tables[0], "window-3").cells is not None
    laboratory.git("read-tree", commit)
    result = "reports/results/demo/results.json"
    laboratory.git("checkout", f"{commit}~1", "--", result)
    tree = laboratory.git("write-tree")
    laboratory.git("read-tree", "HEAD")
    without = laboratory.git("commit-tree", tree, "-p", f"{commit}~1", "-m", "embeddings alone")
    (reference,) = laboratory.git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    laboratory.git("update-ref", reference, without)
    found = line(lineup.fill("window", "demo", "strict").tables[0], "window-3")
    assert found.cells is None
    assert "its evaluate stage did not run" in (found.why or "")
    (alone,) = experiments()
    assert freshness.outdated("demo", alone) == (
        f"its evaluate stage did not run on what was made ({STATES})"
    )


def test_what_was_made_anew_since_and_not_evaluated_is_said(laboratory: Laboratory) -> None:
    """As by a repro that was stopped after embed."""
    states = laboratory.root / STATES
    states.parent.mkdir(parents=True)
    states.write_bytes(b"others")
    (note,) = lineup.fill("main", "demo", "strict").tables[0].notes
    assert note == f"what evaluate read has been made anew since ({STATES}): dvc repro"
    results = laboratory.root / "reports" / "results" / "demo" / "results.json"
    os.utime(states, (0, results.stat().st_mtime - 1))  # before evaluate, which has read it
    assert lineup.fill("main", "demo", "strict").tables[0].notes == ()
