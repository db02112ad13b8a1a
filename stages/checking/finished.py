"""Which stages ran already with the settings asked for, by what lies there and DVC's lock files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.experiments.overrides import ABSENT, differing, lookup
from stages.experiments.revisions import HERE
from stages.params import Params

CALLED = {"clip": ("features-frames",), "finetune": ("finetune", "finetune-direct")}
"""Stages of the DAG by a plan's name of them, where that is another; training has one a row."""

FOLLOWERS = {
    "caption": {"embed", "sentences", "finetune", "train"},
    "embed": {"finetune", "train"},
    "sentences": {"train"},
    "clip": {"train"},
}
"""Whose outputs are due anew where a stage's are."""

_BEFORE = ("download", "sample", "given-captions", "given-embeddings", "given-features")


def left(settings: Params, dataset: str, made: Mapping[str, Sequence[Path]]) -> set[str]:
    """Of a plan's stages those that are still to be done.

    Args:
        settings: as they are asked for.
        dataset: an entry of its datasets.
        made: what each stage makes.
    """
    locked = HERE.locked()
    written = settings.model_dump(mode="json", exclude_unset=True)

    def changed(names: Iterable[str]) -> bool:
        return any(name in locked and _differs(locked[name], written) for name in names)

    if changed(f"{name}@{dataset}" for name in _BEFORE):
        return set(made)
    ran = {stage: [f"{name}@{dataset}" for name in CALLED.get(stage, (stage,))] for stage in made}
    ran["train"] = [f"train@{dataset}-{model}" for model in settings.run.models]
    found = {
        stage
        for stage, paths in made.items()
        if not all(path.is_file() for path in paths) or changed(ran[stage])
    }
    for stage in FOLLOWERS:
        if stage in found:
            found |= FOLLOWERS[stage]
    return found & set(made)


def _differs(ran: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    """Whether a stage's entry in a lock file has other settings than those written."""
    for path, value in (ran.get("params", {}).get("params.yaml") or {}).items():
        now = lookup(written, path)
        if now is ABSENT or differing({path: now}, {path: value}):
            return True
    return False
