"""What a recipe will cost, beside arithmetic done by hand and torch's own count of operations."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tiny_llava
import tiny_llms
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForImageTextToText
from typer.testing import CliRunner

from stages import cli, params, section
from stages.captioners import llava
from stages.errors import UserError
from stages.llm import weights
from stages.params import Recipe
from stages.planning import cards, estimate, plan, scorer, workload
from stages.planning.estimate import Machine
from stages.planning.sheet import _precision
from stages.scorers import registry
from stages.scorers.head import STATES
from stages.scorers.settings import overridden
from stages.work import architecture

LLAVA, LLAMA = "llava-hf/llava-1.5-7b-hf", "meta-llama/Llama-2-13b-chat-hf"
H100 = Machine(cards.card("h100"), 1, 0.4)


def language(name: str = LLAMA) -> architecture.Decoder:
    config = architecture.configuration(name, None, weights.KIND, None)
    return architecture.language(name, config)


def multimodal(name: str = LLAVA) -> tuple[architecture.Decoder, architecture.Vision]:
    return architecture.multimodal(name, architecture.configuration(name, None, llava.KIND, None))


def made(dataset: str, machine: Machine = H100) -> plan.Plan:
    return plan.make(params.load(), dataset, params.recipe(dataset), 25, machine)


def test_the_recipes_models_have_as_many_parameters_as_published() -> None:
    assert language().parameters == 13_015_864_320
    assert multimodal()[0].parameters == 7_063_427_072


def test_llama_2_13b_by_hand() -> None:
    found = language()
    assert found.layer_weights == 40 * (4 * 5120**2 + 3 * 5120 * 13824)
    assert found.head_weights == 5120 * 32000
    assert found.cached_values == 2 * 40 * 5120
    products = 2 * 220 * found.layer_weights
    attention = 4 * 40 * 5120 * (220 * 700 + 220 * 221 / 2)
    assert found.operations(220, 700) == products + attention
    assert found.operations(220, 700, answers=3) - found.operations(220, 700) == 6 * 5120 * 32000


@pytest.mark.parametrize("family", ["llama, grouped heads", "qwen2, biases", "mistral"])
def test_operations_are_those_that_torch_counts(family: str) -> None:
    model = tiny_llms.causal_lm(tiny_llms.CONFIGS[family])
    model.set_attn_implementation("eager")
    found = architecture.language(family, model.config)
    length = 23
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.ones(1, length, dtype=torch.long))
    # Plain attention computes the half above the diagonal too.
    above = length * length - length * (length + 1) / 2
    idle = 4 * found.layers * found.heads * found.head_width * above
    expected = found.operations(length, 0, answers=length) + idle
    # Beside them torch counts the table of rotary positions, a product of the head's width.
    assert counter.get_total_flops() == pytest.approx(expected, rel=1e-3)


def test_an_images_operations_are_those_that_torch_counts(tmp_path: Path) -> None:
    tiny_llava.save_llava(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path, attn_implementation="eager")
    _, vision = architecture.multimodal("tiny", model.config)
    side = model.config.vision_config.image_size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.get_image_features(
            torch.zeros(1, 3, side, side),
            vision_feature_layer=model.config.vision_feature_layer,
            vision_feature_select_strategy="default",
        )
    assert vision.tokens == (side // model.config.vision_config.patch_size) ** 2
    assert vision.operations == counter.get_total_flops()


@pytest.mark.real_llm
def test_blip_is_no_small_classifier_and_has_its_hours_and_weights_said() -> None:
    document = section.document()
    films = document["datasets"]["films"]
    document["datasets"]["tvsum"]["caption"] = films["caption"]
    document["datasets"]["tvsum"]["embed"] = films["embed"]
    settings = params.parse(document)
    found = plan.make(settings, "tvsum", settings.datasets["tvsum"], 12, H100)
    (said,) = [note for note in found.notes if note.startswith("caption: ")]
    assert (
        "Salesforce/blip-image-captioning-base, a caption a frame: about 18 hours on two CPU"
        in said
    )
    assert 990e6 in [kept.models for kept in found.disk]


def test_frames_are_those_of_the_annotations() -> None:
    assert workload.frames("summe", params.recipe("summe")).total == 7336
    tvsum = workload.frames("tvsum", params.recipe("tvsum"))
    assert (tvsum.videos, tvsum.total) == (50, 23510)
    assert (707, 1) in tvsum.lengths  # 10597 frames, every 15th


@pytest.mark.real_llm
def test_on_an_h100_both_stages_fit_and_hours_follow_from_the_rate() -> None:
    found = made("tvsum")
    caption, embed, _ = found.costs
    assert found.fits
    assert (caption.weights, embed.weights) == (2 * 7_063_427_072, 2 * 13_015_864_320)
    # Reading is bound by products: 40 % of 989 TFLOP/s, and what is written comes on top.
    least = embed.operations / (0.4 * 989e12)
    assert least < embed.seconds < 1.3 * least
    prompt = found.prompt
    assert prompt is not None
    own = prompt.query + prompt.draft
    by_hand = 23510 * language().operations(own, prompt.prefix)
    assert by_hand < embed.operations < 1.05 * by_hand


@pytest.mark.real_llm
def test_what_does_not_fit_is_said_with_what_would() -> None:
    found = made("tvsum", Machine(cards.card("4090"), 1, 0.4))
    caption, embed, _ = found.costs
    assert caption.fits
    assert caption.at_once < 32
    assert not embed.fits
    assert any("embed does not fit: 2 such cards" in note for note in found.notes)
    assert any("halves, or lower caption.batch" in note for note in found.notes)
    two = made("tvsum", Machine(cards.card("4090"), 2, 0.4))
    assert two.fits


@pytest.mark.real_llm
def test_what_stages_make_is_reckoned_with_dvcs_copy_and_what_the_work_store_keeps() -> None:
    disk = {each.what: each for each in made("tvsum").disk}
    frames, embeddings = disk["frames"], disk["embeddings"]
    states = 23510 * 2 * 4 * 5120
    assert (embeddings.work, embeddings.data, embeddings.cache) == (states, states, states)
    assert frames.work == frames.data == frames.cache > 0
    assert disk[f"weights of {LLAMA}"].size == 2 * 13_015_864_320
    # Of the laptop's recipe the work store keeps two further readouts.
    kept = {each.what: each for each in made("summe-captions").disk}["embeddings"]
    assert kept.work == 3 * kept.data


def given(**of_given: object) -> Recipe:
    """TVSum's recipe as it is where something other than videos is given."""
    kind = str(of_given["kind"])
    document = params.recipe("tvsum").model_dump(mode="json")
    left_out = set(params.BEGINS["videos"]) - set(params.BEGINS[kind])
    left_out |= {stage for stage, kinds in params.MAY_HAVE.items() if kind not in kinds}
    kept = {stage: section for stage, section in document.items() if stage not in left_out}
    return Recipe.model_validate(kept | {"given": of_given})


