"""A multimodal LLM as captioner, on tiny random models of the real classes."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny_llava
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from stages import params
from stages.captioners import registry
from stages.captioners.captioner import SILENCE, Pixels
from stages.captioners.llava import ImageTextCaptioner
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError

PROMPT = "Provide a detailed one-sentence description"
LONGEST = 24


def settings(folder: Path, **changes: Any) -> ImageTextCaption:
    given = {
        "captioner": "llava",
        "model": str(folder),
        "revision": None,
        "framing": "crop",
        "describe": ["general"],
        "direct": False,
        "prompts": dict.fromkeys(("general", "centre", "background", "direct"), PROMPT),
        "scale": [0, 10],
        "answer": "score: {score}",
        "max_new_tokens": LONGEST,
        "dtype": "float32",
        "batch": 16,
    }
    return ImageTextCaption.model_validate(given | changes)


def captioner(folder: Path, **changes: Any) -> ImageTextCaptioner:
    loaded = registry.plans(settings(folder, **changes))["general"].load()
    assert isinstance(loaded, ImageTextCaptioner)
    return loaded


def said(model: ImageTextCaptioner, images: Sequence[Pixels]) -> list[str]:
    return model.caption(model.prepare(images))


@pytest.fixture(scope="module")
def llava_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava.save_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="module")
def next_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava.save_llava_next(tmp_path_factory.mktemp("llava-next"))


@pytest.fixture(params=["llava_folder", "next_folder"])
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def one_at_a_time(folder: Path) -> Iterator[tuple[int, str]]:
    """Length of the prompt in tokens and the greedy caption of each picture, by transformers."""
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder)
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}
    text = processor.apply_chat_template([turn], add_generation_prompt=True)
    assert text == f"USER: <image>\n{PROMPT} ASSISTANT:"
    for picture in tiny_llava.pictures(16):
        inputs = processor(images=Image.fromarray(picture), text=text, return_tensors="pt")
        length = inputs["input_ids"].shape[1]
        greedy = {"do_sample": False, "repetition_penalty": 1.0, "max_new_tokens": LONGEST}
        ids = model.generate(**inputs, **greedy)[0, length:]
        yield length, " ".join(processor.decode(ids, skip_special_tokens=True).split())


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_captions_are_those_of_one_image_at_a_time_whatever_the_batch(
    folder: Path, batch: int
) -> None:
    lengths, expected = zip(*one_at_a_time(folder), strict=True)
    assert len(set(expected)) > 8, "pictures must lead to different words"
    assert len({len(caption) for caption in expected}) > 4, "captions must differ in length"
    assert (len(set(lengths)) > 1) == ("next" in folder.name), "only LLaVA-NeXT pads prompts"
    model = captioner(folder, batch=batch)
    assert said(model, tiny_llava.pictures(16)) == list(expected)
    assert said(model, tiny_llava.pictures(5)) == list(expected[:5])


def test_no_images_no_captions(llava_folder: Path) -> None:
    assert said(captioner(llava_folder), []) == []


def test_a_repository_laid_out_as_the_published_ones_is_read(
    llava_folder: Path, tmp_path: Path
) -> None:
    """A file each for processor, image processor and template, with the old names of classes."""
    old = tiny_llava.save_llava(tmp_path / "old")
    together = json.loads((old / "processor_config.json").read_text())
    images = together.pop("image_processor")
    images["image_processor_type"] = "CLIPImageProcessor"
    (old / "processor_config.json").write_text(json.dumps(together))
    (old / "preprocessor_config.json").write_text(json.dumps(images))
    template = (old / "chat_template.jinja").read_text()
    (old / "chat_template.jinja").unlink()
    (old / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    pictures = tiny_llava.pictures(4)
    assert said(captioner(old), pictures) == said(captioner(llava_folder), pictures)


def test_a_caption_is_one_line_and_never_empty(
    llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = captioner(llava_folder)
    lines = [" A dog\n\n runs.\t", " \n"]
    monkeypatch.setattr(model._tokenizer, "batch_decode", lambda *_, **__: lines)
    assert said(model, tiny_llava.pictures(2)) == ["A dog runs.", SILENCE]


def test_control_tokens_of_a_reply_are_no_words_of_the_caption(
    llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, written = captioner(llava_folder), []
    generate = model._model.generate

    def watched(**inputs: Any) -> Any:
        found = generate(**inputs)
        written.append(found[:, inputs["input_ids"].shape[1] :])
        return found

    monkeypatch.setattr(model._model, "generate", watched)
    captions = said(model, tiny_llava.pictures(16))
    begin = tiny_llava.SPECIAL.index("<s>")
    assert any(begin in tokens for tokens in written), "the model must have written some"
    assert not any(literal in "".join(captions) for literal in tiny_llava.SPECIAL)


@pytest.mark.parametrize("literal", ["</s>", "<pad>", "a<s>b"])
def test_a_question_that_holds_a_control_token_is_refused_by_its_name(
    llava_folder: Path, literal: str
) -> None:
    prompts = {**dict.fromkeys(("general", "centre", "background"), PROMPT), "direct": "0?"}
    given = {"describe": ["general", "centre"], "prompts": prompts | {"centre": f"A {literal}?"}}
    plans = registry.plans(settings(llava_folder, **given))
    assert plans["general"].load()
    with pytest.raises(UserError, match=rf"^caption.prompts.centre: .*A {literal}\?"):
        plans["centre"].load()


def test_half_precision_reaches_weights_and_pixels(llava_folder: Path) -> None:
    model = captioner(llava_folder, dtype="bfloat16")
    assert model._model.dtype == torch.bfloat16
    assert all(said(model, tiny_llava.pictures(3)))


Attempts = tuple[ImageTextCaptioner, list[int]]


@pytest.fixture
def cramped(llava_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Attempts]:
    """A captioner whose memory holds so many images, and the batches it attempts."""

    def build(room: int, **changes: Any) -> Attempts:
        model, attempts = captioner(llava_folder, **changes), []
        generate = model._model.generate

        def limited(**inputs: Any) -> Any:
            attempts.append(len(inputs["input_ids"]))
            if attempts[-1] > room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return generate(**inputs)

        monkeypatch.setattr(model._model, "generate", limited)
        return model, attempts

    return build


def test_out_of_memory_halves_the_batch_once_and_for_all(
    llava_folder: Path,
    cramped: Callable[..., Attempts],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    pictures = tiny_llava.pictures(14)
    model, attempts = cramped(5)
    assert said(model, pictures) == said(captioner(llava_folder), pictures)
    assert attempts == [14, 7, 3, 3, 3, 3, 2]
    assert said(model, pictures[:4]) == said(captioner(llava_folder), pictures[:4])
    assert attempts[7:] == [3, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory with 14 images at once: going on with 3; "
        "set caption.batch to that to spare the attempt"
    ]


def test_a_recipes_batch_is_halved_until_a_small_card_holds_it(
    llava_folder: Path, cramped: Callable[..., Attempts]
) -> None:
    recipe = params.recipe("tvsum").caption
    assert recipe is not None
    batch = recipe.batch
    model, attempts = cramped(batch // 8 + 1, batch=batch)
    pictures = (tiny_llava.pictures(16) * batch)[:batch]
    assert said(model, pictures) == said(captioner(llava_folder), pictures)
    assert attempts == [batch, batch // 2, batch // 4, *[batch // 8] * 8]


def test_a_batch_that_was_prepared_before_the_memory_ran_out_is_halved_too(
    llava_folder: Path, cramped: Callable[..., Attempts]
) -> None:
    pictures = tiny_llava.pictures(30)
    model, attempts = cramped(6)
    batches = [model.prepare(pictures[start : start + 15]) for start in (0, 15)]
    expected = said(captioner(llava_folder), pictures)
    assert [line for batch in batches for line in model.caption(batch)] == expected
    assert attempts == [15, 7, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]


def test_an_image_too_large_for_the_memory_is_one_message(
    cramped: Callable[..., Attempts],
) -> None:
    model, attempts = cramped(0)
    with pytest.raises(UserError, match="out of memory with a single image"):
        said(model, tiny_llava.pictures(4))
    assert attempts == [4, 2, 1]


def test_a_model_that_gives_no_numbers_is_refused_and_does_not_say_nothing(
    llava_folder: Path,
) -> None:
    model = captioner(llava_folder)
    model.model.get_output_embeddings().weight.data[7] = float("nan")
    with pytest.raises(UserError, match="gives NaN or infinity in float32, so its weights"):
        said(model, tiny_llava.pictures(2))
