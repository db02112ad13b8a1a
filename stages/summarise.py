"""`llmvs summarise`: from a film's file to its skim, and a page that says why.

Everything heavy is imported where it is called, so that `llmvs --help` answers at once.
"""

import logging
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stages import command
from stages.errors import UserError

log = logging.getLogger("llmvs")


class Form(StrEnum):
    MP4 = "mp4"
    EDL = "edl"
    CSV = "csv"
    JSON = "json"
    CHAPTERS = "chapters"
    NONE = "none"


def summarise(
    films: Annotated[list[Path], typer.Argument(help="videos, or folders of them")],
    length: Annotated[
        str, typer.Option(help="of the summary: a share of the film (15%) or a time (60s, 1:30)")
    ] = "15%",
    out: Annotated[
        Path | None, typer.Option(help="folder for what is made; without it, beside each film")
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="laptop (captions by BLIP, fetched once: 990 MB), offline (pictures alone, "
            "nothing to fetch), or an entry of params.yaml that captions frames"
        ),
    ] = "laptop",
    scorer: Annotated[
        str | None,
        typer.Option(
            help="a name of `llmvs head list`, a .safetensors file, D/M (row M of params.yaml as "
            "recipe D trained it), or representative"
        ),
    ] = None,
    ask: Annotated[
        str | None, typer.Option(help='what you care about: "goals and celebrations"')
    ] = None,
    form: Annotated[
        list[Form],
        typer.Option(
            "--format",
            help="what to make beside the page, again for several: the skim, a cut list for "
            "editors (CMX 3600 EDL) or tables (csv), json for programs, FFmpeg chapters, or none",
        ),
    ] = [Form.MP4],  # noqa: B006
    copy: Annotated[
        bool, typer.Option("--copy", help="Cut at keyframes without encoding anew: quick, and off.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take and fetch, and stop.")
    ] = False,
) -> None:
    """Summarise videos of your own: NAME.summary.mp4, with sound, and NAME.summary.html.

    The page says what was kept and why, what was left out around it, and what another length would
    keep. Nothing has to be set up: no dataset, no params.yaml, no GPU.

    Finished work is kept (LLMVS_CACHE, or ~/.cache/llmvs), so that a run that was
    stopped goes on where it was, and another length takes seconds.
    """
    from stages.media import films as found
    from stages.skimming import settings
    from stages.summaries.pieces import Wish
    from stages.summarising import Making, Wanted, writable
    from stages.work.cache import library
    from stages.work.claims import among_others
    from stages.work.files import is_full

    wish, chosen = Wish.parsed(length), settings.of(recipe, scorer)
    if copy and Form.MP4 not in form:
        raise UserError("--copy: no skim is made (--format), so there is nothing to cut")
    stems = found.beside(found.films(films), out)
    if dry_run:
        from stages.skimming.forecast import Forecast

        command.stderr.print(Forecast.of(list(stems), chosen).said())
        return
    wanted = Wanted({each.value for each in form}, copy)
    for stem in stems.values():
        writable(stem, wanted)
    failed: list[Path] = []
    with among_others(library()):
        making = Making(chosen, wish, ask, wanted)
        for film, stem in stems.items():
            try:
                for path in making(film, stem):
                    typer.echo(os.fsencode(path))  # a name may be no text
            except (UserError, OSError) as error:
                if len(stems) == 1 or is_full(error) or (said := command.said(error)) is None:
                    raise
                log.error("%s", said)
                failed.append(film)
    if failed:
        raise UserError(
            f"no summary of {', '.join(map(str, failed))} ({len(failed)} of {len(stems)} films), "
            "for what is said of each above; the others are made"
        )
