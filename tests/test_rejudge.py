"""evaluate's tables come out of its scores and annotations alone; what differs is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from test_evaluate import MODELS, VIDEOS, N, work  # noqa: F401
from typer.testing import CliRunner

from stages import rejudging, section
from stages.artifacts import (
    judged_scores,
    people,
    scores,
    timeline,
)
from stages.artifacts import results as results_file
from stages.artifacts.field import Annotated
from stages.artifacts.field import write as write_field
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.evaluate import evaluate
from stages.metrics import evidence, own_scores
from stages.metrics.panel import Rules
from stages.sources import demo
from stages.sources.settings import Download
from stages.splits.settings import Splits

OUT = Path("reports/results/demo")


@pytest.fixture
def evaluated(work: Path) -> Path:  # noqa: F811
    """What evaluate wrote in this folder; of what it read, the annotations alone are left.

    Shots were found by this project's own segmentation, so the annotations have none.
    """
    evaluate(dataset="demo", data=work / "demo", out=OUT)
    places = Places(Path("demo"))
    known = timeline.read(places.timeline)
    bare = tuple(Video.sampled(one.name, one.title, N) for one in known.videos)
    timeline.write(places.source / "timeline.h5", Timeline("demo", bare))
    for gone in (places.timeline, places.captions):
        gone.unlink()
    for folder in (places.inputs, places.folder / "predictions", places.folder / "curves"):
        shutil.rmtree(folder)
    return OUT


def again() -> rejudging.Comparison:
    measured = rejudging.measure("demo", OUT, data=Path())
    return rejudging.compare(measured, OUT)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_tables_come_out_digit_for_digit_without_models_or_embeddings(evaluated: Path) -> None:
    measured = rejudging.measure("demo", evaluated, data=Path())
    kept = {name: (evaluated / name).read_bytes() for name in ("results.json", "per_video.csv")}
    saved = results_file.read(evaluated)[0]
    rejudged = measured.results.model_copy(update={"choosing": saved.choosing})
    results_file.write(Path("anew"), rejudged, measured.by_video)
    assert {name: (Path("anew") / name).read_bytes() for name in kept} == kept
    assert measured.means == json.loads((evaluated / "metrics.json").read_text())
    found = rejudging.compare(measured, evaluated)
    assert found.differences == ()
    assert found.deviation == 0
    # A row has, of three marks, 7 figures (two folds), and 5 against llmvs; most are trained.
    assert found.figures > 2 * 6 * 3 * 7


def test_what_is_read_back_is_what_evaluate_measured(work: Path) -> None:  # noqa: F811
    evaluate(dataset="demo", data=work / "demo", out=OUT)
    params = yaml.safe_load(Path("params.yaml").read_text())["datasets"]["demo"]
    found = evidence.read(
        Places(Path("demo")), "videos", MODELS, Splits.model_validate(params["splits"]),
        Rules("scores", "mean", 0.15),
    )  # fmt: skip
    read = judged_scores.read(OUT / "scores.h5")
    head = read.about.model_dump(exclude={"videos", "protocols"})
    titles = {name: read.about.protocols["strict"].rows[name].title for name in MODELS}
    gathered = own_scores.gather(found, titles, head)
    assert gathered.about == read.about
    for protocol, rows in gathered.scores.items():
        for name, videos in rows.items():
            for video, x_RCT in videos.items():
                np.testing.assert_array_equal(read.scores[protocol][name][video], x_RCT)


def test_the_file_names_recipe_splits_seeds_and_what_was_read(evaluated: Path) -> None:
    with h5py.File(evaluated / "scores.h5") as file:
        about: dict[str, Any] = json.loads(file["about"][()])
        assert list(file["official"]) == [*MODELS, "zero-shot"]
    assert (about["version"], about["dataset"], about["given"]) == (1, "demo", "videos")
    assert about["evaluate"]["random_seeds"] == 5
    assert about["files"] == json.loads((evaluated / "results.json").read_text())["files"]
    assert about["protocols"]["official"]["splits"] == [list(VIDEOS[:2]), list(VIDEOS[1:3])]
    assert about["protocols"]["strict"]["rows"]["llmvs"] == {
        "title": "LLMVS (q + a)", "kind": "model", "seeds": ["seed_0", "seed_1"], "by_split": False,
    }  # fmt: skip


def test_the_command_prints_tables_and_how_many_figures_were_compared(evaluated: Path) -> None:
    done = CliRunner().invoke(app, ["rejudge", "demo", "--data", "."], catch_exceptions=False)
    assert done.exit_code == 0
    said = " ".join(done.stdout.split())
    for part in ("protocol strict", "protocol official", "LLMVS (q + a)", "SIMULATED"):
        assert part in said
    found = again()
    assert f"{found.figures:,} figures and {found.others:,} other values of results.json" in said
    assert "0 differ, the largest deviation is 0" in said


def test_figures_that_differ_are_named_and_end_the_command_with_an_error(evaluated: Path) -> None:
    results = json.loads((evaluated / "results.json").read_text())
    figure = results["protocols"]["strict"]["rows"]["llmvs"]["tau"]
    figure["mean"] = round(figure["mean"] + 0.25, 6)
    results["protocols"]["official"]["flags"][0] = "All is well."
    (evaluated / "results.json").write_text(json.dumps(results))
    found = again()
    assert [one.place for one in found.differences] == [
        ("results.json", "protocols", "strict", "rows", "llmvs", "tau", "mean"),
        ("results.json", "protocols", "official", "flags", "0"),
    ]
    assert found.deviation == pytest.approx(0.25)
    with pytest.raises(UserError) as refused:
        CliRunner().invoke(app, ["rejudge", "demo", "--data", "."], catch_exceptions=False)
    first, *named = str(refused.value).splitlines()
    assert first.startswith(f"{OUT}: its tables do not come out of its scores")
    assert named[0].startswith(f"protocols.strict.rows.llmvs.tau.mean: {figure['mean']} saved, ")
    assert named[1].startswith("protocols.official.flags.0: 'All is well.' saved, ")


def test_a_single_score_that_differs_is_found(evaluated: Path) -> None:
    with h5py.File(evaluated / "scores.h5", "a") as file:
        numbers = file["strict/llmvs"]
        numbers[0, :20] = numbers[0, :20][::-1]
    said = [one.said.rpartition(": ")[0] for one in again().differences]
    assert "protocols.strict.rows.llmvs.tau.mean" in said
    assert "per_video.csv: strict.llmvs.video_1.tau" in said
    assert not any("mlp.tau.mean" in one or "official" in one for one in said)
    with pytest.raises(UserError, match=r"and \d+ more$"):
        again().refuse_differences()


def test_a_row_that_is_gone_differs(evaluated: Path) -> None:
    results = json.loads((evaluated / "results.json").read_text())
    del results["protocols"]["strict"]["rows"]["random"]
    (evaluated / "results.json").write_text(json.dumps(results))
    with pytest.raises(UserError, match=r"rows\.random\.title: nothing saved, 'Random"):
        again().refuse_differences()


def test_a_row_whose_name_holds_a_dot_is_one_row(evaluated: Path) -> None:
    results = json.loads((evaluated / "results.json").read_text())
    rows = results["protocols"]["strict"]["rows"]
    rows["mine.choosing"] = rows["random"]
    (evaluated / "results.json").write_text(json.dumps(results))
    with pytest.raises(
        UserError, match=r"rows\.mine\.choosing\.title: 'Random.* saved, nothing anew"
    ):
        again().refuse_differences()


def test_what_rests_on_curves_is_left_aside_and_counted(evaluated: Path) -> None:
    found = again()
    assert found.aside > 9 * 3  # a row's steps, of nine rows
    assert f"({found.aside} that rest on learning curves were left aside)" in found.said
    results = json.loads((evaluated / "results.json").read_text())
    results["choosing"]["llmvs"]["difference"]["mean"] += 1
    (evaluated / "results.json").write_text(json.dumps(results))
    assert again() == found


def test_annotations_of_other_lengths_or_videos_are_refused(evaluated: Path) -> None:
    places = Places(Path("demo"))
    known = timeline.read(places.source / "timeline.h5")
    said = people.read(places.people, known)
    shots = np.array([[0, N - 1]])

    def named(videos: tuple[Video, ...]) -> Path:
        of = {video.name for video in videos}
        judged = tuple(one for one in said.videos if one.name in of)
        shown = tuple(video.with_shots(shots, "annotations") for video in videos)
        kept = people.People("demo", True, judged)
        write_field(Path("other.h5"), Annotated(Timeline("demo", shown), kept))
        return Path("other.h5")

    fewer = named(known.videos[1:])
    with pytest.raises(UserError, match=r"4 videos and the annotations of 3; one has video_1, wh"):
        rejudging.measure("demo", OUT, people=fewer)
    with h5py.File(OUT / "scores.h5", "a") as file:
        about = json.loads(file["about"][()])
        about["videos"][0]["n_frames"] = N - 1
        del file["about"]
        file["about"] = json.dumps(about)
    with pytest.raises(UserError, match=r"video_1 \(video_1\) was judged as 299 frames, 20 sam"):
        rejudging.measure("demo", OUT, people=named(known.videos))


def test_a_video_judged_without_its_last_frames_is_judged_so_again(work: Path) -> None:  # noqa: F811
    places = Places(Path("demo"))
    known = timeline.read(places.timeline)
    first, *others = known.videos
    timeline.write(places.timeline, Timeline("demo", (first.ending_at(N - 3), *others)))
    evaluate(dataset="demo", data=work / "demo", out=OUT)
    about = judged_scores.read(OUT / "scores.h5").about
    assert [video.cut for video in about.videos] == [3] + [0] * len(others)
    with h5py.File(OUT / "scores.h5") as file:
        assert bytes(file["about"][()]).count(b'"cut"') == 1
    write_field(Path("other.h5"), Annotated(known, people.read(places.people, known)))
    measured = rejudging.measure("demo", OUT, people=Path("other.h5"))
    assert rejudging.compare(measured, OUT).differences == ()


def test_a_video_that_nobody_judged_is_no_obstacle(evaluated: Path) -> None:
    places = Places(Path("demo"))
    known = timeline.read(places.source / "timeline.h5")
    said = people.read(places.people, known)
    unjudged = replace(known.videos[0], name="video_99")
    found = Annotated(Timeline("demo", (*known.videos, unjudged)), said)
    path = evaluated / "scores.h5"
    fitted = rejudging._fitted(found, judged_scores.read(path).about, path)
    assert fitted.timeline.names == known.names


def test_scores_and_tables_of_two_runs_are_refused(evaluated: Path) -> None:
    results = json.loads((evaluated / "results.json").read_text())
    results["files"][0]["sha256"] = "0" * 64
    (evaluated / "results.json").write_text(json.dumps(results))
    with pytest.raises(UserError, match=r"are of two runs of evaluate, .* another .*timeline\.h5"):
        again()


def test_another_datasets_scores_are_refused(evaluated: Path) -> None:
    with pytest.raises(UserError, match=r"scores\.h5: is of demo, not of summe; name that one"):
        rejudging.measure("summe", evaluated)


def test_a_folder_without_scores_names_the_stage_that_makes_them(evaluated: Path) -> None:
    (evaluated / "scores.h5").unlink()
    with pytest.raises(UserError, match=r"scores\.h5 not found; run the evaluate stage"):
        again()


def test_without_annotations_it_is_said_how_to_name_them(evaluated: Path) -> None:
    with pytest.raises(UserError, match=r"people\.h5: not here.*--people"):
        rejudging.measure("demo", evaluated, data=Path("nowhere"))


@pytest.mark.parametrize("agreement", ["scores", "summary"])
def test_the_demos_people_made_anew_give_its_tables_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreement: str
) -> None:
    """Scores that were given, in float64, of a dataset in which nothing was trained."""
    params = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text())
    recipe = params["datasets"]["demo"]
    recipe["evaluate"].update(random_seeds=3, bootstrap=100, agreement=agreement)
    recipe["given"] = {"kind": "scores", "rows": {"mine": "mine.json"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    places = Places(Path("data/demo"))
    download: Any = section.lookup(Download, "datasets", "demo", "download")
    demo.make("demo", download, places.source, videos=False)
    shutil.copy(places.source / "timeline.h5", places.timeline)
    random, known = np.random.default_rng(0), timeline.read(places.timeline)
    mine = {video.name: random.random(len(video.picks_T)) for video in known.videos}
    scores.write(places.scores, {"mine": mine})
    evaluate(dataset="demo", data=places.folder, out=OUT)
    shutil.rmtree("data")
    demo.make("demo", download, places.source, videos=False)
    found = rejudging.compare(rejudging.measure("demo", OUT), OUT)
    assert (found.differences, found.deviation) == ((), 0)
