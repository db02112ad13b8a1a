"""params.yaml: models, entries of systems of other papers, of their authors' sizes by default."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from stages.scorers.entry import Entry
from stages.section import Positive

Dropout = Annotated[float, Field(ge=0, lt=1)]


class PeerEntry(Entry):
    """A system of another paper: it keeps its size, whatever a recipe sets for all rows."""

    resized: ClassVar[bool] = False


class VasnetEntry(PeerEntry):
    """VASNet (Fajtl et al., ACCV 2018 workshops): one attention head, then a frame at a time."""

    kind: Literal["vasnet"]
    hidden: Positive = 1024
    dropout: Dropout = 0.5


class PglSumEntry(PeerEntry):
    """PGL-SUM (Apostolidis et al., ISM 2021): attention over the whole video and within segments.

    An input's width must be a multiple of global_heads, and of segments · local_heads.
    Its code takes a step on the sum of 20 videos' gradients, cut to 5, with 1e-5 of the weights
    added; `accumulate` takes their mean, for which the same step has clip 0.25 and weight_decay
    5e-7.
    """

    kind: Literal["pgl-sum"]
    segments: Annotated[int, Field(ge=2)] = 4
    global_heads: Positive = 8
    local_heads: Positive = 4
    dropout: Dropout = 0.5


class MsvaEntry(PeerEntry):
    """MSVA (Ghauri et al., ICME 2021): one attention for every input, their results summed.

    Inputs are equally wide. reach: frames this far apart, or farther, do not see each other.
    hidden: the widths of the three layers that follow.
    """

    kind: Literal["msva"]
    reach: Positive = 250
    hidden: tuple[Positive, Positive, Positive] = (365, 365, 512)
    dropout: Dropout = 0.5


class DsnetEntry(PeerEntry):
    """DSNet (Zhu et al., TIP 2021): proposals of what to show.

    heads: anchor-based, intervals of set lengths around each frame; anchor-free, how far a frame's
    own interval reaches to either side. scales: the set lengths, in frames. suppression: overlap
    from which the lesser of two intervals is dropped; its authors' 0.5 and 0.4. An input's width
    must be a multiple of attention_heads.
    """

    kind: Literal["dsnet"]
    heads: Literal["anchor-based", "anchor-free"]
    hidden: Positive = 128
    attention_heads: Positive = 8
    scales: Annotated[tuple[Positive, ...], Field(min_length=1)] = (4, 8, 16, 32)
    suppression: Annotated[float, Field(gt=0, le=1)] | None = None
    dropout: Dropout = 0.5

    @model_validator(mode="after")
    def _scales_are_even(self) -> Self:
        if any(scale % 2 for scale in self.scales):
            raise ValueError("scales must be even: pools of an odd length lose a frame")
        return self


class CstaEntry(PeerEntry):
    """CSTA (Son et al., CVPR 2024): GoogLeNet's attention to a video as an image.

    start: torchvision's file of GoogLeNet's ImageNet weights, which its authors start from; null
    starts from random ones.
    """

    kind: Literal["csta"]
    dropout: Dropout = 0.6
    start: Path | None = None


class A2SummEntry(PeerEntry):
    """A2Summ (He et al., CVPR 2023): frames and captions that propose; inputs name `sentence`.

    inter, intra: weights of the contrasts between and within videos (its authors': 0.1 and 3.0 on
    SumMe, 0.1 and 1.0 on TVSum).
    """

    kind: Literal["a2summ"]
    hidden: Annotated[int, Field(ge=8, multiple_of=8)] = 128
    layers: Positive = 2
    inter: Annotated[float, Field(ge=0)] = 0.1
    intra: Annotated[float, Field(ge=0)] = 3.0


class SspvsEntry(PeerEntry):
    """SSPVS (Li et al., WACV 2023): a Transformer in several passes; reads where inputs name
    `sentence`.

    passes: its authors' 3 on SumMe and 4 on TVSum.
    """

    kind: Literal["sspvs"]
    passes: Positive = 3
    layers: Positive = 3
    heads: Positive = 8
    feedforward: Positive = 4096
    dropout: Dropout = 0.1


class ClipItEntry(PeerEntry):
    """CLIP-It (Narasimhan et al., NeurIPS 2021): frames guided by captions; inputs name
    `sentence`.
    """

    kind: Literal["clip-it"]
    captions: Positive = 7
    layers: Positive = 6
    heads: Positive = 8
    feedforward: Positive = 2048
    dropout: Dropout = 0.1
