"""What the model is shown of a frame: all of it within a square, or the middle alone."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tiny_llava
import torch
from PIL import Image
from transformers import AutoProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from stages.captioners import framing, registry
from stages.captioners.captioner import Pixels
from stages.captioners.llava import ImageTextCaptioner
from stages.captioners.settings import Framing, ImageTextCaption
from stages.errors import UserError

SIDE = tiny_llava.SIDE
WIDE, TALL, ODD, EVEN = (90, 160), (160, 90), (55, 84), (64, 64)

Seen = npt.NDArray[np.float32]


def settings(folder: Path, framing: Framing) -> ImageTextCaption:
    return ImageTextCaption.model_validate(
        {
            "captioner": "llava",
            "model": str(folder),
            "revision": None,
            "framing": framing,
            "describe": ["general"],
            "direct": False,
            "prompts": dict.fromkeys(("general", "centre", "background", "direct"), "What?"),
            "scale": [0, 10],
            "answer": "score: {score}",
            "max_new_tokens": 12,
            "dtype": "float32",
            "batch": 16,
        }
    )


def captioner(folder: Path, framing: Framing) -> ImageTextCaptioner:
    loaded = registry.plans(settings(folder, framing))["general"].load()
    assert isinstance(loaded, ImageTextCaptioner)
    return loaded


def said(model: ImageTextCaptioner, frames: list[Pixels]) -> list[str]:
    return model.caption(model.prepare(frames))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llava.save_llava(tmp_path_factory.mktemp("llava"))


def seen(model: ImageTextCaptioner, frames: list[Pixels], monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The pixels (frames, C, SIDE, SIDE) that reach the model."""
    reached: list[torch.Tensor] = []
    generate = model._model.generate

    def watched(**inputs: Any) -> Any:
        reached.append(inputs["pixel_values"])
        return generate(**inputs)

    monkeypatch.setattr(model._model, "generate", watched)
    said(model, frames)
    return torch.cat(reached).numpy()


def photograph(size: tuple[int, int]) -> Pixels:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize(size[::-1], reducing_gap=None))


def lit_at_its_sides() -> Pixels:
    """A 16:9 frame, black but for a tenth of its width on the left and on the right."""
    frame_HWC = np.zeros((*WIDE, 3), np.uint8)
    frame_HWC[:, :16] = frame_HWC[:, -16:] = 255
    return frame_HWC


def test_a_crop_does_not_see_the_sides_and_a_padded_frame_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [lit_at_its_sides(), np.zeros((*WIDE, 3), np.uint8)]
    cropped, padded = captioner(folder, "crop"), captioner(folder, "pad")
    assert len(set(said(cropped, frames))) == 1
    assert len(set(said(padded, frames))) == 2
    lit, dark = seen(cropped, frames, monkeypatch)
    np.testing.assert_array_equal(lit, dark)
    lit, dark = seen(padded, frames, monkeypatch)
    shown = (lit - dark)[0] > 1  # a picture of the sides within the square
    middle = SIDE // 2
    assert shown[middle].tolist() == shown[middle, ::-1].tolist()
    assert shown[middle, [0, 1]].all()
    assert not shown[middle, 4:-4].any()
    assert not shown[[0, 1, -2, -1]].any(), "above and below there is nothing of the frame"


@pytest.mark.parametrize("size", [WIDE, TALL, ODD, EVEN])
def test_a_padded_frame_is_what_llava_was_trained_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    frame = photograph(size)
    (found,) = seen(captioner(folder, "pad"), [frame], monkeypatch)
    images = AutoProcessor.from_pretrained(folder, backend="pil").image_processor

    # By Pillow alone, as LLaVA's own code does it.
    mean, std = (np.array(each, np.float32) for each in (images.image_mean, images.image_std))
    (height, width), side = size, max(size)
    canvas = Image.new("RGB", (side, side), (122, 116, 104))  # CLIP's mean, cut off to 8 bit
    canvas.paste(Image.fromarray(frame), ((side - width) // 2, (side - height) // 2))
    small = np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    np.testing.assert_allclose(found, ((small / 255 - mean) / std).transpose(2, 0, 1), atol=1e-6)

    # And by transformers' own processor for LLaVA, which the hub's configuration does not name.
    pads = LlavaImageProcessorPil(
        do_pad=True, size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
    np.testing.assert_array_equal(found, pads(Image.fromarray(frame))["pixel_values"][0])


def test_a_crop_is_what_the_processor_makes_of_a_frame(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [photograph(size) for size in (WIDE, TALL, ODD)]
    found = seen(captioner(folder, "crop"), frames, monkeypatch)
    images = AutoProcessor.from_pretrained(folder, backend="pil").image_processor
    for got, frame in zip(found, frames, strict=True):
        np.testing.assert_array_equal(got, images(Image.fromarray(frame))["pixel_values"][0])


def test_a_square_frame_is_the_same_either_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [photograph(EVEN)]
    cropped, padded = (
        seen(captioner(folder, each), frames, monkeypatch) for each in ("crop", "pad")
    )
    np.testing.assert_array_equal(cropped, padded)


def test_a_padded_frame_loses_no_edge_to_a_crop_smaller_than_the_resize() -> None:
    images = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIDE)
    framing.prepare("a model", images, "pad")
    square = framing.square(lit_at_its_sides(), framing.mean_colour(images))
    (found,) = images(Image.fromarray(square), do_normalize=False)["pixel_values"]
    assert found.shape == (3, SIDE, SIDE)
    assert found[0, SIDE // 2, [0, -1]].min() > 0.9


def test_a_processor_that_crops_nothing_has_nothing_to_pad_for(tmp_path: Path) -> None:
    folder = tiny_llava.save_llava_next(tmp_path)
    with pytest.raises(UserError, match=r"LlavaNextImageProcessorPil\) crops no square .*: crop,"):
        captioner(folder, "pad")
    assert said(captioner(folder, "crop"), [photograph(WIDE)])


def test_frames_are_not_said_to_be_cropped_that_the_processor_pads() -> None:
    images = LlavaImageProcessorPil(do_pad=True)
    with pytest.raises(UserError, match=r"a model: .*do_pad.* set caption\.framing: pad"):
        framing.prepare("a model", images, "crop")
