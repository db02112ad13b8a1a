"""What learning from one prompt takes of a model."""

from stages.finetuning.settings import Finetune
from stages.work.architecture import Decoder

ANSWER = 6
"""Tokens of an answer such as "score: 7", its end included, about."""


def operations(model: Decoder, tokens: float, settings: Finetune) -> float:
    """Floating-point operations of a prompt of so many tokens with its answer, forth and back.

    Forth through all layers. Back through those that are adapted and no other, as often as forth:
    weights are frozen, so that of a product only the gradient of its input is wanted. Where states
    are not kept (`checkpointing`), those layers are passed forth once more. The adapter's own
    products are left out: of rank 8 they are a hundredth.
    """
    whole = model.operations(tokens + ANSWER, 0)
    head = model.operations(0, 0, answers=ANSWER)
    share = (settings.lora.layers or model.layers) / model.layers
    return whole + head + (1 + settings.checkpointing) * share * whole + head