@pytest.mark.real_llm
def test_a_recipe_of_captions_costs_reading_and_training_alone() -> None:
    found = made("summe-captions")
    assert [cost.stage for cost in found.costs] == ["embed", "train"]
    assert found.frames.total == 7336
    kept = {each.what for each in found.disk}
    assert not kept & {"frames", "archive, and videos out of it"}
    assert any("embed: in float32" in note for note in found.notes)
    said = CliRunner().invoke(cli.app, ["plan", "summe-captions"])
    assert said.exit_code == 0, said.output
    assert "captions are given" in " ".join(said.output.split())


def test_given_embeddings_cost_training_once_their_width_is_known(tmp_path: Path) -> None:
    path = tmp_path / "query.h5"
    recipe = given(kind="embeddings", query=str(path), answer=str(path))
    unknown = plan.make(params.load(), "tvsum", recipe, 25, H100)
    assert not unknown.costs
    assert any(f"is known once {path} is here" in note for note in unknown.notes)
    with h5py.File(path, "w") as file:
        file["video_1"] = np.zeros((4, 2, 24), np.float32)
    known = plan.make(params.load(), "tvsum", recipe, 25, H100)
    assert [cost.stage for cost in known.costs] == ["train"]
    (kept,) = (each for each in known.disk if each.what == "embeddings")
    assert kept.data == kept.cache == 23510 * 2 * 4 * 24
    assert kept.work == 0
    assert any(each.what == "checkpoints of 20 runs" for each in known.disk), "of 40"


