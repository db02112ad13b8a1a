import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import params, section
from stages.errors import UserError
from stages.finetuning import asked
from stages.splits.settings import Splits
from stages.training.settings import Train

ROOT = Path(__file__).parent.parent


@pytest.fixture
def document() -> Any:
    return copy.deepcopy(yaml.safe_load((ROOT / "params.yaml").read_text()))


def put(document: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        document = document[name]
    document[last] = value


def test_the_shipped_file_is_valid() -> None:
    settings = params.load(ROOT / "params.yaml")
    assert set(settings.run.datasets) <= set(settings.datasets)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("datasets.demo.train.lr", -1, "datasets.demo.train.lr: must be > 0, got -1"),
        ("models.llmvs.dropout", 1, "models.llmvs.global-attention.dropout: must be < 1, got 1"),
        ("models.llmvs.kind", "attention", "models.llmvs: "),
        ("models.mlp.layers", 2, "models.mlp.mlp.layers: unknown key"),
        ("models.llmvs.inputs", [], "models.llmvs.global-attention.inputs: "),
        ("datasets.demo.splits.protocols", ["strict", "strict"], "protocols names one twice"),
        ("datasets.demo.embed.dtype", "auto", "datasets.demo.embed.dtype: "),
        ("datasets.demo.given", {"kind": "words"}, "datasets.demo.given: "),
        ("datasets.demo.benchmark", "SumMee", "datasets.demo.benchmark: "),
        ("datasets.demo.simulated", False, "simulated must be true for the demo"),
        ("datasets.demo.train.learning_rate", 1, "datasets.demo.train.learning_rate: unknown key"),
        ("datasets.demo.train.lr", "fast", "datasets.demo.train.lr: input should be a valid nu"),
        ("datasets.demo.embed.window", 6, "datasets.demo.embed.window: a window must be odd"),
        ("datasets.demo.sentences.window", 4, "datasets.demo.sentences.window: a window must be"),
        ("datasets.demo.embed.prompt.query", "{window}", "must contain the placeholder {caption}"),
        ("datasets.demo.embed.prompt.answer", "score", "must contain the placeholder {score}"),
        ("datasets.demo.embed.layer", "head", "datasets.demo.embed.layer: "),
        ("datasets.demo.embed.prompt.shown.count", 4, "count asks for 4 examples, and 3 are"),
        ("datasets.summe.caption.describe", ["general", "general"], "names a prompt twice"),
        ("datasets.summe.caption.answer", "score", "answer must contain the placeholder {score}"),
        ("datasets.summe.caption.prompts.centre", "<image>\nWhat?", "must not hold <image>"),
        ("datasets.summe.caption.prompts.centre", "<image>", "caption.llava.prompts.centre: must"),
        ("datasets.summe.caption.framing", "squash", "caption.llava.framing: input should be 'pad"),
        ("datasets.demo.caption.framing", "pad", "imagenet-tags.framing: unknown key"),
        ("datasets.summe.caption.scale", [5, 5], "must be [lowest, highest], rising, got [5, 5]"),
        ("models.llmvs.heads", 3, "width 2048 must be a multiple of heads 3"),
        ("datasets.demo.train.lr", float("nan"), "datasets.demo.train.lr: "),
        ("datasets.demo.train.seeds", [0, 0], "datasets.demo.train.seeds: names one twice"),
        ("datasets.summe.evaluate.beyond", 1, "beyond: goes with people's scores alone"),
        ("run.models", ["lmvs"], "run.models: no entry 'lmvs' under models"),
        ("run.datasets", [], "run.datasets: "),
        ("datasets.summe.finetune.rows", ["zero-shot"], "datasets.summe.finetune.rows.0: "),
        ("datasets.summe.finetune.rows", ["direct*"] * 2, "finetune: rows names one twice"),
        ("datasets.summe.finetune.lora.rank", 0, "finetune.lora.rank: must be > 0, got 0"),
        ("datasets.summe.finetune.lora.dropout", 1, "finetune.lora.dropout: must be < 1, got 1"),
        ("datasets.summe.finetune.lora.modules", [], "datasets.summe.finetune.lora.modules: "),
        ("datasets.summe.finetune.embed", {"windw": 3}, "finetune.embed.windw: unknown key"),
        (
            "datasets.summe.finetune.embed",
            {"prompt": {"shown": {"count": 4}}},
            "summe.finetune.embed.prompt: shown.count asks for 4 examples, and 3 are written",
        ),
        ("datasets.summe.finetune.caption", {"scale": [2, 1]}, "finetune.caption.scale: must be"),
        (
            "datasets.summe-captions.finetune.rows",
            ["direct*"],
            "finetune.rows: direct* is of a captioner that can be asked, and",
        ),
        ("datasets.mrhisum.features.pool5", None, "names no file, and features alone are given"),
        ("datasets.mrhisum.train.validation", 0.2, "has validation videos of its own; set 0"),
        ("datasets.mrhisum-videos.download.metadata", None, "so name their folder as videos"),
        ("datasets.mrhisum.splits.folds", 5, "a published split is one: protocols [fixed]"),
        ("datasets.mrhisum.evaluate.agreement", "summary", "highlights: are found by people's"),
        (
            "datasets.summe.splits.protocols",
            ["official"],
            "finetune.protocols: names strict, which is not among splits.protocols",
        ),
    ],
)
def test_a_wrong_value_is_named_by_its_path(
    document: Any, path: str, value: Any, message: str
) -> None:
    put(document, path, value)
    with pytest.raises(UserError) as caught:
        params.parse(document)
    assert message in str(caught.value)
    assert str(caught.value).startswith("params.yaml: ")


