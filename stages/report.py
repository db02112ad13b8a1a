"""report: everything measured, on one page."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from stages import command, params
from stages.artifacts import results as measured
from stages.artifacts import summaries
from stages.artifacts.summaries import SUMMARIES, Summaries
from stages.pages.report import chapters, index, video_page
from stages.pages.report.chapters import Chapter
from stages.pages.thumbnails import ON_A_PAGE
from stages.params import Params
from stages.work.bar import progress
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
    as such; why a measure of summaries has a floor; learning curves, split by split; scores against
    people's, and where they are furthest apart. Every video has a page of its own: scores of people
    and models over its frames, shots, summaries, captions and the LLM's replies, and who agrees
    with whom. What a dataset has not, pictures where captions are given or curves where scores are,
    is left out. Films of one's own (run.summarise) have a section with their skims and pages.

    Writes the page, and beside it videos/D/V.html for each video V of a dataset D, and
    figures/D-{agreement,learning,calibration,shots,video}.svg.
    """
    settings = params.load()
    told = _chapters(settings, data, results)
    for folder in ("figures", "videos"):  # which DVC expects, also where nobody judged anything
        (out.parent / folder).mkdir(parents=True, exist_ok=True)
    for chapter in told:
        for figure, svg in chapters.drawings(chapter).items():
            _write(out.parent / "figures" / f"{chapter.name}-{figure}.svg", [svg])
    films = {name: summaries.read(results / name / SUMMARIES) for name in settings.run.summarise}
    written = _pages(told, films, out)
    sizes = [path.stat().st_size / 1e6 for path in written]
    log.info("%s: %.1f MB", out, out.stat().st_size / 1e6)
    log.info("%d pages, %.1f MB, the largest %.1f", len(written), sum(sizes), max(sizes))


def _chapters(settings: Params, data: Path, results: Path) -> list[Chapter]:
    names = settings.run.datasets
    # Every table is read before any video is, so that one that is missing is known at once.
    videos = sum(measured.read(results / name)[0].videos for name in names)
    with progress(command.stderr) as bar:
        row = bar.add_task("videos", total=videos)
        return [
            chapters.read(
                name,
                settings,
                data=data,
                tables=results,
                thumbnails=ON_A_PAGE,
                advance=lambda: bar.advance(row),
            )
            for name in names
        ]


def _pages(told: list[Chapter], films: Mapping[str, Summaries], out: Path) -> list[Path]:
    """Every video's page, then the index; the videos' folder holds no others afterwards."""
    videos = out.parent / "videos"
    written = []
    with progress(command.stderr) as bar:
        row = bar.add_task("pages", total=sum(len(chapter.stories) for chapter in told))
        for chapter in told:
            for place, name in enumerate(chapter.names):
                path = out.parent / chapter.href(name)
                _write(path, [video_page.build(chapter, place)])
                written.append(path)
                bar.advance(row)
    for left in set(videos.glob("*/*.html")) - set(written):
        left.unlink()
    _write(out, index.build(told, films))
    return [*written, out]


def _write(path: Path, pieces: Iterable[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(pieces)


if __name__ == "__main__":
    command.run(report)
