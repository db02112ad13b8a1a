"""Whether what a captioner decides by are numbers at all.

Of logits that are NaN the greatest is the first, a token that is left out of the text: a model that
overflows would be taken for one that says nothing, of every image.
"""

import torch

from stages.work.overflow import overflowed


class Numbers:
    """A logits processor of transformers' `generate`, which raises UserError where a word's logits
    are no numbers.
    """

    def __init__(self, model: str, dtype: str) -> None:
        self._model, self._dtype = model, dtype

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        # Others may have set what is forbidden to -inf; a maximum passes NaN on.
        if not torch.isfinite(scores.amax()):
            raise overflowed(self._model, self._dtype, "caption.dtype")
        return scores
