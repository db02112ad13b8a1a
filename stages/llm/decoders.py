"""Which causal LMs the engine can read: what their layers must do, and what they must not."""

from typing import Any

from stages.errors import UserError

_ATTEND = {"full_attention", "sliding_attention"}
_OTHERS = ("attn_logit_softcapping", "v_head_dim")
"""What a model's own attention does, of which the engine's knows nothing, by its config."""
_INSTEAD = "name a Llama, Qwen2 or Mistral-like model"


def name_of(model: Any) -> str:
    """What a person called it, or its class."""
    return str(model.config.name_or_path or type(model).__name__)


def decoder_of(model: Any) -> Any:
    """The layers under the language-model head, which must end in an RMSNorm.

    Raises:
        UserError: they do not, or layers do something else than softmax attention over all tokens
            or a window of them, which packed rows behind a shared prefix would get wrong unsaid.
    """
    config = model.config.get_text_config()
    said = sorted(set(getattr(config, "layer_types", None) or ()) - _ATTEND)
    said += [name for name in _OTHERS if getattr(config, name, None)]
    if any(name.endswith("sinks") for name, _ in model.named_parameters()):
        said.append("sinks")
    if config.model_type == "diffllama":
        said.append("differential attention")
    if said:
        raise UserError(
            f"{name_of(model)}: its layers do what the shared prefix cannot ({', '.join(said)}); "
            f"{_INSTEAD}"
        )
    decoder = getattr(model, "model", None)
    norm = getattr(decoder, "norm", None)
    if norm is None or "RMSNorm" not in type(norm).__name__:
        found = "nothing of that name" if norm is None else type(norm).__name__
        raise UserError(
            f"{name_of(model)}: expected a final RMSNorm at model.norm, found {found}; {_INSTEAD}"
        )
    return decoder
