"""The paper's captioner: a frozen multimodal LLM describes each frame (LLMVS, with LLaVA-1.5).

Any AutoModelForImageTextToText with a chat template serves, by its name on the hub or a folder.
Decoding is greedy. Batches are padded on the left and masked, so a caption does not depend on
the images it shares a batch with, up to the rounding of sums: in float32 the tests find the same
words at every batch size; in bfloat16 and float16, where two words can be equally likely to the
last bit, a tie may break otherwise in another batch.
"""

import copy
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from stages.captioners import framing, processor
from stages.captioners.captioner import SILENCE, Pixels, of_images
from stages.captioners.numbers import Numbers
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.work import adapters, architecture, hub, pretrained
from stages.work.burden import Burden
from stages.work.halving import Halving
from stages.work.rendering import on_one_day
from stages.work.tokens import as_read, as_text

log = logging.getLogger("llmvs")

VERSION = 1
"""Raise it when the same image and settings are to give another caption."""

KIND = hub.Kind(alternative="llava-hf/llava-1.5-7b-hf")


@dataclass(frozen=True)
class ImageTextPlan:
    """Settings of `llava` with one thing to ask; a `stages.captioners.captioner.Plan`.

    Args:
        settings: the recipe's.
        question: name of what is asked, under caption.prompts.
        prompt: what is asked of each image.
        adapter: what is added to the weights (`stages.work.adapters`); None: nothing.
    """

    settings: ImageTextCaption
    question: str
    prompt: str
    adapter: bytes | None = None

    @property
    def batch(self) -> int:
        return self.settings.batch

    @property
    def model(self) -> str:
        return self.settings.model

    def determinants(self) -> dict[str, Any]:
        """See `Plan.determinants`. Raises UserError where the weights cannot be identified."""
        decided = {
            "captioner": self.settings.captioner,
            "version": VERSION,
            "weights": hub.identity(self.settings.model, self.settings.revision, KIND),
            "prompt": self.prompt,
            "max_new_tokens": self.settings.max_new_tokens,
            "dtype": self.settings.dtype,
        }
        if self.adapter is not None:
            decided["adapter"] = adapters.identity(self.adapter)
        # Captions whose key says nothing of framing are of crops, and stay good.
        cropped = self.settings.framing == "crop"
        return decided if cropped else decided | {"framing": self.settings.framing}

    def burden(self, images: int) -> Burden | None:
        """See `Plan.burden`: to see each image and begin its caption."""
        name, revision = self.settings.model, self.settings.revision
        here = hub.status(name, revision, KIND)
        folder = Path(here.state) if here.present else None
        config = architecture.configuration(name, revision, KIND, folder)
        try:
            model, vision = architecture.multimodal(name, config)
        except UserError as error:
            log.info("how long it takes cannot be told: %s", error)
            return None
        each = vision.operations + model.operations(vision.tokens, 0, answers=1)
        return Burden(
            *(name, "caption.model", model.parameters, self.settings.dtype),
            *(images, "frames", images * each),
        )

    def fetch(self) -> Path:
        return hub.fetch(self.settings.model, self.settings.revision, KIND)

    def load(self) -> "ImageTextCaptioner":
        from transformers import AutoModelForImageTextToText

        name, folder = self.settings.model, self.fetch()
        reader = processor.load(name, folder, self.prompt, KIND)
        if as_text(reader.tokenizer, self.prompt) != as_read(reader.tokenizer, self.prompt):
            raise UserError(
                f"caption.prompts.{self.question}: {name} reads a part of {self.prompt!r} as a "
                "control token; the image and the turns are written by its chat template, so say "
                "only what is asked"
            )
        framing.prepare(name, reader.image_processor, self.settings.framing)
        dtype = pretrained.dtype_of(self.settings.dtype)
        model = pretrained.load(AutoModelForImageTextToText, name, folder, dtype)
        if self.adapter is not None:
            model = adapters.merge(name, model, self.adapter)
        return ImageTextCaptioner(model, reader, self.settings, self.prompt)


@dataclass(frozen=True)
class Batch:
    """Images that go through the model together, and what it takes of them, on the CPU."""

    images: Sequence[Pixels]
    inputs: Any

    def __len__(self) -> int:
        return len(self.images)


class ImageTextCaptioner:
    """A multimodal LLM asked one thing of each image; a `captioner.Captioner`."""

    def __init__(self, model: Any, reader: Any, settings: ImageTextCaption, prompt: str) -> None:
        """Take over a loaded model and its `processor`, prepared by `framing`.

        Of the model's own generation settings only the ends of a turn are kept: sampling,
        penalties and the like would make decoding anything but greedy.
        """
        from transformers import GenerationConfig

        ends = model.generation_config.eos_token_id
        model.generation_config = GenerationConfig(
            do_sample=False,
            num_beams=1,
            max_new_tokens=settings.max_new_tokens,
            eos_token_id=reader.tokenizer.eos_token_id if ends is None else ends,
            pad_token_id=reader.tokenizer.pad_token_id,
        )
        self._model = model
        self._processor = reader
        self._prompt = prompt
        self._halving = Halving(
            of_images(settings.model), settings.batch, self._generate, self._divided
        )
        self._numbers = Numbers(settings.model, settings.dtype)
        self._preparing = threading.Lock()
        # Of its own for decoding: a fast tokenizer is not for two threads at once.
        self._tokenizer = copy.deepcopy(reader.tokenizer)
        self._padding = None
        if settings.framing == "pad":
            self._padding = framing.mean_colour(reader.image_processor)

    def prepare(self, images: Sequence[Pixels], /) -> list[Batch]:
        """The images as the model takes them, so many together as it will have at once.

        See `Captioner.prepare`.
        """
        with self._preparing:
            size = self._halving.batch
            parts = [images[start : start + size] for start in range(0, len(images), size)]
            return [Batch(part, self.inputs(part)) for part in parts]

    def _divided(self, batches: Sequence[Batch]) -> list[Batch]:
        return self.prepare([image for each in batches for image in each.images])

    @property
    def model(self) -> Any:
        """Of transformers."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        return self._tokenizer

    def inputs(self, images: Sequence[Pixels]) -> Any:
        """What the model takes of images and the prompt, up to the opening of its own turn; padded
        on the left.
        """
        asked = [
            processor.conversation(self._prompt, {"type": "image", "image": self._seen(image)})
            for image in images
        ]
        with on_one_day():
            found = self._processor.apply_chat_template(
                asked,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
            )
        return found.to(dtype=self._model.dtype)

    def _seen(self, frame: Pixels) -> Image.Image:
        padding = self._padding
        return Image.fromarray(frame if padding is None else framing.square(frame, padding))

    def caption(self, prepared: Sequence[Batch], /) -> list[str]:
        """One line an image, whitespace collapsed; see `Captioner.caption`.

        Where the GPU's memory runs out the batch is halved, and stays so.

        Raises:
            UserError: a single image is already too much for the memory, or the model overflows.
        """
        return [line for lines in self._halving(prepared) for line in lines]

    @torch.inference_mode()
    def _generate(self, batch: Batch) -> list[str]:
        # A copy, as what it is called on is changed.
        inputs = copy.copy(batch.inputs).to(self._model.device)
        written = self._model.generate(**inputs, logits_processor=[self._numbers])[
            :, inputs["input_ids"].shape[1] :
        ]
        lines = self._tokenizer.batch_decode(written, skip_special_tokens=True)
        return [" ".join(line.split()) or SILENCE for line in lines]
