"""The in-context examples that stand before every query of a run.

Shapes: T sampled frames of a video.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.errors import UserError
from stages.llm.settings import Embed, Example, Prompt
from stages.llm.window import windows

Examples = tuple[Example, ...]


class JudgedCaptions(NamedTuple):
    """A training video as people saw it: captions in order, and people's scores (T,)."""

    captions: Sequence[str]
    gtscore_T: npt.NDArray[np.floating]


def taken(prompt: Prompt) -> Examples:
    """`shown.count` of the examples written out in a prompt.

    Fewer than there are are taken evenly, so that they still span the scale.
    """
    examples, count = prompt.examples, prompt.shown.count
    return tuple(examples[(2 * place + 1) * len(examples) // (2 * count)] for place in range(count))


def written(embed: Embed) -> Examples:
    """Those taken, cut to the window."""
    return tuple(_cut(example, embed.window) for example in taken(embed.prompt))


def _cut(example: Example, window: int) -> Example:
    centre, reach = len(example.captions) // 2, window // 2
    around = example.captions[max(0, centre - reach) : centre + reach + 1]
    return example.model_copy(update={"captions": around})


def drawn(training: Mapping[str, JudgedCaptions], embed: Embed) -> Examples:
    """`shown.count` frames drawn from training videos, with people's scores on the prompt's scale.

    Frames whose window lies within their video are put in order of people's score and cut into
    `count` equal parts; `shown.seed` draws one of each, so examples go from dull to good. The
    least and the greatest score become the ends of the scale.

    Args:
        training: by name. What is not in here cannot be shown.

    Raises:
        UserError: fewer such frames than examples wanted.
    """
    prompt, reach = embed.prompt, embed.window // 2
    count, (lowest, highest) = prompt.shown.count, prompt.scale
    frames = [
        (float(score), window)
        for _, (captions, gtscore_T) in sorted(training.items())
        for index, (score, window) in enumerate(
            zip(gtscore_T, windows(captions, embed.window), strict=True)
        )
        if reach <= index < len(captions) - reach
    ]
    if len(frames) < count:
        raise UserError(
            f"embed.prompt.shown: {count} examples are to be drawn from {len(frames)} frames of "
            f"the training videos that have a whole window of {embed.window}; use fewer examples "
            "or a smaller window"
        )
    if not count:
        return ()
    frames.sort(key=lambda frame: frame[0])
    least, span = frames[0][0], frames[-1][0] - frames[0][0]
    random = np.random.default_rng(prompt.shown.seed)
    examples = []
    for part in np.array_split(np.arange(len(frames)), count):
        score, window = frames[int(random.choice(part))]
        share = (score - least) / span if span else 0.5
        on_scale = round(lowest + share * (highest - lowest))
        examples.append(Example(captions=window, score=on_scale))
    return tuple(examples)
