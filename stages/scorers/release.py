"""LLMVS's own checkpoints, read without trusting them.

The release saves PyTorch Lightning checkpoints: a dictionary whose `state_dict` holds the model
beside what training needs. Names and order of the layers are those of
`stages.scorers.global_attention`.
"""

from pathlib import Path

from stages.errors import UserError
from stages.scorers import released
from stages.scorers.global_attention import HEADS, GlobalAttention
from stages.scorers.head import Headed
from stages.scorers.mlp import Mlp


def load_checkpoint(path: Path, heads: int = HEADS) -> Headed:
    """A released model, in evaluation mode; D, M, F and the layers are read off its shapes.

    One without encoder layers is the row without attention.

    Args:
        path: weights by name, or a Lightning checkpoint that has them under `state_dict`.
        heads: of the attention, which the shapes leave open.

    Raises:
        UserError: not such a file; says what was expected and what was found.
    """
    state = released.weights(path)
    attends = any("transformer_encoder_agg.layers." in name for name in state)
    try:
        model = GlobalAttention.released(state, heads) if attends else Mlp.released(state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return model.eval()
