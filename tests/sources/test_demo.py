import hashlib
from pathlib import Path

from stages.artifacts import people, timeline
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
        "people.h5",
        "timeline.h5",
        *(f"videos/demo-{number:02d}.mp4" for number in range(1, 6)),
    ]


def test_videos_are_as_long_as_the_timeline_says(settings: DemoDownload, tmp_path: Path) -> None:
    demo.make("toy", settings, tmp_path)
    known = timeline.read(tmp_path / "timeline.h5")
    said = people.read(tmp_path / "people.h5", known)
    assert (known.dataset, said.dataset, said.simulated) == ("toy", "toy", True)
    assert len(known.videos) == len(said.videos) == 5
    for each in known.videos:
        path = tmp_path / "videos" / f"{each.title}.mp4"
        frames = list(video.decode(path))
        assert len(frames) == each.n_frames
        assert video.pixels(frames[0]).shape == (*settings.size[::-1], 3)
        assert video.header(path).rate == each.fps == settings.fps
        assert each.shots_from == "annotations"


def test_without_videos_the_same_people_judge(settings: DemoDownload, tmp_path: Path) -> None:
    demo.make("toy", settings, tmp_path / "with")
    demo.make("toy", settings, tmp_path / "without", videos=False)
    files = digests(tmp_path / "with")
    assert digests(tmp_path / "without") == {k: files[k] for k in ("people.h5", "timeline.h5")}