def test_nothing_is_left_to_do_with_given_scores() -> None:
    recipe = given(kind="scores", rows={"ours": "ours.json"})
    found = plan.make(params.load(), "tvsum", recipe, 25, H100)
    assert not found.costs
    assert any("no heavy stage is left" in note for note in found.notes)


def test_an_input_that_the_recipe_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "query.h5"
    with h5py.File(path, "w") as file:
        file["video_1"] = np.zeros((4, 24), np.float32)
    settings = params.load()
    seeing = settings.models["mlp"].model_copy(update={"inputs": ("image",)})
    settings = settings.model_copy(update={"models": settings.models | {"mlp": seeing}})
    recipe = given(kind="embeddings", query=str(path), answer=str(path))
    found = plan.make(settings, "tvsum", recipe, 25, H100)
    assert any(
        "mlp will be left out: `image` is lacking: the sample stage" in note for note in found.notes
    )
    assert [cost.stage for cost in found.costs] == ["train"]


def test_formats_that_a_card_lacks_are_named() -> None:
    v100 = Machine(cards.card("v100"), 1, 0.4)
    assert any(
        "set embed.dtype to float16" in said for said in _precision("embed", "bfloat16", v100)
    )
    assert not list(_precision("embed", "float16", v100))
    assert not list(_precision("embed", "bfloat16", H100))


