"""The paper's captioner: a frozen multimodal LLM describes each frame (LLMVS, with LLaVA-1.5).

Any AutoModelForImageTextToText with a chat template serves, by its name on the hub or a folder.
Decoding is greedy. Batches are padded on the left and masked, so a caption does not depend on
the images it shares a batch with, up to the rounding of sums: in float32 the tests find the same
words at every batch size; in bfloat16 and float16, where two words can be equally likely to the
last bit, a tie may break otherwise in another batch.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from stages.captioners import framing
from stages.captioners.captioner import Captioner, Pixels
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.work import architecture, hub, pretrained
from stages.work.burden import Burden
from stages.work.tokens import as_read, as_text

log = logging.getLogger("llmvs")

VERSION = 1
"""Raise it when the same image and settings are to give another caption."""

SILENCE = "No description."
"""Stands for the words of a model that ended its turn without any: a caption is never empty."""

KIND = hub.Kind(alternative="llava-hf/llava-1.5-7b-hf")


@dataclass(frozen=True)
class ImageTextPlan:
    """Settings of `llava` with one thing to ask; a `stages.captioners.captioner.Plan`.

    Args:
        settings: the recipe's.
        question: name of what is asked, under caption.prompts.
        prompt: what is asked of each image.
    """

    settings: ImageTextCaption
    question: str
    prompt: str

    @property
    def batch(self) -> int:
        return self.settings.batch

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

    def load(self) -> Captioner:
        from transformers import AutoModelForImageTextToText

        name, folder = self.settings.model, self.fetch()
        reader = processor(name, folder, self.prompt)
        if as_text(reader.tokenizer, self.prompt) != as_read(reader.tokenizer, self.prompt):
            raise UserError(
                f"caption.prompts.{self.question}: {name} reads a part of {self.prompt!r} as a "
                "control token; the image and the turns are written by its chat template, so say "
                "only what is asked"
            )
        framing.prepare(name, reader.image_processor, self.settings.framing)
        dtype = pretrained.dtype_of(self.settings.dtype)
        model = pretrained.load(AutoModelForImageTextToText, name, folder, dtype)
        return ImageTextCaptioner(model, reader, self.settings, self.prompt)


def conversation(prompt: str, *images: dict[str, Any]) -> list[dict[str, Any]]:
    """A user's turn: images, each {"type": "image", "image": …} or a place for one without
    "image", and what is asked of them.
    """
    return [{"role": "user", "content": [*images, {"type": "text", "text": prompt}]}]


def processor(name: str, folder: Path, prompt: str) -> Any:
    """What turns images and words into the model's input; pads on the left.

    Images are resized by Pillow even where torchvision is installed, which rounds otherwise.

    Raises:
        UserError: there is none that can be used here, or no chat template that shows the model
            an image and the prompt.
    """
    from jinja2 import TemplateError
    from transformers import AutoProcessor

    try:
        found = AutoProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except pretrained.FAILURES as error:
        raise UserError(
            f"{name}: no usable processor in {folder}; name an image-text-to-text model, such as "
            f"{KIND.alternative} ({pretrained.first_line(error)})"
        ) from error
    if not hasattr(found, "image_processor") or not hasattr(found, "tokenizer"):
        raise UserError(
            f"{name}: {folder} has no processor of images and text; name an image-text-to-text "
            f"model, such as {KIND.alternative}"
        )
    if found.chat_template is None:
        raise UserError(
            f"{name}: its processor has no chat template, so how it is to be asked is unknown; "
            f"put a chat_template.jinja into a local copy, or name another model, such as "
            f"{KIND.alternative}"
        )
    try:
        shown, blind = (
            found.apply_chat_template(conversation(prompt, *places), add_generation_prompt=True)
            for places in ([{"type": "image"}], [])
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise UserError(
            f"{name}: its chat template cannot show an image beside a text "
            f"({pretrained.first_line(error)})"
        ) from error
    if shown == blind or prompt.strip() not in shown:
        lost = "image" if shown == blind else "prompt"
        raise UserError(f"{name}: its chat template leaves out the {lost}: {shown!r}")
    found.tokenizer.padding_side = "left"
    if found.tokenizer.pad_token is None:
        found.tokenizer.pad_token = found.tokenizer.eos_token
    return found


class ImageTextCaptioner:
    """A multimodal LLM asked one thing of each image; a `captioner.Captioner`."""

    def __init__(self, model: Any, processor: Any, settings: ImageTextCaption, prompt: str) -> None:
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
            eos_token_id=processor.tokenizer.eos_token_id if ends is None else ends,
            pad_token_id=processor.tokenizer.pad_token_id,
        )
        self._model = model
        self._processor = processor
        self._settings = settings
        self._prompt = prompt
        self._batch = settings.batch
        self._padding = None
        if settings.framing == "pad":
            self._padding = framing.mean_colour(processor.image_processor)

    def _seen(self, frame: Pixels) -> Image.Image:
        padding = self._padding
        return Image.fromarray(frame if padding is None else framing.square(frame, padding))

    def caption(self, images: Sequence[Pixels], /) -> list[str]:
        """One line an image, whitespace collapsed; see `Captioner.caption`.

        Where the GPU's memory runs out the batch is halved, and stays so.

        Raises:
            UserError: a single image is already too much for the memory.
        """
        captions: list[str] = []
        refused = 0
        while len(captions) < len(images):
            batch = images[len(captions) : len(captions) + self._batch]
            try:
                captions += self._generate(batch)
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise UserError(
                        f"{self._settings.model}: out of memory with a single image; free the "
                        "GPU of others, or name a smaller model, dtype or max_new_tokens"
                    ) from error
                refused = refused or len(batch)
                self._batch = len(batch) // 2
            else:
                if refused:
                    log.warning(
                        "out of memory with %d images at once: going on with %d; set "
                        "caption.batch to that to spare the attempt",
                        *(refused, self._batch),
                    )
                refused = 0
                continue
            # Only here, past the handler, has the exception let go of what the attempt held.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return captions

    @torch.inference_mode()
    def _generate(self, images: Sequence[Pixels]) -> list[str]:
        inputs = self._processor.apply_chat_template(
            [
                conversation(self._prompt, {"type": "image", "image": self._seen(image)})
                for image in images
            ],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        ).to(self._model.device, dtype=self._model.dtype)
        written = self._model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]
        lines = self._processor.batch_decode(written, skip_special_tokens=True)
        return [" ".join(line.split()) or SILENCE for line in lines]