@pytest.mark.parametrize("name", ["human", "constant", "zero-shot"])
def test_a_row_has_no_name_of_those_that_stand_beside_it(document: Any, name: str) -> None:
    recipe = document["datasets"]["demo"]
    for stage in ("sample", "caption", "embed", "train", "sentences", "features", "finetune"):
        recipe.pop(stage, None)
    recipe["given"] = {"kind": "scores", "rows": {"mine": "scores.json"}}
    params.parse(document)
    recipe["given"]["rows"][name] = "scores.json"
    with pytest.raises(UserError, match=rf"datasets\.demo\.given\.rows: {name} is the name of"):
        params.parse(document)
    del recipe["given"]["rows"][name]
    document["models"][name] = document["models"]["llmvs"]
    with pytest.raises(UserError, match=rf"models: {name} is the name of a row"):
        params.parse(document)


def test_no_video_that_is_set_aside_is_shown_as_an_example(document: Any) -> None:
    put(document, "datasets.demo.train.validation", 0.2)
    params.parse(document)
    put(document, "datasets.demo.embed.prompt.shown.source", "training")
    with pytest.raises(UserError, match=r"datasets\.demo: train\.validation: examples are drawn"):
        params.parse(document)


def test_every_bad_key_is_named_at_once(document: Any) -> None:
    put(document, "datasets.demo.train.lr", 0)
    put(document, "datasets.demo.train.epocs", 3)
    with pytest.raises(UserError) as caught:
        params.parse(document)
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_section_is_named(document: Any) -> None:
    del document["datasets"]["demo"]["caption"]
    with pytest.raises(UserError, match=r"datasets\.demo: caption is missing.* given videos"):
        params.parse(document)
    del document["datasets"]["demo"]["splits"]
    with pytest.raises(UserError, match=r"datasets\.demo\.splits: is missing"):
        params.parse(document)


