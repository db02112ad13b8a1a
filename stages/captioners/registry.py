"""Which captioner a recipe asks for."""

from stages.captioners.captioner import Plan
from stages.params import TagCaption


def plan(settings: TagCaption) -> Plan:
    """The plan of `caption.captioner`; its module is imported only when it is the one chosen."""
    match settings.captioner:
        case "imagenet-tags":
            from stages.captioners.tags import TagPlan

            return TagPlan(settings)
