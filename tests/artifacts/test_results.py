"""What evaluate measured: read back as it was written, or refused with the file named."""

import json
from pathlib import Path

import pytest

from stages.artifacts import results
from stages.artifacts.choosing import Choosing, EpochStep, Step
from stages.artifacts.results import File, Floor, ProtocolTable, Replies, Results, Shots, VideoMarks
from stages.artifacts.row import Against, Difference, Figure, Row, Sampled
from stages.errors import UserError

FILES = ("results.json", "per_video.csv")
MADE_BY = r"run the evaluate stage \(`dvc repro`"


def row(mean: float, **parts: object) -> Row:
    figure = Figure(mean=mean, low=0.0, high=0.5, spread=None, folds=(0.1, 0.3), fold_spread=0.1)
    return Row(title="A row", kind="model", tau=figure, rho=figure, f1=figure, **parts)


def measured() -> Results:
    difference = Difference(difference=-0.1, low=-0.2, high=0.0, p=0.04, holm=0.08)
    against = Against(row="llmvs", tau=difference, rho=difference, f1=difference)
    floor = Against(row="constant", tau=difference, rho=difference, f1=difference)
    of = row(0.2).tau
    at_picks = Sampled(tau=of, rho=of, biserial=of)
    return Results(
        dataset="d",
        title="A dataset",
        simulated=False,
        benchmark="SumMe",
        given="captions",
        shots=Shots(field=2),
        confidence=0.95,
        llm=Replies(replies=9, unparsed=1),
        files=(File(path="data/d/people.h5", sha256="ab" * 32),),
        protocols={
            "official": ProtocolTable(
                videos=1,
                flags=("One video.",),
                floor=Floor(tau=0.109, rho=0.121),
                rows={
                    "llmvs": row(0.2, deviation=0.1, collapsed=False, sampled=at_picks),
                    "mlp": row(
                        0.1, against=against, above_floor=floor, deviation=0.0005, collapsed=True
                    ),
                },
            ),
            "strict": ProtocolTable(videos=2, flags=(), rows={"llmvs": row(0.3)}),
        },
        choosing={
            "llmvs": Choosing(
                difference=Step(mean=-0.1, spread=0.01),
                videos=Step(mean=-0.2, spread=0.01),
                training=Step(mean=0.0, spread=0.02),
                epoch=EpochStep(mean=0.1, spread=0.01, low=0.1, high=0.2, others=None),
            ),
        },
    )


def by_video() -> results.ByVideo:
    marks = VideoMarks({"tau": 0.25, "rho": -0.5, "f1": 0.125}, 0.5)
    return {"official": {"llmvs": {"video_1": marks}, "mlp": {"video_1": marks}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results.write(tmp_path, measured(), by_video())
    return tmp_path


def test_tables_are_read_as_they_were_written(folder: Path) -> None:
    assert results.read(folder) == (measured(), by_video())


def test_the_first_protocol_is_the_headline(folder: Path) -> None:
    found, _ = results.read(folder)
    assert found.headline == "official"
    assert list(found.rows) == ["llmvs", "mlp"]
    assert found.videos == 2
    assert found.rows["mlp"].figure("tau").mean == 0.1


def test_what_newer_tables_have_besides_is_passed_over(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"weather": "fine"}
    path.write_text(json.dumps(document), encoding="utf-8")
    assert results.read(folder)[0] == measured()


def test_tables_of_before_the_steps_were_measured_are_read(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["choosing"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert results.read(folder)[0] == measured().model_copy(update={"choosing": None})


def test_a_dataset_of_one_video_has_no_interval(folder: Path) -> None:
    path = folder / "results.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"low": 0.0', '"low": null'))
    assert results.read(folder)[0].rows["llmvs"].tau.low is None


@pytest.mark.parametrize("name", FILES)
def test_a_missing_table_is_named_with_the_command_that_makes_it(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UserError, match=rf"{name} not found; {MADE_BY}"):
        results.read(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"a,b\n1,2\n"])
def test_a_damaged_table_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        results.read(folder)


def test_a_line_that_holds_no_number_is_named(folder: Path) -> None:
    path = folder / "per_video.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("0.25", "a quarter", 1))
    with pytest.raises(UserError, match=r"per_video\.csv: a line does not hold numbers.*quarter"):
        results.read(folder)


def test_results_of_no_protocol_are_refused(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"protocols": {}}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=r"results\.json: .*protocols"):
        results.read(folder)


def test_a_figure_that_is_missing_is_named_by_its_path(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["protocols"]["strict"]["rows"]["llmvs"]["rho"]["mean"]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=r"protocols\.strict\.rows\.llmvs\.rho\.mean"):
        results.read(folder)


def test_tables_made_before_rows_were_held_against_the_floor_are_read(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    for of in document["protocols"].values():
        for of_row in of["rows"].values():
            del of_row["above_floor"], of_row["sampled"]
    path.write_text(json.dumps(document), encoding="utf-8")
    found, _ = results.read(folder)
    assert found.rows["mlp"].above_floor is None
    assert found.rows["mlp"].sampled is None
    assert found.rows["mlp"].against is not None


def test_of_a_wrong_value_that_is_long_a_part_is_shown(folder: Path) -> None:
    path = folder / "results.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"title": list(range(1000))}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=r"title: input should be .*, got \[0, 1, 2.*…\)") as caught:
        results.read(folder)
    assert len(str(caught.value)) < 500


def test_a_rows_marks_are_what_was_put() -> None:
    one, other = (VideoMarks({"tau": tau, "rho": 0.1, "f1": 1 / 3}, 0.25) for tau in (0.7, -0.1))
    found = results.RowMarks([("video_2", one), ("video_1", one)])
    found.put("video_1", other)
    assert dict(found) == {"video_2": one, "video_1": other}
    assert "video_3" not in found