@pytest.mark.parametrize(
    ("given", "stages"),
    [
        ({"kind": "captions", "source": "a.json"}, ("embed", "train")),
        ({"kind": "embeddings", "query": "q.h5", "answer": "a.h5"}, ("train",)),
        ({"kind": "features"}, ("train",)),
        ({"kind": "scores", "rows": {"mine": "a.json"}}, ()),
    ],
)
def test_a_recipe_has_the_sections_that_follow_what_is_given(
    document: Any, given: Any, stages: tuple[str, ...]
) -> None:
    demo = document["datasets"]["demo"]
    demo["given"] = given
    with pytest.raises(UserError, match="has a section sample, but"):
        params.parse(document)
    for stage in ("sample", "caption", "embed", "train"):
        if stage not in stages:
            del demo[stage]
    if given["kind"] != "captions":
        with pytest.raises(UserError, match="a section sentences, which wants videos or captions"):
            params.parse(document)
        del demo["sentences"]
    if given["kind"] == "features":
        demo["features"] = {"pool5": "mine.h5"}
    recipe = params.parse(document).datasets["demo"]
    assert recipe.given.kind == given["kind"]
    for stage in stages:
        missing = copy.deepcopy(document)
        del missing["datasets"]["demo"][stage]
        with pytest.raises(UserError, match=f"{stage} is missing"):
            params.parse(missing)


def test_films_stand_among_the_datasets_and_are_not_judged(document: Any) -> None:
    settings = params.parse(document)
    assert list(settings.films) == ["films"]
    assert "films" not in settings.datasets
    document["run"].update(datasets=[], summarise=["films"])
    assert params.parse(document).run.summarise == ("films",)
    document["run"].update(datasets=["films"])
    with pytest.raises(UserError, match=r"nobody judged the films of films.* run\.summarise"):
        params.parse(document)


@pytest.mark.parametrize(("said", "length"), [("1:30", "90s"), ("90", "90s"), ("15%", "15%")])
def test_a_length_may_be_written_as_yaml_takes_for_a_number(said: str, length: str) -> None:
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"]["films"]["skim"]["length"] = yaml.safe_load(said)
    assert params.parse(document).films["films"].skim.length == length


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("run.summarise", ["demo"], "run.summarise: no entry 'demo' under datasets (has films)"),
        ("datasets.films.sample.every", 0, "datasets.films.sample.every: must be > 0, got 0"),
        ("datasets.films.skim.length", "150%", "datasets.films.skim.length: length 150%: expected"),
        ("datasets.films.skim.length", 15, "length 15: of what? 15% of the film, or 15s"),
        ("datasets.films.skim.length", 0.15, "length 0.15: of what? 0.15% of the film, or 0.15s"),
        ("datasets.films.train", {}, "datasets.films.train: unknown key"),
        ("datasets.films.score.scorer", "representative", "representative looks at pictures alone"),
        ("datasets.films.score.scorer", "demo/llm", "demo/llm is not trained here"),
        ("datasets.films.embed", None, "needs both caption and embed, or neither"),
        ("datasets.films.embed.prompt.shown.source", "training", "no training videos here"),
        ("films", {}, "films: "),
    ],
)
def test_what_is_wrong_with_films_is_named_by_its_path(
    document: Any, path: str, value: Any, message: str
) -> None:
    document["run"]["summarise"] = ["films"]
    params.parse(document)
    put(document, path, value)
    with pytest.raises(UserError) as caught:
        params.parse(document)
    assert message in str(caught.value)
    assert str(caught.value).startswith("params.yaml: ")


def test_films_have_no_recipe_of_what_is_judged() -> None:
    with pytest.raises(UserError, match=r"datasets\.films: nobody judged these films"):
        params.recipe("films", ROOT / "params.yaml")
    assert params.films("films", ROOT / "params.yaml").download.source == "films"


def test_captions_come_from_a_file_or_from_an_address_with_its_checksum(document: Any) -> None:
    given = document["datasets"]["summe-captions"]["given"]
    given["sha256"] = None
    with pytest.raises(UserError, match="captions fetched from a url need their sha256"):
        params.parse(document)
    given["url"] = None
    with pytest.raises(UserError, match="neither as source nor as url"):
        params.parse(document)
    given["source"] = "captions.json"
    params.parse(document)


