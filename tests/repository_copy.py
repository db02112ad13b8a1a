"""The repository copied elsewhere, and commands run in it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def environment() -> dict[str, str]:
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(paths), "DVC_NO_ANALYTICS": "1"}


def run(where: Path, *command: str) -> str:
    """A command's output, standard error included. Fails the test where the command fails."""
    done = subprocess.run(
        command,
        cwd=where,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def stages_run(output: str) -> set[str]:
    """Names of the stages that `dvc repro` says it ran, or would run."""
    return {
        name.rpartition(":")[2].split("@")[0]
        for name in re.findall(r"^(?:Running|> Would run) stage '([^']+)'", output, re.MULTILINE)
    }


def copy_to(where: Path) -> None:
    """The working tree as git sees it, without results; a git repository with nothing committed."""
    listed = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard")
    for name in listed.splitlines():
        if (
            (ROOT / name).is_file()
            and not name.startswith("reports/")
            and not name.endswith("dvc.lock")
        ):
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, where / name)
    run(where, "git", "init", "--quiet")
    run(where, "git", "config", "user.email", "test@example.org")
    run(where, "git", "config", "user.name", "test")
