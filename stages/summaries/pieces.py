"""What of a film is kept for a length in seconds: whole shots, worth most together.

For people's own films. The field's summaries, by frames and at most a share of the video, are in
`stages.summaries.keyshots`.

Shapes: S shots.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.summaries.knapsack import knapsack

SHORTEST = 1.0
"""Seconds that a piece lasts at least, where the film is longer: less is a flash."""

_STEPS = 20_000
"""Of a budget at most, so that the exact knapsack of a long film stays small; to 0.05 s up to 1000
seconds of summary."""

_FINEST = 0.05

_SLACK = 0.25
"""Seconds by which a summary may fall short before a shot is cut to make up for it."""


@dataclass(frozen=True)
class Wish:
    """A length as it was asked for: a share of the film, or seconds."""

    share: float | None = None
    fixed: float | None = None

    @classmethod
    def parsed(cls, text: str, place: str = "--length") -> "Wish":
        """ "15%", "60s", "1:30" or "2min". Raises UserError for anything else, a number alone too,
        which would be a share to some and seconds to others.

        place: where it was said, for the message.
        """
        words = text.strip().lower().replace(",", ".")
        number = r"(\d+(?:\.\d+)?)"
        if found := re.fullmatch(rf"{number}\s*%", words):
            share = float(found[1]) / 100
            if 0 < share <= 1:
                return cls(share=share)
        elif found := re.fullmatch(rf"{number}\s*(s|sec|seconds|m|min|minutes)", words):
            seconds = float(found[1]) * (60 if found[2].startswith("m") else 1)
            if seconds > 0:
                return cls(fixed=seconds)
        elif found := re.fullmatch(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)", words):
            seconds = 3600 * int(found[1] or 0) + 60 * int(found[2]) + float(found[3])
            if seconds > 0:
                return cls(fixed=seconds)
        elif re.fullmatch(number, words) and float(words) > 0:
            of_film = f"{text}% of the film, or " if float(words) <= 100 else ""
            raise UserError(f"{place} {text}: of what? {of_film}{text}s")
        raise UserError(
            f"{place} {text}: expected a share of the film, such as 15%, or a time, such as 60s, "
            "2min or 1:30, more than nothing and no more than the whole"
        )

    def seconds(self, film: float) -> float:
        """What that is of a film of so many seconds; all of it at most."""
        return min(film, film * self.share if self.share is not None else self.fixed or 0.0)

    def __str__(self) -> str:
        return f"{100 * self.share:g}%" if self.share is not None else f"{self.fixed:g}s"


@dataclass(frozen=True)
class Piece:
    """[start, end) in seconds of what is kept of a shot, given by its index."""

    shot: int
    start: float
    end: float


def chosen(
    scores_S: npt.ArrayLike,
    shots_S2: Sequence[tuple[float, float]],
    moments_S: Sequence[float],
    seconds: float,
) -> tuple[Piece, ...]:
    """The pieces to keep, in order; at least one, however short the length and long the shots.

    Whole shots are taken, or one that is longer than `seconds` and trimmed to that, a shot being
    worth its mean score times its seconds, so that they last at most `seconds`, to the step that
    durations are rounded up to (a twentieth of a second, more in summaries of over a quarter of an
    hour). What room is left goes to the best shots that were not taken, one after the other, while
    it is enough for a piece. What is trimmed is trimmed around its best moment.

    Args:
        scores_S: each shot's mean score, 0 or more.
        shots_S2: start and end of each, in seconds, in order.
        moments_S: when each is at its best.
        seconds: to keep, more than 0.
    """
    values_S = np.asarray(scores_S, dtype=np.float64)
    lengths_S = np.array([end - start for start, end in shots_S2])
    if seconds >= lengths_S.sum() - 1e-6:  # of many shots the sum errs by more than a last bit
        return tuple(Piece(shot, *span) for shot, span in enumerate(shots_S2))
    step = max(_FINEST, seconds / _STEPS)
    capacity = math.floor(max(seconds, SHORTEST) / step + 1e-9)
    # A shot longer than the summary can be all of it, or the best one would never be.
    whole_S, lengths_S = lengths_S, np.minimum(lengths_S, max(seconds, SHORTEST))
    weights_S = np.maximum(1, np.ceil(lengths_S / step - 1e-9)).astype(np.int64)
    weights_S[whole_S > lengths_S] = capacity
    # A shot worth nothing would never enter, and equal ones are to be told apart by length alone.
    worth_S = (values_S + 1e-9) * lengths_S
    taken = set(knapsack(worth_S, weights_S, capacity))
    lasts = {shot: float(lengths_S[shot]) for shot in taken}
    room = seconds - sum(lasts.values())
    left = [shot for shot in range(len(values_S)) if shot not in taken]
    if left and lasts and _SLACK < room < SHORTEST:
        # Too little for a piece: the least of those taken gives what is lacking.
        lacking = SHORTEST - room
        long = [shot for shot in lasts if lasts[shot] - lacking >= SHORTEST]
        if long and lengths_S[left].max() >= SHORTEST:
            lasts[min(long, key=lambda shot: values_S[shot])] -= lacking
            room = SHORTEST
    while left and (room >= SHORTEST or not lasts):
        long = [shot for shot in left if lengths_S[shot] >= SHORTEST] or left
        best = max(long, key=lambda shot: values_S[shot])
        lasts[best] = min(max(room, SHORTEST), float(lengths_S[best]))
        room -= lasts[best]
        left.remove(best)
    return tuple(
        Piece(shot, *_around(moments_S[shot], lasts[shot], shots_S2[shot]))
        for shot in sorted(lasts)
    )


def _around(moment: float, length: float, shot: tuple[float, float]) -> tuple[float, float]:
    """So many seconds of a shot, as nearly as they lie evenly around a moment of it."""
    start, end = shot
    if length >= end - start:
        return shot
    begin = min(max(start, moment - length / 2), end - length)
    return begin, begin + length


def spans(pieces: Sequence[Piece]) -> list[tuple[float, float]]:
    """The pieces' times, with those that touch joined into one."""
    found: list[tuple[float, float]] = []
    for piece in pieces:
        if found and piece.start - found[-1][1] < 1e-6:
            found[-1] = found[-1][0], piece.end
        else:
            found.append((piece.start, piece.end))
    return found
