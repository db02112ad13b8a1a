"""Systems that are fed captions beside the features of frames.

Shapes: T frames, D width of an input.
"""

from collections.abc import Mapping

from torch import Tensor

from stages.errors import UserError
from stages.scorers.head import maximum

TEXT = "sentence"
"""The input that embeds each frame's caption, and what it is prepared as."""


def captioned(kind: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Features and captions as two prepared inputs: the elementwise maximum of all inputs but
    `sentence`, and it.

    Raises UserError where either is missing, or inputs are of different widths.
    """
    if TEXT not in inputs or len(inputs) == 1:
        raise UserError(
            f"params.yaml: models: a scorer of kind {kind} is fed {TEXT} and features of frames "
            f"(pool5, say); found {', '.join(inputs)}"
        )
    features = {name: x_TD for name, x_TD in inputs.items() if name != TEXT}
    return maximum(kind, features) | {TEXT: inputs[TEXT]}
