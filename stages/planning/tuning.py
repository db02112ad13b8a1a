"""What a fine-tuned row costs: learning from training videos, and answering for test videos."""

from dataclasses import dataclass
from math import ceil

from stages.errors import UserError
from stages.finetuning.cost import ANSWER, operations
from stages.finetuning.settings import Finetune
from stages.planning.estimate import Cost, Machine, between_layers, halved, share_learnt
from stages.planning.workload import Frames
from stages.section import Dtype
from stages.splits.settings import Splits
from stages.work.architecture import BYTES, Decoder

STATE = 16
"""Bytes of an adapter's parameter while it learns: weight, gradient, Adam's two moments."""
KEPT = 12
"""Bytes of it in the work store: without the gradient."""


@dataclass(frozen=True)
class Lessons:
    """What is learnt from: a model in a number format, and prompts of so many tokens, an image's
    included. beside: operations of a prompt before the language model, those of its image.
    """

    model: Decoder
    dtype: Dtype
    tokens: float
    beside: float = 0


def parameters(model: Decoder, settings: Finetune) -> int:
    """Of an adapter. Raises UserError where the model has no such layers or maps."""
    lora = settings.lora
    wide, narrow = model.heads * model.head_width, model.key_heads * model.head_width
    maps = {
        "q_proj": (model.hidden, wide),
        "k_proj": (model.hidden, narrow),
        "v_proj": (model.hidden, narrow),
        "o_proj": (wide, model.hidden),
        "gate_proj": (model.hidden, model.intermediate),
        "up_proj": (model.hidden, model.intermediate),
        "down_proj": (model.intermediate, model.hidden),
    }
    if unknown := [name for name in lora.modules if name not in maps]:
        raise UserError(
            f"finetune.lora.modules: a layer has no {unknown[0]} (it has {', '.join(maps)})"
        )
    if lora.layers is not None and lora.layers > model.layers:
        raise UserError(
            f"finetune.lora.layers: asks for the last {lora.layers}, and the model has "
            f"{model.layers}"
        )
    return (lora.layers or model.layers) * sum(lora.rank * sum(maps[name]) for name in lora.modules)


def runs(settings: Finetune, splits: Splits) -> int:
    """How many adapters are trained."""
    return len(settings.protocols) * splits.folds * len(settings.seeds)


def learnt(settings: Finetune, splits: Splits, frames: Frames) -> int:
    """Frames that one run learns from, one met in two epochs counted twice."""
    each = sum(min(settings.frames or one, one) * count for one, count in frames.lengths)
    return round(settings.epochs * share_learnt(splits) * each)


def kept(settings: Finetune, model: Decoder, width: int, tokens: float) -> float:
    """Bytes that a row leaves behind on its way forth, for the way back, about.

    As torch was seen to keep of transformers' Llama with adapters of its attention: a layer the
    inputs of its gated MLP's products and of its attention, and in float32 what its norms and
    adapters saw; where states are computed again, its own input alone.
    """
    a_layer = width * (3 * model.intermediate + 4 * model.hidden) + 36 * model.hidden
    layers = settings.lora.layers or model.layers
    if settings.checkpointing:
        return tokens * (layers * (width + 1) * model.hidden + a_layer)
    return tokens * (layers * a_layer + width * between_layers(model))


def cost(
    settings: Finetune,
    splits: Splits,
    frames: Frames,
    lessons: Lessons,
    answering: Cost,
    machine: Machine,
) -> Cost:
    """The finetune stage of one row.

    answering: what it costs to ask about every frame once.
    """
    model, width = lessons.model, BYTES[lessons.dtype]
    weights = width * model.parameters
    state = STATE * parameters(model, settings)
    a_row = kept(settings, model, width, lessons.tokens + ANSWER)
    at_once = halved(settings.batch, (machine.memory - weights - state) / a_row)
    rows = max(at_once, 1)
    each = lessons.beside + operations(model, lessons.tokens, settings)
    total = runs(settings, splits) * learnt(settings, splits, frames)
    share = (settings.lora.layers or model.layers) / model.layers
    a_pass = machine.seconds(rows * each, weights * (1 + share))
    # A protocol's splits together test about as many videos as there are.
    asked = len(settings.protocols) * len(settings.seeds)
    return Cost(
        "finetune",
        total * each + asked * answering.operations,
        ceil(total / rows) * a_pass + asked * answering.seconds,
        weights + state,
        max(rows * a_row, answering.working),
        at_once if answering.at_once else 0,
        "prompts",
    )
