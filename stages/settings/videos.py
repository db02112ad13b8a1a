"""params.yaml: download and sample, where videos come from and what is taken of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.settings.section import Count, Positive, Section, Text, Unit


class DemoDownload(Section):
    """The built-in synthetic dataset: real photographs, simulated people."""

    kind: Literal["demo"]
    seed: Count
    videos: Annotated[int, Field(ge=5)]
    subjects: tuple[str, ...]
    shots: tuple[Positive, Positive]
    shot_seconds: tuple[float, float]
    subjects_per_video: tuple[Positive, Positive]
    fps: Positive
    size: tuple[Positive, Positive]
    users: Annotated[int, Field(ge=2)]
    rarity: Unit
    noise: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for key in ("shots", "shot_seconds", "subjects_per_video"):
            low, high = getattr(self, key)
            if not 0 < low <= high:
                raise ValueError(f"{key} must be [low, high] with 0 < low <= high")
        if self.subjects_per_video[1] > len(self.subjects):
            raise ValueError(
                f"subjects_per_video asks for {self.subjects_per_video[1]} subjects in a video, "
                f"and subjects names {len(self.subjects)}"
            )
        if self.size[0] % 2 or self.size[1] % 2:
            raise ValueError("size must be even in both directions (H.264 halves the colour)")
        return self


Url = Annotated[str, Field(pattern=r"^https?://")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SumMeDownload(Section):
    """SumMe: fetched from `url`, or read from `source`, an archive or folder at hand."""

    kind: Literal["summe"]
    source: str | None
    url: Url
    h5: str | None


class TVSumDownload(Section):
    """TVSum: videos from `url` or `source`, annotations from `annotations_url` or `source`."""

    kind: Literal["tvsum"]
    source: str | None
    url: Url
    annotations_url: Url
    annotations_sha256: Sha256 | None
    h5: str | None


Download = Annotated[DemoDownload | SumMeDownload | TVSumDownload, Field(discriminator="kind")]


class Segmentation(Section):
    penalty: Annotated[float, Field(ge=0)]
    max_shots: Positive | None


class Sample(Section):
    every: Positive
    tolerance: Count
    short_side: Annotated[int, Field(ge=32)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)]
    segmentation: Segmentation


class Pooled(Section):
    """The authors' embedding files, pooled over tokens, in place of videos and models."""

    query: Text
    answer: Text
