"""report: everything measured, on one page."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.reporting import chapters, measurements, page
from stages.reporting.thumbnails import allowance
from stages.work.executor import progress
from stages.work.files import replacing

log = logging.getLogger("llmvs")


def report(
    data: Annotated[Path, typer.Option(help="folder of what the stages made")] = Path("data"),
    results: Annotated[Path, typer.Option(help="folder of evaluate's tables, one a dataset")] = (
        Path("reports/results")
    ),
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("reports/index.html"),
) -> None:
    """Put everything measured on one page that opens without a network.

    For each dataset of run.datasets: the table, ours beside the paper's own figures and marked
    as such; learning curves; and each video's score curves of people and models over its frames,
    with shots, summaries, captions and the LLM's replies.

    Writes the page, and beside it figures/D-{agreement,learning,video}.svg for each dataset D.
    """
    settings = params.load()
    models = {name: settings.models[name].title for name in settings.run.models}
    measured = {name: measurements.read(results / name) for name in settings.run.datasets}
    videos = sum(each.results.videos for each in measured.values())
    told = []
    with progress(command.stderr) as bar:
        row = bar.add_task("videos", total=videos)
        for name, each in measured.items():
            chapter = chapters.read(
                name,
                settings.datasets[name],
                models,
                each,
                data=data,
                results=results,
                thumbnails=allowance(videos),
                advance=lambda: bar.advance(row),
            )
            told.append(chapter)
    for chapter in told:
        for figure, svg in chapters.drawings(chapter).items():
            _write(out.parent / "figures" / f"{chapter.name}-{figure}.svg", svg)
    _write(out, page.build(told))
    log.info("%s: %.1f MB", out, out.stat().st_size / 1e6)


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    command.run(report)
