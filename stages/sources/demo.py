"""The demo dataset: synthetic videos of real photographs, with simulated annotations."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stages.artifacts import people, timeline
from stages.media import video
from stages.sources import camera
from stages.sources.crowd import judge
from stages.sources.screenplay import Script, script
from stages.sources.settings import DemoDownload
from stages.work.allowance import cores
from stages.work.bar import progress


def make(name: str, settings: DemoDownload, folder: Path, videos: bool = True) -> None:
    """Write `folder`/timeline.h5, people.h5 and, where `videos`, videos/*.mp4.

    The bytes are the same every time. Raises UserError where a photograph is missing or settings
    ask for too many subjects.
    """
    scripts = [script(settings, number) for number in range(1, settings.videos + 1)]
    if videos:
        _shoot(scripts, settings, folder / "videos")
    pairs = [judge(scene, number, settings) for number, scene in enumerate(scripts, 1)]
    shot, judged = zip(*pairs, strict=True)
    timeline.write(folder / "timeline.h5", timeline.Timeline(name, shot))
    people.write(folder / "people.h5", people.People(name, True, judged))


def _shoot(scripts: Sequence[Script], settings: DemoDownload, folder: Path) -> None:
    def shoot(scene: Script) -> None:
        path = folder / f"{scene.name}.mp4"
        video.encode(path, camera.film(scene, settings.size), settings.fps, settings.size)

    with (
        progress() as bar,
        # Pillow and x264 release the interpreter, so threads are enough. A video is made by one.
        ThreadPoolExecutor(min(8, cores())) as pool,
    ):
        made = pool.map(shoot, scripts)
        for _ in bar.track(made, total=len(scripts), description="making videos"):
            pass
