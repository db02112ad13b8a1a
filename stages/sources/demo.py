"""The demo dataset: synthetic videos of real photographs, with simulated annotations."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stages import command
from stages.artifacts import field as annotations
from stages.media import video
from stages.sources import camera
from stages.sources.crowd import judge
from stages.sources.screenplay import Script, script
from stages.sources.settings import DemoDownload


def make(name: str, settings: DemoDownload, folder: Path) -> None:
    """Write `folder`/videos/*.mp4 and `folder`/annotations.h5, the same bytes every time.

    Raises UserError where a photograph is missing or settings ask for too many subjects.
    """
    scripts = [script(settings, number) for number in range(1, settings.videos + 1)]

    def shoot(scene: Script) -> None:
        path = folder / "videos" / f"{scene.name}.mp4"
        video.encode(path, camera.film(scene, settings.size), settings.fps, settings.size)

    columns = (TextColumn("making videos"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeRemainingColumn(), console=command.stderr) as bar,
        # Pillow and x264 release the interpreter, so threads are enough. A video is made by one.
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
    ):
        for _ in bar.track(pool.map(shoot, scripts), total=len(scripts)):
            pass

    judged = tuple(judge(scene, number, settings) for number, scene in enumerate(scripts, 1))
    annotations.write(
        folder / "annotations.h5",
        annotations.Annotations(dataset=name, simulated=True, videos=judged),
    )
