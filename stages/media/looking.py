"""A film of one's own, looked at once from its first frame to its last, in parts that are kept.

Memory holds a part's frames, however long the film. A part is an item of the work store, so that a
second look only reads them, and one that was stopped goes on where it was as far as looking closely
is concerned; decoding begins anew. What runs the encoder is imported where a frame is looked at: it
takes seconds, which a second look has no use for.

Shapes: N video frames, T sampled frames, P those of a part, D image feature width.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.media import timing, video
from stages.media.clock import Clock
from stages.media.jpegs import packed, unpacked
from stages.media.sampling import from_jpeg, shrink, to_jpeg
from stages.media.settings import Looking
from stages.media.timing import Timing
from stages.media.video import Frame, Pixels
from stages.vision.identity import IDENTITY
from stages.work.items import Arrays
from stages.work.store import Store, content_hash, key

VERSION = 5
"""Of what the code makes of the same film; raised where it makes something else."""

_TOLD = 64  # frames at a time
_PART = 32  # sampled frames that are looked at together: bounds memory
_FILM = "{film}"  # in what is kept, for its name
_THUMBNAIL = 32, 18  # pixels, grey: enough to tell a cut from a movement

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Film:
    """What is known of a film once it was looked at.

    timing: when each frame is shown, and what does not decode. picks_T: the sampled frames.
    changes_N: how much the picture changes from the frame before to each, in grey levels on
    average over a thumbnail. features_TD: the image encoder's. whole, parts, features: keys of the
    store's items with all this, with the frames, and with the encoder's.
    """

    path: Path
    timing: Timing
    picks_T: npt.NDArray[np.int64]
    changes_N: npt.NDArray[np.float32]
    features_TD: Floats32
    whole: str
    parts: tuple[str, ...]
    features: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all that the store has of it."""
        return (self.whole, *self.parts, self.features)

    @property
    def n_frames(self) -> int:
        """Frames it decodes to."""
        return len(self.timing.clock.times_N)

    @property
    def fps(self) -> float:
        """Frames a second on average."""
        return self.timing.clock.fps

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last."""
        return self.timing.end

    @property
    def times_T(self) -> Floats:
        """When the sampled frames are shown, in seconds from the first frame."""
        found_T: Floats = self.timing.clock.times_N[self.picks_T]
        return found_T

    def jpegs(self, store: Store) -> Iterator[bytes]:
        """The sampled frames in order as the bytes of JPEG files, a part in memory at a time.

        Raises UserError where a part has gone from the store since.
        """
        for part in self.parts:
            yield from unpacked(_there(store, part, self.path))


def look(
    path: Path, looking: Looking, store: Store, told: Callable[[int], None] = lambda frames: None
) -> Film:
    """Look at a film, or take from the store what was seen before.

    Args:
        path: its file.
        looking: how.
        store: of what was seen.
        told: of frames decoded, a few at a time.

    Raises:
        UserError: the file cannot be read, is no video, or nothing of it decodes.
    """
    identity = key(
        stage="film",
        version=VERSION,
        file=_content(path),
        every=looking.every,
        short_side=looking.short_side,
        jpeg_quality=looking.jpeg_quality,
        encoder=IDENTITY,
    )
    whole, joined = key(film=identity, part="whole"), key(film=identity, part="features")
    seen = store.get(whole)
    parts = () if seen is None else _parts(identity, int(seen["parts"]))
    if seen is None or any(part not in store for part in parts):
        seen = _seen(path, looking, store, identity, told)
        store.put(whole, seen)
        parts = _parts(identity, int(seen["parts"]))
    times = Clock(float(seen["fps"]), seen["times"])
    return Film(
        path=path,
        timing=Timing(
            times, str(seen["damage"]).replace(_FILM, path.name) or None, bool(seen["early"])
        ),
        picks_T=seen["picks"],
        changes_N=seen["changes"],
        features_TD=_features(joined, parts, store, path),
        whole=whole,
        parts=parts,
        features=joined,
    )


def _content(path: Path) -> str:
    try:
        return content_hash(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error


def _parts(identity: str, count: int) -> tuple[str, ...]:
    return tuple(key(film=identity, part=number) for number in range(count))


def _features(place: str, parts: tuple[str, ...], store: Store, path: Path) -> Floats32:
    """All parts' (T, D), kept beside them: a second look then reads no frames."""
    kept = store.get(place)
    if kept is None:
        kept = {"features": np.concatenate([_there(store, p, path)["features"] for p in parts])}
        store.put(place, kept)
    return kept["features"]


