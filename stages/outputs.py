"""What a failing stage's earlier outputs have become, and how to get them back.

DVC removes a stage's outputs before it runs it.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def remedy(environment: Mapping[str, str] = os.environ) -> str:
    """A sentence on how to get back the outputs that DVC removed; "" where it removed none.

    Of a stage that DVC runs in the repository itself: an experiment in a folder of its own leaves
    the repository's outputs alone.
    """
    stage = environment.get("DVC_STAGE", "")
    root = environment.get("DVC_ROOT")
    if not stage or root is None or Path(root).resolve() != Path.cwd():
        return ""
    gone = [path for path in _earlier(stage) if not Path(path).exists()]
    tracked = [path for path in gone if _in_git(path)]
    commands = [f"git restore {path}" for path in tracked]
    if len(gone) > len(tracked):
        commands.insert(0, f"dvc checkout {stage}")
    if not commands:
        return ""
    return f"DVC removed this stage's earlier outputs; to have them back: {'; '.join(commands)}"


def _earlier(stage: str) -> list[str]:
    """Paths of a stage's outputs when it last ended well, from the lock beside its pipeline."""
    pipeline, _, name = stage.rpartition(":")
    lock = Path(pipeline or "dvc.yaml").with_name("dvc.lock")
    try:
        found: Any = yaml.safe_load(lock.read_text(encoding="utf-8"))
        return [out["path"] for out in found["stages"][name]["outs"]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return []


def _in_git(path: str) -> bool:
    command = ["git", "ls-files", "--error-unmatch", path]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
