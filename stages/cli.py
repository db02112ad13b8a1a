"""The `llmvs` command: every stage, and the commands beside them.

Stages are imported only when they are called, so that `llmvs --help` answers at once.
"""

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from stages import command
from stages.errors import UserError

STAGES = {
    "download": "Videos and people's annotations.",
    "sample": "Every 15th frame, image features, shots.",
    "caption": "One sentence a frame.",
    "embed": "The frozen LLM's query and answer embeddings.",
    "train": "The global self-attention, fold by fold.",
    "evaluate": "Scores against people: tau, rho, F1.",
    "report": "One page with everything.",
}
"""The DAG in order; a stage is `stages/NAME.py` with a function NAME."""


class _Group(TyperGroup):
    """Lists the stages in the order of the DAG, then the other commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*STAGES, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in STAGES:
            return super().get_command(ctx, cmd_name)
        function = getattr(importlib.import_module(f"stages.{cmd_name}"), cmd_name)
        app = typer.Typer(add_completion=False)
        app.command(cmd_name)(function)
        return get_command(app)


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="LLMVS, reproduced: video summarization with large language models. "
    "`dvc repro` runs the stages in order; each is a command of its own here.",
)


@app.command()
def doctor() -> None:
    """Say what this machine has, what is missing, and how to get it."""
    from stages.diagnosis import diagnose

    if not diagnose(command.stderr):
        raise SystemExit(1)


@app.command()
def weights() -> None:
    """Fetch the frozen models the recipes of `run.datasets` name (done once, then offline)."""
    from stages.llm import weights as llm_weights
    from stages.params import load

    settings = load()
    for dataset in settings.run.datasets:
        embed = settings.datasets[dataset].embed
        path = llm_weights.fetch(embed.llm, embed.revision)
        command.stderr.print(f"{embed.llm}: {path}")


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Empty the work store of everything that no current output was made from.

    Not while a stage is running: what it has finished is not yet part of an output.
    """
    from stages.work.store import Store

    found = Store.default().collect(dry_run)
    verb = "would drop" if dry_run else "dropped"
    command.stderr.print(
        f"kept {found.kept} items, {verb} {found.dropped} ({found.freed_bytes / 1e6:.1f} MB)"
    )


@app.command()
def deps(
    write: Annotated[bool, typer.Option("--write", help="Bring dvc.yaml in line.")] = False,
) -> None:
    """Compare each stage's `deps` in dvc.yaml with the modules its code imports."""
    from stages import dependencies

    if write:
        dependencies.write()
    found = dependencies.differences()
    for stage, (missing, idle) in found.items():
        for path in missing:
            command.stderr.print(f"{stage}: deps misses {path}")
        for path in idle:
            command.stderr.print(f"{stage}: deps lists {path}, which it does not use")
    if found:
        raise UserError("dvc.yaml is out of line with the code: llmvs deps --write")


def main() -> Any:
    """Entry point of the console script."""
    command.set_up_logging()
    with command.reported():
        return app()


if __name__ == "__main__":
    main()
