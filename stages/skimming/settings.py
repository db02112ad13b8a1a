"""How a film of one's own is made a summary of: two recipes with names, and those of params.yaml.

A recipe says how a film is looked at, who captions its frames, and what scores them. What the LLM
is and what it is asked is not said here: a head's card has it, so that states are always those
the head learnt from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stages import section
from stages.captioners.settings import CaptionSettings, ImageCaption
from stages.errors import UserError
from stages.section import PARAMS

REPRESENTATIVE = "representative"
"""The scorer that learns nothing; see `stages.scorers.representative`."""


@dataclass(frozen=True)
class Looking:
    """How a film is looked at.

    every: seconds from one sampled frame to the next; the field's every 15th frame at 30 a second.
    penalty: of kernel temporal segmentation; a larger one means fewer shots. shortest: seconds
    that a shot lasts at least.
    """

    every: float = 0.5
    short_side: int = 336
    jpeg_quality: int = 92
    penalty: float = 1.0
    shortest: float = 1.0


@dataclass(frozen=True)
class SkimRecipe:
    """scorer: a head's name or file, or `REPRESENTATIVE`; None where one has to be named. caption:
    None where the scorer needs no words.
    """

    name: str
    caption: CaptionSettings | None
    scorer: str | None
    looking: Looking = Looking()


BLIP = ImageCaption(
    captioner="blip",
    model="Salesforce/blip-image-captioning-base",
    revision="9cfcdbcaccbcadb2b53b36d4b50042c4eeaa0c25",
    beams=5,  # as in the captions that the head learnt from
    max_new_tokens=49,  # the longest of those
    dtype="float32",
    batch=16,
)

RECIPES: Mapping[str, SkimRecipe] = MappingProxyType(
    {
        "laptop": SkimRecipe("laptop", BLIP, "blip-smollm2"),
        "offline": SkimRecipe("offline", None, REPRESENTATIVE),
    }
)
"""By name. `laptop`: a caption a frame, read by a small LLM, scored by the head that learnt from
the people of SumMe and TVSum. `offline`: nothing beyond the install; frames that stand for much
of the film, by how they look.
"""


def of(name: str, scorer: str | None = None) -> SkimRecipe:
    """A recipe by its name, or an entry of params.yaml by its own, with another scorer where one is
    named.

    Raises:
        UserError: no such recipe, one whose captions are given, or one without a scorer.
    """
    recipe = RECIPES[name] if name in RECIPES else _of_params(name)
    chosen = scorer or recipe.scorer
    if chosen is None:
        raise UserError(
            f"--recipe {name}: says how captions are made and not what scores them; name a head "
            "that learnt from such captions: --scorer mine.safetensors (`llmvs head train` makes "
            "one)"
        )
    caption = None if chosen == REPRESENTATIVE else recipe.caption
    if caption is None and chosen != REPRESENTATIVE:
        raise UserError(
            f"--recipe {name} makes no captions, and {chosen} is fed what an LLM makes of them; "
            "name --recipe laptop"
        )
    return SkimRecipe(name, caption, chosen, recipe.looking)


def _of_params(name: str) -> SkimRecipe:
    if not PARAMS.is_file():
        raise UserError(
            f"--recipe {name}: there are {' and '.join(RECIPES)}; where there is a {PARAMS}, its "
            "datasets that caption frames as well"
        )
    found = section.document(PARAMS).get("datasets", {})
    captioned = [each for each, recipe in found.items() if "caption" in (recipe or {})]
    if name not in captioned:
        raise UserError(
            f"--recipe {name}: there are {', '.join([*RECIPES, *captioned])} (the last by "
            f"{PARAMS}, datasets that caption frames)"
        )
    return SkimRecipe(name, section.lookup(CaptionSettings, "datasets", name, "caption"), None)
