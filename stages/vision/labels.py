"""The names of the 1000 ImageNet classes, in the order of the encoder's probabilities."""

from functools import cache
from importlib.resources import files


@cache
def imagenet_labels() -> tuple[str, ...]:
    """One English noun phrase a class, without article; all different."""
    text = files("stages.vision").joinpath("imagenet_labels.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