@pytest.mark.parametrize("kind", ["global-attention", "mlp"])
def test_a_scorers_operations_are_those_that_torch_counts(kind: str) -> None:
    name = {"global-attention": "llmvs", "mlp": "mlp"}[kind]
    entry = params.load().models[name]
    entry = overridden(entry, {"width": 32, "layers": 2, "heads": 2, "feedforward": 48})
    found = scorer.size(entry, {"query": 24, "answer": 24})
    model = registry.build(entry, {STATES: 24})
    assert found.parameters == sum(each.numel() for each in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model({STATES: torch.zeros(1, 23, 24)}, torch.ones(1, 23, dtype=torch.bool))
    assert found.operations(23, 23**2) == pytest.approx(counter.get_total_flops(), rel=1e-6)


@pytest.mark.real_llm
def test_training_is_reckoned_with_the_recipes_own_hyperparameters() -> None:
    settings, recipe = params.load(), params.recipe("tvsum")
    assert recipe.train is not None
    narrow = recipe.train.model_copy(update={"scorer": {"width": 64, "feedforward": 64}})
    small = plan.make(settings, "tvsum", recipe.model_copy(update={"train": narrow}), 25, H100)
    large = plan.make(settings, "tvsum", recipe, 25, H100)
    assert small.costs[:2] == large.costs[:2]
    assert 10 * small.costs[2].operations < large.costs[2].operations
    assert 10 * small.costs[2].weights < large.costs[2].weights


def changed(recipe: Recipe, **prompt: object) -> Recipe:
    assert recipe.embed is not None
    asked = recipe.embed.prompt.model_copy(update=prompt)
    return recipe.model_copy(update={"embed": recipe.embed.model_copy(update={"prompt": asked})})


@pytest.mark.real_llm
def test_examples_of_each_split_cost_every_split_anew() -> None:
    recipe = params.recipe("tvsum")
    assert recipe.embed is not None
    shown = recipe.embed.prompt.shown.model_copy(update={"source": "training"})
    once = plan.make(params.load(), "tvsum", recipe, 25, H100)
    anew = plan.make(params.load(), "tvsum", changed(recipe, shown=shown), 25, H100)
    assert anew.costs[1].operations == pytest.approx(10 * once.costs[1].operations)
    assert anew.costs[0] == once.costs[0]


@pytest.mark.real_llm
def test_the_command_prints_it_without_a_network() -> None:
    result = CliRunner().invoke(cli.app, ["plan", "summe", "--gpu", "h100"])
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    for part in ("SumMe on H100", "7,336 frames", "PFLOP", "nothing was run", "together"):
        assert part in said
    assert CliRunner().invoke(cli.app, ["plan", "demo"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tvsum", "--gpu", "5090x"], "--gpu 5090x: not known; one of h200, h100"),
        (["tvsum", "--efficiency", "40"], "--efficiency 40.0: must be above 0"),
        (["tvsum", "--cards", "0"], "--cards 0: must be at least 1"),
        (["tvsum", "--gpu", "here", "--efficiency", "0.9"], "--efficiency: of this machine"),
        (["demo", "-S", "other.yaml:run.models=[mlp]"], "sets a value of other.yaml"),
        (["tvsom"], "datasets has no 'tvsom'"),
    ],
)
def test_what_makes_no_sense_is_one_message(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(cli.app, ["plan", *arguments])
    assert isinstance(result.exception, UserError)
    assert said in str(result.exception)


def test_a_batch_is_halved_until_it_fits() -> None:
    assert [estimate.halved(32, room) for room in (100, 32, 31.9, 9, 1, 0.5, -3)] == [
        *(32, 32, 16, 8, 1, 0, 0)
    ]


def test_a_language_model_named_as_captioner_is_one_message(tmp_path: Path) -> None:
    tiny_llms.CONFIGS["mistral"].save_pretrained(tmp_path)
    config = architecture.configuration("tiny", None, llava.KIND, tmp_path)
    with pytest.raises(UserError, match="tiny: not a model this stage can use"):
        architecture.multimodal("tiny", config)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, "GatedRepo", {}), "access is gated"),
        ((404, "EntryNotFound", {}), r"the hub has no config\.json of it"),
        ((404, "RepoNotFound", {}), "the hub knows no such model"),
    ],
)
def test_a_configuration_the_hub_refuses_is_one_message(hub: Any, answer: Any, said: str) -> None:
    hub.answer = answer
    with pytest.raises(UserError, match=said):
        architecture.configuration("owner/model", None, weights.KIND, None)


def test_cards_that_hold_a_model_in_smaller_batches_share_the_work() -> None:
    alone, four = (made("tvsum", Machine(cards.card("a100-40"), count, 0.4)) for count in (1, 4))
    for one, other in zip(alone.costs, four.costs, strict=True):
        share = alone.hours(one) / four.hours(other)
        assert share == pytest.approx(1 if one.stage == "train" else 4, rel=0.2)


@pytest.mark.real_llm
def test_training_that_no_card_holds_does_not_fit_and_says_why() -> None:
    settings, recipe = params.load(), params.recipe("tvsum")
    assert recipe.train is not None
    many = recipe.model_copy(update={"train": recipe.train.model_copy(update={"batch": 40})})
    for count in (1, 8):
        t4 = Machine(cards.card("t4"), count, 0.4)
        found = plan.make(settings, "tvsum", many, 25, t4)
        assert [cost.fits for cost in found.costs if cost.stage == "train"] == [False]
        assert any("train does not fit: 40 videos" in note for note in found.notes)
    assert any(note.startswith("train: in float32") for note in found.notes)


def test_a_row_that_learns_nothing_grows_by_nothing() -> None:
    arguments = ["plan", "demo", "--videos", "10", "--seconds", "60"]
    result = CliRunner().invoke(cli.app, [*arguments, "-S", "run.models=[representative]"])
    assert result.exit_code == 0, result.output
