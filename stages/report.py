"""report: everything measured, on one page."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.reporting import chapters, measurements, page, video_page
from stages.reporting.chapters import Chapter
from stages.reporting.thumbnails import ON_A_PAGE
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

    For each dataset of run.datasets: the tables, ours beside the paper's own figures and marked
    as such; learning curves, split by split; scores against people's, and where they are furthest
    apart. Every video has a page of its own: scores of people and models over its frames, shots,
    summaries, captions and the LLM's replies, and who agrees with whom.

    Writes the page, and beside it videos/D/V.html for each video V of a dataset D, and
    figures/D-{agreement,learning,calibration,video}.svg.
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
                inputs=settings.models[settings.run.models[0]].inputs,
                data=data,
                results=results,
                thumbnails=ON_A_PAGE,
                advance=lambda: bar.advance(row),
            )
            told.append(chapter)
    for chapter in told:
        for figure, svg in chapters.drawings(chapter).items():
            _write(out.parent / "figures" / f"{chapter.name}-{figure}.svg", svg)
    written = _pages(told, out)
    largest = max(path.stat().st_size for path in written)
    total = sum(path.stat().st_size for path in written)
    log.info("%s: %.1f MB", out, out.stat().st_size / 1e6)
    log.info("%d pages, %.1f MB, the largest %.1f", len(written), total / 1e6, largest / 1e6)


def _pages(told: list[Chapter], out: Path) -> list[Path]:
    """Every video's page, then the index; the videos' folder holds no others afterwards."""
    videos = out.parent / "videos"
    written = []
    with progress(command.stderr) as bar:
        row = bar.add_task("pages", total=sum(len(chapter.videos) for chapter in told))
        for chapter in told:
            for place, video in enumerate(chapter.videos):
                path = out.parent / chapter.href(video)
                _write(path, video_page.build(chapter, place))
                written.append(path)
                bar.advance(row)
    for left in set(videos.glob("*/*.html")) - set(written):
        left.unlink()
    _write(out, page.build(told))
    return [*written, out]


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    command.run(report)
