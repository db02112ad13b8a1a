import hashlib
from pathlib import Path

from stages.artifacts import field as annotations
from stages.media import video
from stages.sources import demo
from stages.sources.settings import DemoDownload


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_demo_is_made_the_same_byte_for_byte(settings: DemoDownload, tmp_path: Path) -> None:
    for name in ("one", "two"):
        demo.make("demo", settings, tmp_path / name)
    one = digests(tmp_path / "one")
    assert one == digests(tmp_path / "two")
    assert sorted(one) == [
        "annotations.h5",
        *(f"videos/demo-{number:02d}.mp4" for number in range(1, 6)),
    ]


def test_videos_are_as_long_as_their_annotations_say(
    settings: DemoDownload, tmp_path: Path
) -> None:
    demo.make("toy", settings, tmp_path)
    read = annotations.read(tmp_path / "annotations.h5")
    assert (read.dataset, read.simulated, len(read.videos)) == ("toy", True, 5)
    for annotated in read.videos:
        path = tmp_path / "videos" / f"{annotated.video_name}.mp4"
        frames = list(video.decode(path))
        assert len(frames) == annotated.n_frames
        assert (frames[0].width, frames[0].height) == settings.size
        assert video.rate(path) == settings.fps
