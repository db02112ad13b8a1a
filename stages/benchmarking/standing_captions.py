"""The caption stage with a captioner that costs nothing: what is left is the stage's own work."""

import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages import section
from stages.captioners import registry
from stages.captioners.captioner import Captioner, Pixels
from stages.work.burden import Burden


class _Captioner:
    def prepare(self, images: Sequence[Pixels], /) -> list[int]:
        return [int(np.asarray(image).sum()) for image in images]

    def caption(self, prepared: list[int], /) -> list[str]:
        return [f"Noise of {total} is seen." for total in prepared]


class Standing:
    """Settings of a captioner that costs nothing (`captioners.captioner.Plan`)."""

    batch, model = 32, ""

    def determinants(self) -> Mapping[str, Any]:
        return {"captioner": "stand-in"}

    def burden(self, images: int) -> Burden | None:
        return None

    def fetch(self) -> Path:
        return Path()

    def load(self) -> Captioner:
        return _Captioner()


def _nothing(*place: Any, **named: Any) -> None:
    """The settings that the stand-in wants."""


if __name__ == "__main__":
    registry.plans = lambda settings: {"general": Standing()}
    section.lookup = _nothing
    runpy.run_module("stages.caption", run_name="__main__")
