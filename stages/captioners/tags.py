"""The captioner that needs no account and no GPU: ImageNet labels as a sentence.

C = 1000 ImageNet classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.captioners.captioner import Captioner, Pixels
from stages.captioners.settings import TagCaption
from stages.vision.encoder import ImageEncoder, weights_path
from stages.vision.labels import imagenet_labels

VERSION = 1
"""Raise it when the same image and settings are to give another sentence."""

_PLURAL = {
    "binoculars", "dark glasses", "jeans", "pajamas", "parallel bars", "sunglasses",
    "swimming trunks",
}  # fmt: skip
_STUFF = {
    "broccoli", "carbonara", "chain mail", "chocolate sauce", "consomme", "coral fungus", "corn",
    "dough", "eggnog", "espresso", "face powder", "guacamole", "hair spray", "hay", "ice cream",
    "mashed potato", "perfume", "rapeseed", "red wine", "sunscreen", "thatch", "toilet tissue",
    "velvet", "wool",
}  # fmt: skip
_CONSONANT_SOUND = ("European", "unicycle")
_VOWEL_SOUND = ("hourglass",)


def with_article(label: str) -> str:
    """An ImageNet label as a noun phrase: "an Egyptian cat", "a unicycle", "broccoli"."""
    if label in _PLURAL or label in _STUFF:
        return label
    vowel = label[0].lower() in "aeiou" and not label.startswith(_CONSONANT_SOUND)
    return f"an {label}" if vowel or label.startswith(_VOWEL_SOUND) else f"a {label}"


def sentence(
    probabilities_C: npt.NDArray[np.float32],
    labels: Sequence[str],
    most: int,
    min_probability: float,
) -> str:
    """The likeliest labels as a sentence, likeliest first.

    Args:
        probabilities_C: one a label; where two are equal the earlier label goes first.
        labels: names of the C classes.
        most: at most so many labels are named.
        min_probability: a label below it is left out; the likeliest always stays.
    """
    best = np.argsort(-probabilities_C, kind="stable")[:most]
    likely = [index for index in best[1:] if probabilities_C[index] >= min_probability]
    phrases = [with_article(labels[index]) for index in (best[0], *likely)]
    *first, last = phrases
    listed = f"{', '.join(first)} or {last}" if first else last
    return f"This looks like {listed}."


@dataclass(frozen=True)
class TagPlan:
    """Settings of `imagenet-tags`; a `stages.captioners.captioner.Plan`."""

    settings: TagCaption

    @property
    def batch(self) -> int:
        return self.settings.batch

    @property
    def model(self) -> str:
        return ""

    def determinants(self) -> dict[str, Any]:
        return {
            "captioner": self.settings.captioner,
            "version": VERSION,
            "encoder": ImageEncoder.identity,
            "labels": self.settings.labels,
            "min_probability": self.settings.min_probability,
        }

    def burden(self, images: int) -> None:
        """Little: minutes."""

    def fetch(self) -> Path:
        return weights_path()

    def load(self) -> Captioner:
        return Tagger(ImageEncoder.load(), self.settings)


class Tagger:
    """An image classifier that speaks in sentences; a `stages.captioners.captioner.Captioner`."""

    def __init__(self, encoder: ImageEncoder, settings: TagCaption) -> None:
        self._encoder = encoder
        self._settings = settings

    def prepare(self, images: Sequence[Pixels], /) -> Sequence[Pixels]:
        """The images as they are: the encoder gives each a thread of its own."""
        return images

    def caption(self, prepared: Sequence[Pixels], /) -> list[str]:
        labels, settings = imagenet_labels(), self._settings
        probabilities_TC = self._encoder(prepared).probabilities_TC
        return [
            sentence(probabilities_C, labels, settings.labels, settings.min_probability)
            for probabilities_C in probabilities_TC
        ]
