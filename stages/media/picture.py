"""Frames as a skim shows them: upright, of square pixels, even sizes, 8 bits, whole pictures.

All of it is done by FFmpeg's filters on the frames as they were coded, so that what needs no change
keeps its colours to the bit, which a way through RGB would not.
"""

from fractions import Fraction
from typing import NamedTuple

import av
import av.filter
from av.video.reformatter import ColorTrc

from stages.media.video import Frame, Turn, turn

_HDR = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
_MATRICES |= {9: "bt2020nc", 10: "bt2020c"}  # of ISO/IEC 23091-2
_RANGES = {1: "tv", 2: "pc"}


class _Shape(NamedTuple):
    """What a graph of filters is made for; when it changes, another one is."""

    width: int
    height: int
    format: str
    shown_width: int
    turn: Turn
    colorspace: int
    color_range: int
    hdr: str | None
    interlaced: bool


class Picture:
    """Makes frames ready for the encoder; all come out in the size of the first one.

    size: width and height, once there was a frame. A side that is odd is padded by repeating its
    last line, and a later frame of another size is fitted in, with black around it.
    Interlaced frames are deinterlaced (bwdif), each into one. High dynamic range (PQ, HLG) is
    mapped to BT.709 as libswscale does it: then `hdr` says which it was.
    """

    def __init__(self, base: Fraction) -> None:
        self._base = base
        self._shape: _Shape | None = None
        self._graph: av.filter.Graph | None = None
        self._interlaced = False
        self.size: tuple[int, int] | None = None
        self.hdr: str | None = None

    def show(self, frame: Frame, at: int, lasts: int) -> list[av.VideoFrame]:
        """Frames that are ready: this one, or the one before where there are fields to weave.

        Args:
            frame: the next one.
            at, lasts: when and how long it is to be shown, in units of the base.
        """
        # A film that mixes both would otherwise have its graph built anew at every change.
        self._interlaced |= frame.coded.interlaced_frame
        shape = _shape(frame, self._interlaced)
        ready = []
        if shape != self._shape or self._graph is None:
            ready = self.flush()
            self._shape, self._graph = shape, self._built(shape)
            self.hdr = self.hdr or shape.hdr
        coded = frame.coded
        coded.pts, coded.time_base, coded.duration = at, self._base, lasts
        self._graph.vpush(coded)
        return ready + self._pulled()

    def cut(self) -> list[av.VideoFrame]:
        """What is left of a piece: fields are not to be woven across a cut."""
        return self.flush() if self._interlaced else []

    def flush(self) -> list[av.VideoFrame]:
        """What is left."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        left, self._graph = self._pulled(), None
        return left

    def _pulled(self) -> list[av.VideoFrame]:
        assert self._graph is not None
        found: list[av.VideoFrame] = []
        while True:
            try:
                one = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return found
            # bwdif counts in halves; and the encoder takes the kind of a frame for an order.
            assert one.pts is not None
            assert one.time_base is not None
            ticks = one.time_base / self._base
            one.pts, one.duration = round(one.pts * ticks), round(one.duration * ticks)
            one.time_base = self._base
            one.pict_type = 0
            found.append(one)

    def _built(self, shape: _Shape) -> av.filter.Graph:
        upright = shape.shown_width, shape.height
        if shape.turn.swapped:
            upright = upright[::-1]
        if self.size is None:
            self.size = upright[0] + upright[0] % 2, upright[1] + upright[1] % 2
        graph = av.filter.Graph()
        nodes = [graph.add("buffer", _source(shape, self._base))]
        if shape.interlaced:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        nodes.append(graph.add("scale", _scaling(shape)))
        width, height = self.size
        right, below = width - upright[0], height - upright[1]
        # With half the colours a side, an odd side is neither turned nor padded to the pixel.
        nodes.append(graph.add("format", "yuv444p" if right or below else "yuv420p"))
        nodes += [
            graph.add(name, arguments)
            for name, arguments, wanted in (
                ("transpose", "cclock_flip", shape.turn.swapped),
                ("vflip", None, shape.turn.down),
                ("hflip", None, shape.turn.across),
            )
            if wanted
        ]
        if {right, below} <= {0, 1}:
            nodes.append(graph.add("pad", f"{width}:{height}:0:0"))
            nodes.append(graph.add("fillborders", f"right={right}:bottom={below}:mode=smear"))
        else:
            fitted = f"{width}:{height}:force_original_aspect_ratio=decrease"
            nodes.append(graph.add("scale", fitted))
            nodes.append(graph.add("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2"))
        nodes.append(graph.add("format", "yuv420p"))
        nodes.append(graph.add("setsar", "1"))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph


def _shape(frame: Frame, interlaced: bool) -> _Shape:
    coded = frame.coded
    return _Shape(
        coded.width,
        coded.height,
        coded.format.name,
        frame.width,
        turn(coded),
        coded.colorspace,
        coded.color_range,
        next((said for kind, said in _HDR.items() if coded.color_trc == kind), None),
        interlaced,
    )


def _source(shape: _Shape, base: Fraction) -> str:
    told = [
        f"video_size={shape.width}x{shape.height}:pix_fmt={shape.format}",
        f"time_base={base.numerator}/{base.denominator}:pixel_aspect=1/1",
    ]
    if shape.colorspace in _MATRICES:
        told.append(f"colorspace={_MATRICES[shape.colorspace]}")
    if shape.color_range in _RANGES:
        told.append(f"range={_RANGES[shape.color_range]}")
    return ":".join(told)


def _scaling(shape: _Shape) -> str:
    """Of the width until pixels are square, and of colours until any player knows them."""
    told = f"{shape.shown_width}:{shape.height}:out_range=tv"
    if shape.hdr:
        return f"{told}:out_color_matrix=bt709:out_primaries=bt709:out_transfer=bt709"
    if av.VideoFormat(shape.format).is_rgb:
        return f"{told}:out_color_matrix=bt709"
    return told
