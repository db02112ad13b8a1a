"""What a captioner's weights are known by, and what is said of those that cannot be used."""

import json
import pickle
import shutil
import time
from pathlib import Path
from typing import Any

import hub_llama2
import pytest
import tiny_llava
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM

from stages.captioners import llava, processor, registry
from stages.captioners.captioner import Plan
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.work import pretrained
from stages.work.store import key

PROMPTS = dict.fromkeys(("general", "centre", "background", "direct"), "Describe it.")
COMMIT = "b234b804b114d9e37bb655e11cbbb5f5e971b7a9"


def plan(model: Path | str, **changes: Any) -> Plan:
    given = {
        "captioner": "llava",
        "model": str(model),
        "revision": None,
        "framing": "pad",
        "describe": ["general"],
        "direct": False,
        "prompts": PROMPTS,
        "scale": [0, 10],
        "answer": "score: {score}",
        "max_new_tokens": 8,
        "dtype": "float32",
        "batch": 4,
    }
    return registry.plans(ImageTextCaption.model_validate(given | changes))["general"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava.save_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def identity(model: Path | str, **changes: Any) -> str:
    return key(captioner=plan(model, **changes).determinants())


@pytest.mark.parametrize(
    "change",
    [
        {"prompts": PROMPTS | {"general": "Who?"}},
        {"max_new_tokens": 9},
        {"dtype": "bfloat16"},
        {"framing": "crop"},
    ],
    ids=str,
)
def test_what_decides_the_words_decides_the_key(saved: Path, change: dict[str, Any]) -> None:
    assert identity(saved, **change) != identity(saved)


def test_the_batch_is_no_part_of_the_key(saved: Path) -> None:
    assert identity(saved, batch=1) == identity(saved)


def test_crops_are_known_by_a_key_that_says_nothing_of_framing(saved: Path) -> None:
    """Captions that were made when there was nothing else."""
    padded, cropped = (plan(saved, framing=each).determinants() for each in ("pad", "crop"))
    assert padded == {**cropped, "framing": "pad"}
    assert "framing" not in cropped


def test_a_plan_is_the_same_on_every_machine(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = plan(saved, dtype="bfloat16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    elsewhere = pickle.loads(pickle.dumps(here))
    assert elsewhere.determinants() == here.determinants()
    assert elsewhere.determinants()["dtype"] == "bfloat16"


def test_a_folder_is_known_by_its_content(saved: Path, folder: Path) -> None:
    assert identity(folder) == identity(saved)
    template = folder / "chat_template.jinja"
    template.write_text("Please. " + template.read_text())
    asked_otherwise = identity(folder)
    assert asked_otherwise != identity(saved)
    tiny_llava.save_llava(folder, seed=1)
    assert identity(folder) not in (identity(saved), asked_otherwise)


def test_a_commit_identifies_a_hub_model_without_a_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    weights = plan("owner/model", revision=COMMIT).determinants()["weights"]
    assert weights == {"name": "owner/model", "commit": COMMIT}


def _template(text: str) -> Any:
    def spoil(folder: Path) -> None:
        (folder / "chat_template.jinja").write_text(text)

    return spoil


def _without_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def _without_processor(folder: Path) -> None:
    (folder / "processor_config.json").unlink()


def _without_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def _weights_of_an_llm(folder: Path) -> None:
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def _an_llm(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    _weights_of_an_llm(folder)
    tiny_llava.tokenizer().save_pretrained(folder)


def _without_vision(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "vision" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def _cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def _config(**changes: Any) -> Any:
    def spoil(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["text_config"] |= changes
        (folder / "config.json").write_text(json.dumps(config))

    return spoil


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _own_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoModelForImageTextToText": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config | own))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_template, r"its processor has no chat template.*chat_template\.jinja"),
        (_template("{{ messages[0]['content'] + ':' }}"), "cannot show an image beside a text"),
        (_template("{{ raise_exception('no') }}"), r"cannot show an image beside a text \(no\)"),
        (_template("{{ messages[0]['content'][-1]['text'] }}"), "leaves out the image"),
        (_template("{{ messages[0]['content'] | length }}<image>"), "leaves out the prompt"),
        (_without_processor, "no usable processor in.*name an image-text-to-text model"),
        (_without_tokenizer, "no usable processor in.*name an image-text-to-text model"),
        (_weights_of_an_llm, "cannot be loaded from"),
        (_an_llm, "has no processor of images and text"),
        (_own_code, "cannot be loaded from"),
        (_without_vision, r"lack \d+ tensors of its architecture \(.*vision_tower"),
        (_cut_off, "cannot be loaded from"),
        (_config(hidden_size=47), "no usable processor.*: ValueError: The hidden size"),
        (_config(intermediate_size=80), "cannot be loaded from"),
        (_pickled, "pickled weights can run code and are never read"),
        (shutil.rmtree, "no such folder of model weights"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_message(folder: Path, spoil: Any, said: str) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=said):
        plan(folder).load()


def test_a_model_too_large_for_the_gpu_is_one_message(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", full)
    with pytest.raises(UserError, match="tiny: does not fit into the GPU's memory"):
        pretrained.load(AutoModelForImageTextToText, "tiny", saved, torch.float32)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, "GatedRepo", {}), "access is gated.*HF_TOKEN.*such as llava-hf/llava-1.5-7b-hf"),
        ((404, "RepoNotFound", {}), "^owner/model: no folder, and the hub knows no such model"),
        ((404, "RevisionNotFound", {}), "the hub has no revision 'v9'"),
        (
            (200, "", [{"type": "file", "path": "model.bin", "size": 1, "oid": "0" * 40}]),
            "ships no safetensors",
        ),
    ],
)
def test_what_the_hub_refuses_is_told_apart(hub: Any, answer: Any, said: str) -> None:
    hub.answer = answer
    for needed in (plan("owner/model", revision="v9").determinants, plan("owner/model").load):
        if "revision" not in said:
            with pytest.raises(UserError, match=said):
                needed()
    with pytest.raises(UserError, match=said):
        plan("owner/model", revision="v9").fetch()


def test_an_unreachable_hub_is_one_message(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(UserError, match="the hub cannot be reached; connect and run this again"):
        plan("owner/model").fetch()


def test_words_become_ids_as_the_folder_of_the_hub_says(folder: Path, tmp_path: Path) -> None:
    """LLaVA-1.5 reads by Llama-2's tokenizer: a space is written before each part of a turn."""
    written = hub_llama2.save(tmp_path / "llama")
    rules = json.loads((written / "tokenizer.json").read_text())
    image = {"id": len(hub_llama2.VOCABULARY), "content": "<image>", "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    rules["added_tokens"].append(image | flags)
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    config = json.loads((written / "tokenizer_config.json").read_text())
    config |= {"extra_special_tokens": {"image_token": "<image>"}, "pad_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    reader = processor.load("llava", folder, "The dog", llava.KIND)
    asked = "USER: <image>\nThe dog ASSISTANT:"
    as_written = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(asked).ids
    assert reader.tokenizer(asked)["input_ids"] == as_written
    assert hub_llama2.VOCABULARY["▁"] in as_written[as_written.index(image["id"]) :]
