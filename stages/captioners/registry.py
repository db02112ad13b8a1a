"""Which captioner a recipe asks for."""

from stages.captioners.captioner import Plan
from stages.params import CaptionSettings


def plan(settings: CaptionSettings) -> Plan:
    """The plan of `caption.captioner`; its module is imported only when it is the one chosen."""
    match settings.captioner:
        case "imagenet-tags":
            from stages.captioners.tags import TagPlan

            return TagPlan(settings)
        case "llava":
            from stages.captioners.llava import ImageTextPlan

            return ImageTextPlan.of(settings)
