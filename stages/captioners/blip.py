"""A captioner that is shown an image and nothing else: BLIP and its like.

Li et al., *BLIP: Bootstrapping Language-Image Pre-training*, ICML 2022. Any
AutoModelForImageTextToText serves that needs no words to begin a caption, by its name on the hub
or a folder. Decoding is by beams, every image's by itself, and images are resized to one size, so
a caption does not depend on the images it shares a batch with, up to the rounding of sums: in
float32 the tests find the same words at every batch size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from stages.captioners.captioner import SILENCE, Captioner, Pixels, of_images
from stages.captioners.numbers import Numbers
from stages.captioners.processor import read
from stages.captioners.settings import ImageCaption
from stages.errors import UserError
from stages.work import hub, pretrained
from stages.work.burden import Burden
from stages.work.halving import Halving

VERSION = 1
"""Raise it when the same image and settings are to give another caption."""

FRAMES_PER_SECOND = 0.37
"""Of BLIP base with five beams and twelve tokens, on two CPU cores, by random weights of its shape;
for what is said before a run alone.
"""

BYTES = {"Salesforce/blip-image-captioning-base": 990e6}
"""Of models on the hub, weights and all, as they are fetched; for what is said before alone."""

KIND = hub.Kind(alternative="Salesforce/blip-image-captioning-base")


@dataclass(frozen=True)
class ImagePlan:
    """Settings of `blip`; a `stages.captioners.captioner.Plan`."""

    settings: ImageCaption

    @property
    def batch(self) -> int:
        return self.settings.batch

    @property
    def model(self) -> str:
        return self.settings.model

    def determinants(self) -> dict[str, Any]:
        """See `Plan.determinants`. Raises UserError where the weights cannot be identified."""
        return {
            "captioner": self.settings.captioner,
            "version": VERSION,
            "weights": hub.identity(self.settings.model, self.settings.revision, KIND),
            "beams": self.settings.beams,
            "max_new_tokens": self.settings.max_new_tokens,
            "dtype": self.settings.dtype,
        }

    def burden(self, images: int) -> Burden | None:
        """None: models that are shown an image and nothing else are small."""
        return None

    def fetch(self) -> Path:
        return hub.fetch(self.settings.model, self.settings.revision, KIND)

    def load(self) -> Captioner:
        from transformers import AutoModelForImageTextToText

        name, folder = self.settings.model, self.fetch()
        reader = processor(name, folder)
        dtype = pretrained.dtype_of(self.settings.dtype)
        model = pretrained.load(AutoModelForImageTextToText, name, folder, dtype)
        return ImageCaptioner(model, reader, self.settings)


def processor(name: str, folder: Path) -> Any:
    """What turns images into the model's input.

    Raises UserError as `read`, or where it has to be asked in words.
    """
    found = read(name, folder, "a model that captions images", KIND)
    if getattr(found, "chat_template", None) is not None:
        raise UserError(
            f"{name}: has a chat template, so it is to be asked in words: set caption.captioner "
            "to llava"
        )
    return found


class ImageCaptioner:
    """A model that says what it sees; a `captioner.Captioner`."""

    def __init__(self, model: Any, processor: Any, settings: ImageCaption) -> None:
        """Take over a loaded model and its `processor`."""
        self._model = model
        self._processor = processor
        self._settings = settings
        self._halving = Halving(
            of_images(settings.model), settings.batch, self._generate, self._divided
        )
        self._numbers = Numbers(settings.model, settings.dtype)

    def prepare(self, images: Sequence[Pixels], /) -> Sequence[Tensor]:
        """The images as the model takes them, each (images, 3, H, W); see `Captioner.prepare`."""
        if not images:
            return []
        pictures = [Image.fromarray(image) for image in images]
        inputs = self._processor.image_processor(images=pictures, return_tensors="pt")
        return self._divided([inputs["pixel_values"].to(self._model.dtype)])

    def _divided(self, batches: Sequence[Tensor]) -> Sequence[Tensor]:
        return torch.split(torch.cat(list(batches)), self._halving.batch)

    def caption(self, prepared: Sequence[Tensor], /) -> list[str]:
        """One line an image, whitespace collapsed; see `Captioner.caption`.

        Where the GPU's memory runs out the batch is halved, and stays so. Raises UserError where a
        single image is already too much, or the model overflows.
        """
        return [line for lines in self._halving(prepared) for line in lines]

    @torch.inference_mode()
    def _generate(self, pixels: Tensor) -> list[str]:
        written = self._model.generate(
            pixel_values=pixels.to(self._model.device),
            do_sample=False,
            num_beams=self._settings.beams,
            max_new_tokens=self._settings.max_new_tokens,
            logits_processor=[self._numbers],
        )
        lines = self._processor.batch_decode(written, skip_special_tokens=True)
        return [" ".join(line.split()) or SILENCE for line in lines]
