"""A frozen LLM by name: the embedded one, a folder, or a repository on the hub."""

from pathlib import Path
from typing import Any

from stages.errors import UserError
from stages.llm import smollm2
from stages.work import hub, pretrained
from stages.work.hub import Status
from stages.work.pretrained import dtype_of

__all__ = [
    "Status", "configuration", "context", "dtype_of", "ends_of_turn", "fetch", "fetch_small",
    "identity", "model", "status", "tokenizer",
]  # fmt: skip

KIND = hub.Kind(alternative=smollm2.NAME, embedded=smollm2.NAME)


def status(name: str, revision: str | None = None) -> Status:
    """Look, without touching the network."""
    if name != smollm2.NAME:
        return hub.status(name, revision, KIND)
    path = smollm2.folder()
    if path.is_dir():
        return Status(True, str(path))
    return Status(False, "not fetched", "llmvs weights (93 MB to download, 540 MB on disk)")


def fetch(name: str, revision: str | None = None) -> Path:
    """The local folder of a model's files, downloaded where they are absent.

    Args:
        name: the embedded model, a folder, or `owner/model` on the hub.
        revision: branch, tag or commit of a hub model.

    Raises:
        UserError: no network, no such model, no access to a gated one, no safetensors.
    """
    return smollm2.fetch() if name == smollm2.NAME else hub.fetch(name, revision, KIND)


def fetch_small(name: str, revision: str | None = None) -> Path:
    """The local folder of a model's tokenizer and configuration, and maybe no weights.

    Raises UserError as `fetch`.
    """
    return smollm2.fetch() if name == smollm2.NAME else hub.fetch_small(name, revision, KIND)


def identity(name: str, revision: str | None = None) -> dict[str, str]:
    """What determines a model's numbers, for keys in the work store; see `hub.identity`."""
    if name == smollm2.NAME:
        return {"name": name, "sha256": smollm2.SHA256}
    return hub.identity(name, revision, KIND)


def tokenizer(name: str, revision: str | None = None) -> Any:
    """The model's tokenizer. Raises UserError where it has none that can be used."""
    return pretrained.tokenizer(name, fetch_small(name, revision))


def configuration(name: str, revision: str | None = None) -> Any:
    """The model's transformers configuration. Raises UserError where it cannot be had or used."""
    from transformers import AutoConfig

    folder = fetch_small(name, revision)
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except pretrained.FAILURES as error:
        said = pretrained.first_line(error)
        raise UserError(f"{name}: no usable configuration in {folder} ({said})") from error


def context(name: str, revision: str | None = None) -> int | None:
    """Tokens that the model has room for, by its configuration; None where that says nothing.

    Raises UserError where the configuration cannot be had or used.
    """
    return room(configuration(name, revision).get_text_config())


def room(config: Any) -> int | None:
    """The same of a configuration.

    Where positions are turned by other factors once a pass is long (longrope), no more than without
    them: a prompt would be read by those that the longest beside it asks for.
    """
    whole: int | None = getattr(config, "max_position_embeddings", None)
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") in ("longrope", "dynamic"):
        short = rope.get("original_max_position_embeddings")
        return whole if short is None else min(short, whole or short)
    return whole


def model(name: str, revision: str | None = None, dtype: Any = None) -> Any:
    """The causal LM in evaluation mode, on the GPUs where there are any.

    Args:
        name, revision: as in `fetch`.
        dtype: torch's, of the weights; None: float32.

    Raises:
        UserError: fetching failed, or the files hold no causal LM that transformers knows.
    """
    from transformers import AutoModelForCausalLM

    dtype = dtype_of("float32") if dtype is None else dtype
    return pretrained.load(AutoModelForCausalLM, name, fetch(name, revision), dtype)


def ends_of_turn(model_folder: Path, tokenizer: Any) -> tuple[int, ...]:
    """Token ids that end the model's turn: its generation config's, else its tokenizer's.

    Raises UserError where there is a generation config that cannot be used.
    """
    from transformers import GenerationConfig

    ends, said = None, model_folder / "generation_config.json"
    if said.is_file():
        try:
            kept = GenerationConfig.from_pretrained(model_folder, local_files_only=True)
        except (*pretrained.FAILURES, TypeError) as error:
            raise UserError(
                f"{said}: cannot be used ({pretrained.first_line(error)}); fetch the model again, "
                "or mend or remove the file"
            ) from error
        ends = kept.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        return ()
    return tuple(sorted({ends} if isinstance(ends, int) else set(ends)))
