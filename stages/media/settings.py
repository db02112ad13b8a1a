"""params.yaml: datasets.D.sample, what is taken of videos."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stages import section
from stages.section import Count, Positive, Section


class FieldSegmentation(Section):
    """The field's number of shots: one for each 150 frames begun, ceil(n_frames / 150)."""

    rule: Literal["field"]


class PenaltySegmentation(Section):
    """As many shots as pay for themselves (Potapov et al. 2014); a larger penalty means fewer."""

    rule: Literal["penalty"]
    penalty: Annotated[float, Field(ge=0)]
    max_shots: Positive | None


Segmentation = Annotated[FieldSegmentation | PenaltySegmentation, Field(discriminator="rule")]


class Sample(Section):
    tolerance: Count
    shorter: Count | None = None
    short_side: Annotated[int, Field(ge=32)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    segmentation: Segmentation


def sampled_by(dataset: str) -> "Sample | Looking":
    """A recipe's section; films of one's own, whose frames it spaces in seconds, have another."""
    place = "datasets", dataset, "sample"
    found: Sample | Looking = section.lookup(
        Looking if "every" in section.lookup(dict[str, Any], *place) else Sample, *place
    )
    return found


class Looking(Section):
    """How films of one's own are looked at, of which nothing is known beforehand.

    every: seconds from one sampled frame to the next; the field's every 15th frame at 30 a second.
    penalty: of kernel temporal segmentation; a larger one means fewer shots. shortest: seconds
    that a shot lasts at least.
    """

    every: Annotated[float, Field(gt=0)] = 0.5
    short_side: Annotated[int, Field(ge=32)] = 336
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 92
    penalty: Annotated[float, Field(ge=0)] = 1.0
    shortest: Annotated[float, Field(ge=0)] = 1.0
