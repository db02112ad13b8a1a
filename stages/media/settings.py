"""params.yaml: datasets.D.sample, what is taken of videos."""

from typing import Annotated, Literal

from pydantic import Field

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
    short_side: Annotated[int, Field(ge=32)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    segmentation: Segmentation