def test_a_stage_reads_its_own_section_alone(tmp_path: Path, document: Any) -> None:
    document["datasets"]["demo"]["train"]["lr"] = "fast"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    path = tmp_path / "params.yaml"
    assert section.lookup(Splits, "datasets", "demo", "splits", path=path).folds == 5
    with pytest.raises(UserError, match=r"params\.yaml: datasets\.demo\.train\.lr: input should"):
        section.lookup(Train, "datasets", "demo", "train", path=path)
    with pytest.raises(UserError, match=r"datasets\.demo has no 'trian' \(has "):
        section.lookup(Train, "datasets", "demo", "trian", path=path)


def test_settings_cannot_be_changed_after_reading() -> None:
    settings = params.load(ROOT / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        settings.datasets["demo"].train.lr = 1.0  # type: ignore[misc]


def test_a_file_that_is_absent_or_not_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not found"):
        params.load(tmp_path / "params.yaml")
    for text in ("run: [", "run: \x01", "- run", "run: 2024-13-45", "run: !!int a", "[" * 3000):
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(UserError, match="not valid YAML"):
            params.load(tmp_path / "params.yaml")


def test_a_key_that_is_said_twice_is_named_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    head, models, rest = text.partition("\n  models: ")
    path.write_text(f"{head}\n  models: [llmvs]{models}{rest}")
    line = head.count("\n") + 2
    with pytest.raises(UserError, match=rf"run\.models stands on line {line} and again on line"):
        params.load(path)
    path.write_text("a: &a\n  x: 1\nb: [*a, *a, {x: 2}]\nc: {<<: *a, x: 3}\n")
    assert section.document(path) == {
        "a": {"x": 1}, "b": [{"x": 1}, {"x": 1}, {"x": 2}], "c": {"x": 3},
    }  # fmt: skip


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(UserError, match=r"datasets has no 'dmeo' \(has demo"):
        params.recipe("dmeo", ROOT / "params.yaml")


SUMMARY = "datasets.demo.embed.prompt"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (f"{SUMMARY}.summary", None, "needs the words under prompt.summary"),
        (
            f"{SUMMARY}.summary.answer",
            "so",
            "summary.answer must contain the placeholder {summary}",
        ),
        (f"{SUMMARY}.shown.source", "training", "people wrote no summaries"),
    ],
)
def test_asking_for_summaries_needs_what_it_shows(
    document: Any, path: str, value: Any, message: str
) -> None:
    put(document, f"{SUMMARY}.task", "summary")
    params.parse(document)
    put(document, path, value)
    with pytest.raises(UserError, match=message):
        params.parse(document)


def test_a_summary_is_needed_of_every_example_that_is_shown(document: Any) -> None:
    put(document, f"{SUMMARY}.task", "summary")
    document["datasets"]["demo"]["embed"]["prompt"]["examples"][2].pop("summary")
    with pytest.raises(UserError, match=r"needs examples\.2\.summary"):
        params.parse(document)
    put(document, f"{SUMMARY}.shown.count", 0)
    params.parse(document)


def test_what_is_asked_while_a_model_is_tuned_differs_by_what_finetune_says_alone(
    document: Any,
) -> None:
    put(document, "datasets.summe-captions.embed.prompt.task", "summary")
    recipe = params.parse(document).datasets["summe-captions"]
    assert recipe.embed is not None
    assert recipe.finetune is not None
    found = asked.embed(recipe.finetune, recipe.embed, "summe-captions")
    assert found.prompt.task == "score", "people gave scores, and no summaries"
    assert found.prompt.shown.count == 0
    assert found.also == ()
    same = found.prompt.model_copy(update={"task": "summary", "shown": recipe.embed.prompt.shown})
    assert found.model_copy(update={"prompt": same, "also": recipe.embed.also}) == recipe.embed
