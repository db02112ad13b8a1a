"""SMPTE timecode: a time as hours, minutes, seconds and frames.

Source: SMPTE ST 12-1. At 30000/1001 frames a second a count of 30 to the second would fall behind
by 3.6 seconds an hour. Drop-frame timecode leaves out the numbers 00 and 01 (00 to 03 at
60000/1001) at the beginning of every minute that is not a tenth one; no frame is left out.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction

_CLOSE = 2e-4  # of a rate: 30 and 30000/1001 are five times as far apart
_MOST = 60  # frames have two digits, and editors know none above


@dataclass(frozen=True)
class Timecode:
    """rate: frames a second. counted: to a second of the timecode. drop: whether numbers are left
    out, to stay with the clock.
    """

    rate: Fraction
    counted: int
    drop: bool

    @classmethod
    def at(cls, fps: float) -> "Timecode":
        """The timecode of a film of so many frames a second, on average.

        Rates above 60 are halved until they are not. One that no editor knows, such as that of a
        film of variable rate, becomes the nearest whole number.
        """
        rate = fps
        while rate > _MOST * (1 + _CLOSE):
            rate /= 2
        counted = max(1, round(rate))
        slowed = Fraction(counted * 1000, 1001)
        if abs(rate / slowed - 1) < _CLOSE:
            return cls(slowed, counted, counted in (30, 60))
        return cls(Fraction(counted), counted, False)

    def starting(self, text: str) -> tuple["Timecode", int] | None:
        """What a film counts by that says this of its first frame, and that frame's number; None
        where it is no timecode of this rate.

        A semicolon or point before the frames says that numbers are left out, a colon that none is.
        """
        found = re.fullmatch(r"(\d\d?):(\d\d):(\d\d)([:;.])(\d\d)", text.strip())
        if found is None:
            return None
        hours, minutes, seconds, frames = (int(found[place]) for place in (1, 2, 3, 5))
        if minutes > 59 or seconds > 59 or frames >= self.counted:
            return None
        own = replace(self, drop=self.drop and found[4] != ":")
        whole = 60 * hours + minutes
        number = (60 * whole + seconds) * self.counted + frames
        if own.drop:
            number -= self.counted // 15 * (whole - whole // 10)
        return own, number

    def frame(self, seconds: float) -> int:
        """The number of the frame nearest to a time."""
        return round(seconds * self.rate)

    def text(self, frame: int) -> str:
        """HH:MM:SS:FF, or HH:MM:SS;FF where numbers are left out; after 24 hours from 0 again."""
        if self.drop:
            left_out = self.counted // 15
            minute = 60 * self.counted - left_out
            tens, rest = divmod(frame, 10 * minute + left_out)
            # The first minute of ten is whole; each later one begins with what it leaves out.
            minutes = max(0, (rest - left_out) // minute)
            frame += left_out * (9 * tens + minutes)
        seconds, frames = divmod(frame, self.counted)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        mark = ";" if self.drop else ":"
        return f"{hours % 24:02}:{minutes:02}:{seconds:02}{mark}{frames:02}"
