"""What a model is asked while it is fine-tuned: the recipe's own section, with what `finetune` sets
otherwise.
"""

from collections.abc import Mapping
from typing import Any

from stages import section
from stages.captioners.settings import ImageTextCaption
from stages.errors import UserError
from stages.finetuning.settings import Finetune
from stages.llm.settings import Embed
from stages.section import PARAMS

_WORDS_ALONE = {"layer": "norm", "pooling": "max", "also": (), "prompt": {"task": "score"}}
"""Of `embed`, where nothing but the reply is used: one reading then serves whatever states the
recipe keeps."""


def embed(settings: Finetune, recipe: Embed, dataset: str) -> Embed:
    """How the LLM is asked for a score, whatever the recipe asks it for.

    Raises UserError, by its path, for a key or value that does not go.
    """
    changed = _over(_over(recipe.model_dump(), settings.embed), _WORDS_ALONE)
    found: Embed = section.validated(Embed, changed, str(PARAMS), f"{_place(dataset)}.embed")
    return found


def caption(settings: Finetune, recipe: object, dataset: str) -> ImageTextCaption:
    """How the captioner is asked for a score.

    Raises UserError as `embed`, and where the recipe's captioner cannot be asked.
    """
    if not isinstance(recipe, ImageTextCaption):
        culprit = "rows: direct*" if "direct*" in settings.rows else "caption"
        raise UserError(
            f"{PARAMS}: {_place(dataset)}.{culprit} is of a captioner that can be asked, and "
            f"datasets.{dataset}.caption names none; set caption.captioner to llava, or leave it "
            "out"
        )
    changed = _over(recipe.model_dump(), settings.caption)
    found: ImageTextCaption = section.validated(
        ImageTextCaption, changed, str(PARAMS), f"{_place(dataset)}.caption"
    )
    return found


def _place(dataset: str) -> str:
    return f"datasets.{dataset}.finetune"


def _over(section_: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A section with changes laid over it, key by key at every depth."""
    return dict(section_) | {
        key: _over(section_[key], value)
        if isinstance(value, Mapping) and isinstance(section_.get(key), Mapping)
        else value
        for key, value in changes.items()
    }
