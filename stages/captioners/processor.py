"""What turns images and words into a multimodal LLM's input: a processor of transformers."""

from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.work import hub, pretrained


def conversation(prompt: str, *images: dict[str, Any]) -> list[dict[str, Any]]:
    """A user's turn: images, each {"type": "image", "image": …} or a place for one without
    "image", and what is asked of them.
    """
    return [{"role": "user", "content": [*images, {"type": "text", "text": prompt}]}]


def read(name: str, folder: Path, wanted: str, kind: hub.Kind) -> Any:
    """A folder's processor of images and text.

    Images are resized by Pillow even where torchvision is installed, which rounds otherwise.

    Args:
        name: what the person called the model.
        folder: its files.
        wanted: what is to be named instead where this is none, such as "a model that …".
        kind: an example of that.

    Raises:
        UserError: there is none that can be used here.
    """
    from transformers import AutoProcessor

    try:
        found = AutoProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except pretrained.FAILURES as error:
        raise UserError(
            f"{name}: no usable processor in {folder}; name {wanted}, such as {kind.alternative} "
            f"({pretrained.first_line(error)})"
        ) from error
    if not hasattr(found, "image_processor") or not hasattr(found, "tokenizer"):
        raise UserError(
            f"{name}: {folder} has no processor of images and text; name {wanted}, such as "
            f"{kind.alternative}"
        )
    return found


def load(name: str, folder: Path, prompt: str, kind: hub.Kind) -> Any:
    """What turns images and words into the model's input; pads on the left.

    Raises:
        UserError: as `read`, or there is no chat template that shows the model an image and the
            prompt.
    """
    from jinja2 import TemplateError

    found = read(name, folder, "an image-text-to-text model", kind)
    if found.chat_template is None:
        raise UserError(
            f"{name}: its processor has no chat template, so how it is to be asked is unknown; "
            f"put a chat_template.jinja into a local copy, or name another model, such as "
            f"{kind.alternative}"
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
