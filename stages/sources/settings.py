"""params.yaml: datasets.D.download, where videos and people come from."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from stages.section import Count, Dtype, Name, Positive, Section, Sha256, Text, Unit, Url


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


class MrHisumDownload(Section):
    """MR.HiSum: its h5 at `source`, features included where those are what is given; its split from
    `split_url`, or `split`, a file at hand. videos: a folder of files named by YouTube ids, and
    metadata: the authors' csv, which names the ids; where videos are given.
    """

    kind: Literal["mrhisum"]
    source: Text
    videos: Text | None = None
    metadata: Text | None = None
    split: Text | None
    split_url: Url
    split_sha256: Sha256 | None


class FolderDownload(Section):
    """Films of one's own, which nobody judged: a folder of them, or one file."""

    kind: Literal["folder"]
    source: Text


Download = Annotated[
    DemoDownload | SumMeDownload | TVSumDownload | MrHisumDownload, Field(discriminator="kind")
]
"""Of videos that people judged."""

AnyDownload = Annotated[
    DemoDownload | SumMeDownload | TVSumDownload | MrHisumDownload | FolderDownload,
    Field(discriminator="kind"),
]


class Clip(Section):
    """A CLIP whose image half looks at the sampled frames.

    model: a folder, or a repository on the hub. batch: frames of one pass.
    """

    model: Text
    revision: str | None
    dtype: Dtype
    batch: Positive


_FileOrClip = Annotated[
    Annotated[Text, Tag("file")] | Annotated[Clip, Tag("made")],
    Discriminator(lambda given: "file" if isinstance(given, str) else "made"),
]
"""Told apart first, so that what is wrong with one is not said of both."""


class Features(Section):
    """Files of features that others made of the frames, by what a scorer's inputs call them; of
    `clip` also the model that makes them here, where there are frames.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    pool5: Text | None = None
    i3d_rgb: Annotated[Text | None, Field(alias="i3d-rgb")] = None
    i3d_flow: Annotated[Text | None, Field(alias="i3d-flow")] = None
    clip: _FileOrClip | None = None

    @property
    def paths(self) -> dict[str, str | None]:
        """Files by input."""
        return self.model_dump() | ({"clip": None} if isinstance(self.clip, Clip) else {})

    @property
    def provided(self) -> frozenset[str]:
        """The inputs that come of a file or a model."""
        return frozenset(name for name, of in self.model_dump().items() if of)


class Videos(Section):
    """The videos themselves: they are fetched, sampled, captioned and embedded here."""

    kind: Literal["videos"]


class Captions(Section):
    """A caption of every picked frame, fetched from `url` and held to its sha256, or read from
    `source`, a file at hand: JSON lines as this project writes them, or
    ``{video: {"picks": […], "captions": […]}}``.
    """

    kind: Literal["captions"]
    source: Text | None = None
    url: Url | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if self.source is None and self.url is None:
            raise ValueError("captions are given neither as source nor as url")
        if self.source is None and self.sha256 is None:
            raise ValueError("captions fetched from a url need their sha256")
        return self


class Embeddings(Section):
    """The authors' embedding files, states pooled over tokens."""

    kind: Literal["embeddings"]
    query: Text
    answer: Text


class FeaturesAlone(Section):
    """Nothing but features of the frames, which the section `features` names."""

    kind: Literal["features"]


class Scores(Section):
    """Scores of the picked frames to be judged as they are: a row a file, by the row's name.

    A file is JSON, CSV or HDF5, as `stages.sources.score_files` reads them.
    """

    kind: Literal["scores"]
    rows: Annotated[dict[Name, Text], Field(min_length=1)]


Given = Annotated[
    Videos | Captions | Embeddings | FeaturesAlone | Scores, Field(discriminator="kind")
]
