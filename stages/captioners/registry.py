"""Which captioner a recipe asks for, and what of."""

from stages.captioners.captioner import Plan
from stages.captioners.settings import CaptionSettings
from stages.work.hub import Kind

DIRECT = "direct"
"""The question after the score itself, whose answer is no part of a caption."""


def kind(settings: CaptionSettings) -> Kind | None:
    """Of the model that `caption.model` names, for messages; None where the captioner has none."""
    match settings.captioner:
        case "imagenet-tags":
            return None
        case "blip":
            from stages.captioners import blip

            return blip.KIND
        case "llava":
            from stages.captioners import llava

            return llava.KIND


def plans(settings: CaptionSettings) -> dict[str, Plan]:
    """A plan for each question asked of a frame, by its name in the recipe; at least one.

    The module of `caption.captioner` is imported only when it is the one chosen.
    """
    match settings.captioner:
        case "imagenet-tags":
            from stages.captioners.tags import TagPlan

            return {"general": TagPlan(settings)}
        case "blip":
            from stages.captioners.blip import ImagePlan

            return {"general": ImagePlan(settings)}
        case "llava":
            from stages.captioners.llava import ImageTextPlan

            lowest, highest = map(str, settings.scale)
            direct = settings.prompts.direct
            asked: dict[str, str] = {
                name: getattr(settings.prompts, name) for name in settings.describe
            }
            if settings.direct:
                asked[DIRECT] = direct.replace("{lowest}", lowest).replace("{highest}", highest)
            return {name: ImageTextPlan(settings, name, words) for name, words in asked.items()}