def _there(store: Store, part: str, path: Path) -> Arrays:
    found = store.get(part)
    if found is None:
        store.drop(part)  # damaged: then it is missed, and seen again
        raise UserError(
            f"{path}: a part of what was seen of it is gone or damaged in {store.root}; run again"
        )
    return found


class _Look:
    """One pass over a film: what is due is sampled, and every change of picture measured."""

    def __init__(
        self, looking: Looking, header: video.Header, put: Callable[[list[bytes]], None]
    ) -> None:
        self._looking, self._put = looking, put
        self._frame, self._due = 1 / header.rate, 0.0
        self._longest = header.joins.on
        self._at = -self._frame
        self._before: float | None = None
        self._thumbnail: npt.NDArray[np.int16] | None = None
        self._waiting: list[bytes] = []
        self._last: Frame | None = None
        self.stamps: list[float | None] = []
        self.lasts: float | None = None
        self.picks: list[int] = []
        self.changes: list[float] = []

    def take(self, frame: Frame) -> None:
        number = len(self.stamps)
        self.stamps.append(frame.shown)
        self.lasts = frame.lasts
        grey = frame.coded.reformat(*_THUMBNAIL, format="gray").to_ndarray().astype(np.int16)
        change = 0.0 if self._thumbnail is None else float(np.abs(grey - self._thumbnail).mean())
        self._thumbnail = grey
        self.changes.append(change)
        passed = self._passed(frame)
        if self._last is not None and passed >= self._looking.every:
            self._sample(self._last, number - 1)  # it stood on the screen all that time
        self._at += passed
        self._last = frame
        # Half a frame's time from now, or before.
        if self._at + self._frame / 2 >= self._due:
            self._sample(frame, number)

    def end(self) -> None:
        """The film is over: what stood at its end until then is sampled too."""
        if self._last is not None and (self._last.lasts or 0.0) >= self._looking.every:
            self._sample(self._last, len(self.stamps) - 1)
        self.flush()

    def _sample(self, frame: Frame, number: int) -> None:
        image = shrink(video.pixels(frame), self._looking.short_side)
        self._waiting.append(to_jpeg(image, self._looking.jpeg_quality))
        self.picks.append(number)
        self._last = None
        self._due = max(self._due + self._looking.every, self._at)
        if len(self._waiting) == _PART:
            self.flush()

    def _passed(self, frame: Frame) -> float:
        """Seconds since the frame before."""
        step = self._frame
        if frame.shown is not None and self._before is not None:
            shown = frame.shown - self._before
            # A step back, or a leap, is where parts with clocks of their own were joined.
            step = shown if 0 <= shown <= self._longest else self._frame
        self._before = frame.shown
        return step

    def flush(self) -> None:
        if self._waiting:
            self._put(self._waiting)
            self._waiting = []


def _seen(
    path: Path,
    looking: Looking,
    store: Store,
    identity: str,
    told: Callable[[int], None],
) -> Arrays:
    encoder: list[Callable[[list[Pixels]], Floats32]] = []
    count = 0

    def put(jpegs: list[bytes]) -> None:
        nonlocal count
        part = key(film=identity, part=count)
        count += 1
        store.begin([part])  # a film that is not gone through yet is unfinished work
        if part in store and store.damage(part) is None:
            return
        if not encoder:
            from stages.vision.encoder import ImageEncoder

            looks = ImageEncoder.load()
            encoder.append(lambda shown: looks(shown).features_TD)
        # What is stored is what is looked at, so that features can be had again from the frames.
        features_PD = encoder[0]([from_jpeg(jpeg) for jpeg in jpegs])
        store.put(part, {**packed(jpegs), "features": features_PD})

    decoding = timing.Decoding(path)
    seeing = _Look(looking, video.header(path), put)
    for frame in decoding:
        seeing.take(frame)
        if len(seeing.stamps) % _TOLD == 0:
            told(_TOLD)
    found = decoding.timing(seeing.stamps, seeing.lasts)
    told(len(seeing.stamps) % _TOLD)
    seeing.end()
    return {
        "parts": np.array(count),
        "fps": np.array(found.clock.fps),
        "times": found.clock.times_N,
        "picks": np.array(seeing.picks, dtype=np.int64),
        "changes": np.array(seeing.changes, dtype=np.float32),
        # What was seen is found again by content, under whatever name the film has then.
        "damage": np.array((found.damage or "").replace(str(path), _FILM)),
        "early": np.array(found.early),
    }
