"""`llmvs plan --videos`: what a corpus costs, what grows, and what does not fit."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stages import cli, params
from stages.errors import UserError
from stages.planning import accounts, cards, limits, plan, rates, workload
from stages.planning.estimate import Machine
from stages.planning.limits import Here

ENDLESS = Here(free=math.inf, files=math.inf, memory=math.inf)
ASKED = ["plan", "--videos", "1000000", "--seconds", "240", "--gpu", "h100", "--cards", "64"]


def planned(videos: int, seconds: float = 240, count: int = 64) -> plan.Plan:
    machine = Machine(cards.card("h100"), count, 0.4)
    corpus = workload.equal(videos, seconds)
    return plan.make(params.load(), "tvsum", params.recipe("tvsum"), 25, machine, corpus)


@pytest.fixture(scope="module")
def million() -> plan.Plan:
    return planned(1_000_000)


@pytest.mark.real_llm
def test_the_command_says_what_a_million_videos_cost() -> None:
    said = CliRunner().invoke(cli.app, ASKED, env={"COLUMNS": "160"})
    assert said.exit_code == 0, said.output
    words = " ".join(said.output.split())
    for part in (
        "64 × H100",
        "1,000,000 videos, 480,000,000 frames of 240 seconds each at 30 frames a second",
        "between the driver and 64 workers of a cluster",
        "keys and items, hours",
        "by the object store",
        "DVC's hashes and copies",
        "grows: train, with the square",
        "does not fit here: ",
    ):
        assert part in words


@pytest.mark.real_llm
def test_accounts_are_of_a_corpus_alone() -> None:
    said = CliRunner().invoke(cli.app, ["plan", "tvsum"], env={"COLUMNS": "160"})
    assert said.exit_code == 0, said.output
    assert "object store" not in said.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--videos", "0", "--seconds", "240"], "--videos 0: must be at least 1"),
        (["--videos", "-1", "--seconds", "240"], "--videos -1: must be at least 1"),
        (["--videos", "10", "--seconds", "0"], "--seconds 0: must be above 0"),
        (["--videos", "10", "--seconds", "-2"], "--seconds -2: must be above 0"),
        (["--videos", "10"], "--videos and --seconds go together"),
        (["tvsum", "--seconds", "10"], "--videos and --seconds go together"),
        (["--videos", "10", "--seconds", "9", "--gpu", "abacus"], "--gpu abacus: not known"),
        (["--videos", "10", "--seconds", "9", "--cards", "0"], "--cards 0: must be at least 1"),
        (["nowhere", "--videos", "10", "--seconds", "9"], "datasets has no 'nowhere'"),
        ([], "name an entry of params.yaml: datasets; or --videos and --seconds"),
    ],
)
def test_what_is_no_corpus_is_one_message(arguments: list[str], said: str) -> None:
    found = CliRunner().invoke(cli.app, ["plan", *arguments])
    assert isinstance(found.exception, UserError)
    assert said in str(found.exception)


@pytest.mark.real_llm
def test_a_million_videos_take_a_thousand_times_what_a_thousand_take(million: plan.Plan) -> None:
    thousand = planned(1000)
    for many, few in zip(million.costs, thousand.costs, strict=True):
        assert many.stage == few.stage
        assert many.operations == pytest.approx(1000 * few.operations)
        assert (many.weights, many.working) == (few.weights, few.working)
    disk = {kept.what: kept for kept in thousand.disk}
    for kept in million.disk:
        if kept.data:
            times = 1 if kept.what.startswith("checkpoints") else 1000
            assert kept.data == pytest.approx(times * disk[kept.what].data, rel=0.03)
    assert {"videos", "captions"} <= set(disk)


@pytest.mark.real_llm
def test_what_grows_with_a_videos_length_is_said(million: plan.Plan) -> None:
    said = "\n".join(limits.growth(million))
    assert "train, with the square of a video's length" in said
    assert "from 480 frames to twice as many, operations are 2.12 times as many" in said
    assert "1.8 MB for 480 frames" in said
    longer = "\n".join(limits.growth(planned(1000, seconds=24_000)))
    assert "from 48,000 frames to twice as many, operations are 3." in longer


@pytest.mark.real_llm
def test_what_does_not_fit_is_said_and_what_fits_is_not(million: plan.Plan) -> None:
    assert not list(limits.lacks(million, ENDLESS))
    (disk,) = limits.lacks(million, replace(ENDLESS, free=1e12))
    assert "TB on disk, of which 1.0 TB are free" in disk
    (files,) = limits.lacks(million, replace(ENDLESS, files=1e6))
    assert "488,000,060 files of the work store" in files
    found = list(limits.lacks(million, replace(ENDLESS, memory=5e9)))
    assert ["caption's" in found[0], "in flight" in found[1], "embed's" in found[2]] == [True] * 3
    assert not list(limits.lacks(planned(10), Here(free=1e12, files=1e6, memory=1e10)))


@pytest.mark.real_llm
def test_a_driver_slower_than_its_cards_is_said(million: plan.Plan) -> None:
    (said,) = [each for each in limits.waits(million) if each.startswith("caption")]
    assert "the cards wait for their driver" in said
    assert not list(limits.waits(planned(1000, count=1)))


@pytest.mark.real_llm
def test_captions_that_are_given_are_not_made(tmp_path: Path) -> None:
    machine = Machine(cards.card("h100"), 2, 0.4)
    recipe = params.recipe("summe-captions")
    corpus = workload.equal(100, 60)
    made = plan.make(params.load(), "summe-captions", recipe, 25, machine, corpus)
    assert [flow.stage for flow in made.flows] == ["embed", "train"]
    assert accounts.table(made)
    assert "videos" not in {kept.what for kept in made.disk}


def test_where_nothing_is_left_to_do_nothing_is_moved() -> None:
    settings = params.load()
    given = settings.datasets["tvsum"].model_copy(
        update={"sample": None, "caption": None, "embed": None, "train": None}
    )
    corpus = workload.equal(10, 10)
    machine = Machine(cards.card("h100"), 1, 0.4)
    made = plan.make(settings, "tvsum", given, 25, machine, corpus)
    assert not made.flows
    assert accounts.table(made)


@pytest.mark.real_llm
def test_a_stage_that_no_card_holds_has_no_hours() -> None:
    machine = Machine(cards.card("t4"), 1, 0.4)
    corpus = workload.equal(10, 10)
    made = plan.make(params.load(), "tvsum", params.recipe("tvsum"), 25, machine, corpus)
    assert math.isnan(limits.hours(made, "embed"))
    assert not [said for said in limits.waits(made) if said.startswith("embed")]


def test_the_document_has_the_constants_that_plans_are_made_with() -> None:
    text = (Path(plan.__file__).parent / "README.md").read_text(encoding="utf-8")
    for name, said in {
        "KEYED": f"{1000 * rates.KEYED:.2f} ms",
        "LAID_OUT": f"{1000 * rates.LAID_OUT:.2f} ms",
        "1 / SERIAL": f"{1 / rates.SERIAL:.0f} items/s",
        "1 / RAY": f"{1 / rates.RAY:.0f} items/s",
        "1 / PUT": f"{1 / rates.PUT:.0f} items/s",
        "1 / GOT": f"{round(1 / rates.GOT, -1):,.0f} items/s",
        "WRITTEN, READ": f"{rates.WRITTEN / 1e6:.0f}, {rates.READ / 1e6:.0f} MB/s",
        "CAPTIONED": f"{1000 * rates.CAPTIONED:.2f} ms",
        "EMBEDDED": f"{1000 * rates.EMBEDDED:.2f} ms",
        "COPIED": f"{rates.COPIED / 1e6:.0f} MB/s",
    }.items():
        assert f"| {name} | {said} |" in text


def test_this_machine_has_a_disk_and_memory(tmp_path: Path) -> None:
    here = Here.found(tmp_path)
    assert here.free > 0
    assert here.files > 0
    assert here.memory > 1e8
