"""`llmvs gc`: the work store without what nothing needs."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from stages import command
from stages.errors import UserError
from stages.work import claims, runs
from stages.work.cache import library
from stages.work.collection import Unfinished, collect, emptied
from stages.work.store import Store

OUTPUTS = (Path("data"), Path("reports"))
"""Where a killed stage may have left half a file."""


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Drop the work of unfinished stages as well.")
    ] = False,
    films: Annotated[
        bool,
        typer.Option("--films", help="Instead, drop all that `llmvs summarise` keeps of films."),
    ] = False,
) -> None:
    """Empty the work store of what neither a current output nor an unfinished stage needs.

    What a stage has finished is kept until it has made its output, also where it was stopped or
    the disk was full, so that running it again goes on there. What killed
    stages left half written or unpacked is removed. Refused while a stage is at work on the store,
    but for --dry-run; one that begins meanwhile waits.

    What is kept of films of one's own lies elsewhere, in the cache (LLMVS_CACHE); summaries that
    are made stay, and another of the same film is made from its beginning.
    """
    if films and unfinished:
        raise UserError("--films drops what is kept of films, all of it: --unfinished says nothing")
    store = Store(library()) if films else Store.default()
    if not store.root.is_dir():
        command.stderr.print(escape(f"{store.root}: nothing is kept there"))
        return
    drop = "would drop" if dry_run else "dropped"
    if films:
        with nullcontext() if dry_run else claims.alone(store.root):
            held = emptied(store.root, dry_run) / 1e6
        command.stderr.print(escape(f"{store.root}: {drop} {held:.1f} MB"))
        return
    with nullcontext() if dry_run else claims.alone(store.root):
        found = collect(store, OUTPUTS, unfinished=unfinished, dry_run=dry_run)
        runs.collect(store.root, dry_run)
    freed = f"{found.freed_bytes / 1e6:.1f} MB"
    swept = (
        f" and {found.swept_bytes / 1e6:.1f} MB half written or unpacked"
        if found.swept_bytes
        else ""
    )
    command.stderr.print(f"kept {found.kept} items, {drop} {found.dropped} ({freed}){swept}")
    for stage in found.unfinished:
        command.stderr.print(escape(_said(stage, dropped=unfinished, drop=drop)))


def _said(stage: Unfinished, dropped: bool, drop: str) -> str:
    what = f"{stage.stage} of {stage.output}, begun {stage.since}"
    work = f"{stage.there} of its {stage.wanted} items, {stage.held_bytes / 1e6:.1f} MB"
    if stage.at_work:
        return f"at work: {what}; kept {work}"
    if dropped:
        return f"unfinished: {what}; {drop} {work}, but for what others need"
    return f"unfinished: {what}; kept {work}: run it again, or drop them with --unfinished"
