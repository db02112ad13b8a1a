"""A model that says what it sees as captioner, on a tiny random BLIP of the real classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_blip
import tiny_llava
import torch
from PIL import Image
from transformers import BlipForConditionalGeneration, BlipProcessor

from stages.captioners import registry
from stages.captioners.blip import ImageCaptioner
from stages.captioners.captioner import SILENCE, Pixels
from stages.captioners.settings import ImageCaption
from stages.errors import UserError

LONGEST = 12


def settings(folder: Path, **changes: Any) -> ImageCaption:
    given = {
        "captioner": "blip",
        "model": str(folder),
        "revision": None,
        "beams": 5,
        "max_new_tokens": LONGEST,
        "dtype": "float32",
        "batch": 16,
    }
    return ImageCaption.model_validate(given | changes)


def captioner(folder: Path, **changes: Any) -> ImageCaptioner:
    loaded = registry.plans(settings(folder, **changes))["general"].load()
    assert isinstance(loaded, ImageCaptioner)
    return loaded


def said(model: ImageCaptioner, images: Sequence[Pixels]) -> list[str]:
    return model.caption(model.prepare(images))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_blip.save_blip(tmp_path_factory.mktemp("blip"))


def one_at_a_time(folder: Path, beams: int) -> list[str]:
    """Of each picture, as transformers' page on BLIP has it."""
    model = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    reader = BlipProcessor.from_pretrained(folder, backend="pil")
    found = []
    for picture in tiny_llava.pictures(16):
        inputs = reader(images=Image.fromarray(picture), return_tensors="pt")
        ids = model.generate(**inputs, num_beams=beams, max_new_tokens=LONGEST)
        found.append(" ".join(reader.decode(ids[0], skip_special_tokens=True).split()) or SILENCE)
    return found


@pytest.mark.parametrize("beams", [1, 5])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_captions_are_those_of_one_image_at_a_time_whatever_the_batch(
    folder: Path, batch: int, beams: int
) -> None:
    expected = one_at_a_time(folder, beams)
    assert len(set(expected)) > 4, "pictures must lead to different words"
    assert "[" not in "".join(expected), "control tokens are no words"
    model = captioner(folder, batch=batch, beams=beams)
    assert said(model, tiny_llava.pictures(16)) == expected
    assert said(model, tiny_llava.pictures(5)) == expected[:5]


def test_beams_find_other_words_than_greed(folder: Path) -> None:
    assert one_at_a_time(folder, 1) != one_at_a_time(folder, 5)


def test_beams_decide_the_key_and_the_batch_does_not(folder: Path) -> None:
    def key(**changes: Any) -> Any:
        return registry.plans(settings(folder, **changes))["general"].determinants()

    assert key() == key(batch=2)
    assert key() != key(beams=3)
    assert key() != key(max_new_tokens=9)


def test_a_caption_is_one_line_and_never_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, lines = captioner(folder), [" a dog\n runs\t", " \n"]
    monkeypatch.setattr(model._processor, "batch_decode", lambda *_, **__: lines)
    assert said(model, tiny_llava.pictures(2)) == ["a dog runs", SILENCE]


def test_where_memory_runs_out_the_batch_is_halved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes = captioner(folder, batch=8), []
    generate = model._model.generate

    def small(pixel_values: torch.Tensor, **rest: Any) -> Any:
        sizes.append(len(pixel_values))
        if len(pixel_values) > 2:
            raise torch.OutOfMemoryError
        return generate(pixel_values=pixel_values, **rest)

    expected = said(captioner(folder), tiny_llava.pictures(5))
    monkeypatch.setattr(model._model, "generate", small)
    assert said(model, tiny_llava.pictures(5)) == expected
    assert sizes == [5, 2, 2, 1]


def test_a_model_that_is_to_be_asked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has a chat template.*llava"):
        captioner(tiny_llava.save_llava(tmp_path / "llava"))


def test_a_folder_without_a_processor_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UserError, match="no usable processor"):
        captioner(tmp_path)


def test_pictures_are_resized_without_cropping(folder: Path) -> None:
    reader = captioner(folder)._processor.image_processor
    wide = np.zeros((24, 96, 3), np.uint8)
    wide[:, -8:] = 255
    shown = reader(images=Image.fromarray(wide), return_tensors="np")["pixel_values"][0]
    assert shown[0, :, -1].min() > shown[0, :, 0].max()


def test_a_model_that_overflows_in_half_precision_is_refused(folder: Path) -> None:
    model = captioner(folder, dtype="float16")
    for parameter in model._model.text_decoder.cls.parameters():
        parameter.data *= 1e5
    with pytest.raises(UserError, match=r"overflow in float16; set caption\.dtype to bfloat16"):
        said(model, tiny_llava.pictures(2))
