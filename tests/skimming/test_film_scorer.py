"""What scores films: a head, a row that a recipe trained, or what learns nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from stages.artifacts import predictions
from stages.errors import UserError
from stages.llm.settings import Embed
from stages.scorers import checkpoints
from stages.scorers.mlp import Mlp
from stages.scorers.settings import MlpEntry
from stages.skimming import film_scorer, settings

ROOT = Path(__file__).parent.parent.parent
STATES = {name: torch.rand(7, 4, generator=torch.manual_seed(1)) for name in ("query", "answer")}


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    document = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    document["datasets"]["demo"]["train"]["scorer"]["width"] = 16
    write(document)
    return document


def write(document: Any) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")


def trained(protocol: str, seed: int, folds: int) -> list[Mlp]:
    """Rows of the demo as train keeps them."""
    entry = MlpEntry(title="MLP", kind="mlp", inputs=("query", "answer"), width=16)
    models = []
    for fold in range(folds):
        torch.manual_seed(10 * seed + fold)
        models.append(Mlp.build(entry, {"states": 4}))
        place = f"{predictions.place(protocol, seed, fold)}{checkpoints.SUFFIX}"
        checkpoints.save(Path("data/demo/checkpoints/mlp") / place, models[-1])
    return models


@pytest.mark.usefixtures("params")
def test_a_trained_row_is_the_mean_over_the_folds_of_its_first_protocol_and_seed() -> None:
    folds = trained("strict", 0, 3)
    trained("strict", 1, 3)
    trained("official", 0, 3)
    found = film_scorer.of("demo/mlp")
    wanted = torch.stack([model.scores(STATES) for model in folds]).mean(dim=0)
    assert found(STATES).tolist() == wanted.tolist()
    assert "as demo trained it: the mean of 3 folds under strict" in found.by
    assert film_scorer.llm("demo/mlp") == "smollm2-135m-instruct"


@pytest.mark.usefixtures("params")
def test_a_row_that_is_not_trained_says_how_to_train_it() -> None:
    with pytest.raises(UserError, match=r"dvc repro data/dvc\.yaml:train@demo-mlp"):
        film_scorer.of("demo/mlp")


def test_a_row_whose_folds_read_other_prompts_is_refused(params: Any) -> None:
    params["datasets"]["demo"]["embed"]["prompt"]["shown"]["source"] = "training"
    write(params)
    with pytest.raises(UserError, match="each fold reads prompts of its own"):
        film_scorer.of("demo/mlp")


def test_a_row_is_fed_what_its_recipe_feeds_it(params: Any) -> None:
    params["datasets"]["demo"]["train"]["models"]["mlp"] = {"inputs": ["image"]}
    write(params)
    folds = trained("strict", 0, 2)
    found = film_scorer.of("demo/mlp")
    assert found.inputs == ("image",)
    assert found.embed is None
    assert film_scorer.llm("demo/mlp") is None
    image = {"image": STATES["query"]}
    wanted = torch.stack([model.scores(image) for model in folds]).mean(dim=0)
    assert found(image | STATES).tolist() == wanted.tolist()


def test_embeddings_of_other_settings_are_refused_by_what_differs(params: Any) -> None:
    embed = params["datasets"]["tvsum-captions"]["embed"]
    head = film_scorer.of("blip-smollm2")
    head.check(Embed.model_validate(embed), "datasets.mine.embed")
    changed = Embed.model_validate(embed | {"window": 5})
    with pytest.raises(UserError, match=r"datasets\.mine\.embed: .*what differs: window"):
        head.check(changed, "datasets.mine.embed")


def test_what_learns_nothing_is_known_without_loading_it() -> None:
    found = film_scorer.of("representative")
    (model,) = found.models()
    assert found.contents == ((checkpoints.packed(model), model.version),)


def test_making_a_summary_of_pictures_imports_nothing_that_takes_seconds() -> None:
    asked = (
        "import sys; from stages import summarise, summarising; "
        "from stages.skimming import film_scorer; film_scorer.of('representative'); "
        "print([name for name in ('torch', 'transformers', 'matplotlib') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_looks_alone_need_no_llm() -> None:
    found = film_scorer.of("representative")
    assert found.embed is None
    assert film_scorer.llm("representative") is None
    scores_T = found({"image": STATES["query"], "query": STATES["query"]})
    assert scores_T.shape == (7,)


def test_a_row_of_pictures_needs_no_captions_and_one_of_sentences_is_refused(params: Any) -> None:
    rows = params["datasets"]["demo"]["train"]["models"]
    rows["mlp"] = {"inputs": ["image"]}
    write(params)
    assert settings.of("laptop", "demo/mlp").caption is None
    assert settings.of("offline", "demo/mlp").scorer == "demo/mlp"
    rows["mlp"] = {"inputs": ["image", "sentence"]}
    write(params)
    with pytest.raises(UserError, match="demo/mlp: is fed sentence, which nothing makes of films"):
        settings.of("laptop", "demo/mlp")


@pytest.mark.usefixtures("params")
def test_a_scorer_that_simulated_people_taught_says_so() -> None:
    trained("strict", 0, 2)
    assert film_scorer.of("demo/mlp").by.endswith("; it learnt from simulated people")
    assert "simulated" not in film_scorer.of("blip-smollm2").by


@pytest.mark.usefixtures("params")
def test_captions_of_another_than_it_learnt_from_are_pointed_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trained("strict", 0, 2)
    for scorer, theirs, ours, other in (
        ("demo/mlp", "demo", "laptop", "imagenet-tags"),
        ("blip-smollm2", "laptop", "demo", "Salesforce/blip-image-captioning-base"),
    ):
        found = film_scorer.of(scorer)
        assert found.among(settings.of(theirs, scorer).caption) == found.by
        assert caplog.text == ""
        said = found.among(settings.of(ours, scorer).caption)
        assert said == f"{found.by}; it learnt from captions by {other}"
        assert f"{scorer} learnt from captions by {other}" in caplog.text
        caplog.clear()


@pytest.mark.parametrize("datasets", [None, ["a"], "cifar10", {"a": 3}])
def test_params_of_another_project_have_no_recipe(
    datasets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write({"datasets": datasets})
    with pytest.raises(UserError, match="--recipe mine: there are laptop, offline"):
        settings.of("mine", "blip-smollm2")
