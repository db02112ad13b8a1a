"""Every kind of film that people have, from its file to its skim and page, or to one clear message.

How pictures and sound of each are cut is shown at length in tests/media; here each goes the whole
way: what is kept is about as long as was asked for, shows what the film shows then, and sounds so.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numbered_films import SIZE, Track, film, heard, lag, noise, picture, shown
from typer.testing import CliRunner

from stages import cli
from stages.errors import UserError
from stages.media import video

SECONDS = 6
PORTRAIT = [0, -1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30]
BFRAMES = {"bf": "0"}


def steady(rate: float) -> list[float]:
    return (np.arange(round(SECONDS * rate)) / rate).tolist()


def varying() -> list[float]:
    steps = np.random.default_rng(5).choice([0.02, 0.033, 0.05, 0.2], 140)
    return np.cumsum(np.r_[0, steps]).tolist()


def sounding(seconds: float = SECONDS, **more: Any) -> Track:
    return Track(noise(seconds), **more)


def static(number: int, size: tuple[int, int]) -> video.Pixels:
    return picture(5, size)


class Kind(NamedTuple):
    """How a film is made; whether its skim sounds as the source does, and looks so."""

    name: str
    times: list[float]
    tracks: tuple[Track, ...] = ()
    more: dict[str, Any] = {}  # noqa: RUF012
    sounds: bool = True
    alike: bool = True


KINDS = {
    "variable frame rate": Kind("telephone.mp4", varying(), (sounding(9, codec="aac"),)),
    "23.976": Kind("cinema.mkv", steady(24_000 / 1001), (sounding(),)),
    "29.97": Kind("ntsc.mov", steady(30_000 / 1001), (sounding(),)),
    "59.94": Kind("sport.mp4", steady(60_000 / 1001), (sounding(codec="aac"),)),
    "portrait by its matrix": Kind("upright.mp4", steady(25), more={"matrix": PORTRAIT}),
    "a cover picture": Kind("album.mp4", steady(25), (sounding(codec="aac"),), {"cover": True}),
    "no sound": Kind("silent.mkv", steady(25)),
    "several tracks": Kind(
        "dubbed.mkv", steady(25), (Track(noise(SECONDS, 9)), sounding(default=True))
    ),
    "sound that lasts longer": Kind("long sound.mkv", steady(25), (sounding(9),)),
    "sound that ends early": Kind("short sound.mkv", steady(25), (sounding(2),), sounds=False),
    "an odd size": Kind("odd.mkv", steady(25), more={"size": (97, 65), "codec": "ffv1"}),
    "interlaced": Kind(
        "camcorder.mkv", steady(25), more={"options": {"x264-params": "tff=1"}}, alike=False
    ),
    "10 bit": Kind("ten.mkv", steady(25), more={"pix_fmt": "yuv420p10le"}),
    "4:2:2": Kind("studio.mov", steady(25), more={"pix_fmt": "yuv422p"}),
    "grey": Kind("grey.mkv", steady(25), more={"pix_fmt": "gray"}),
    "high dynamic range": Kind(
        "hdr.mkv", steady(25), more={"pix_fmt": "yuv420p10le", "colours": (9, 16, 9)}, alike=False
    ),
    ".mov": Kind("a.mov", steady(25), (sounding(codec="aac"),)),
    ".mkv": Kind("a.mkv", steady(25), (sounding(codec="aac"),)),
    ".avi": Kind("a.avi", steady(25), (sounding(),), {"codec": "mpeg4"}),
    ".webm": Kind("a.webm", steady(25), more={"codec": "libvpx-vp9"}),
    ".m4v": Kind("a.m4v", steady(25), (sounding(codec="aac"),)),
    "an ending in capitals": Kind("CLIP0001.MP4", steady(25), (sounding(codec="aac"),)),
    "a name in any script": Kind("घर 12:30 의 фильм #1 100%.mkv", steady(25), (sounding(),)),
    "a static picture": Kind("slide.mp4", steady(25), more={"paint": static, "options": BFRAMES}),
    "twenty frames": Kind("short.mp4", (np.arange(20) / 25).tolist(), more={"options": BFRAMES}),
}


def summarise(path: Path, *arguments: str) -> dict[str, Any]:
    """What the JSON beside the film says. Raises what the command raises."""
    formats = ("--format", "mp4", "--format", "json")
    done = CliRunner().invoke(
        cli.app, ["summarise", str(path), "--recipe", "offline", *formats, *arguments]
    )
    if done.exception is not None:
        raise done.exception
    text = path.with_name(f"{path.stem}.summary.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMVS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "films"
    found.mkdir()
    return found


def difference(one: video.Pixels, other: video.Pixels) -> float:
    height, width = other.shape[:2]
    return float(np.abs(one[:height, :width].astype(int) - other).mean())


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_cut_to_length_and_shows_and_sounds_as_it_did(folder: Path, name: str) -> None:
    kind = KINDS[name]
    path = film(folder / kind.name, kind.times, kind.tracks, **kind.more)
    said = summarise(path, "--length", "50%")
    made = path.with_name(f"{path.stem}.summary.mp4")
    assert made.with_suffix(".html").is_file()
    times = np.array(kind.times)
    end = float(times[-1] + times[-1] - times[-2])
    assert said["seconds"] == pytest.approx(end, abs=0.02)
    assert said["frames"] == len(times)

    source, seen = shown(path), shown(made)
    steps = np.diff([*(time for time, _ in seen), seen[-1][0] + 0.04])
    assert float(steps.sum()) == pytest.approx(max(1.0, end / 2) if end > 1 else end, abs=0.5)
    wanted = [
        number
        for piece in said["kept"]
        for number in np.flatnonzero(
            (times > piece["start"] - 0.011) & (times < piece["end"] - 0.011)
        )
    ]
    assert len(seen) == pytest.approx(len(wanted), abs=len(said["kept"]))
    if kind.alike:
        nearest = [min(difference(image, source[n][1]) for n in wanted) for _, image in seen]
        assert max(nearest) < 8
    if kind.tracks and kind.sounds:
        track = next((one for one in kind.tracks if one.default), kind.tracks[0])
        in_step(made, said, track)


def in_step(made: Path, said: dict[str, Any], track: Track) -> None:
    """To within a frame, in the middle of each piece."""
    length = sum(piece["end"] - piece["start"] for piece in said["kept"])
    found_CK, rate = heard(made, length)
    begins = 0.0
    for piece in said["kept"]:
        lasts = piece["end"] - piece["start"]
        first = round((begins + lasts / 2) * rate)
        part_K = found_CK[0, first : first + rate // 5]
        at = round((piece["start"] + lasts / 2) * rate)
        behind, agreement = lag(part_K, track.samples_CK[0], at, rate // 10)
        assert agreement > 0.7
        assert abs(behind) < rate / 20
        begins += lasts


def test_one_frame_is_kept(folder: Path) -> None:
    path = folder / "one.mp4"
    video.encode(path, [picture(7)], 25, SIZE)
    said = summarise(path)
    assert (said["frames"], len(said["shots"]), len(said["kept"])) == (1, 1, 1)
    assert video.count(folder / "one.summary.mp4") == 1


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    return path


def whole(folder: Path, name: str) -> Path:
    return film(folder / name, steady(25), (sounding(),), options=BFRAMES)


def test_of_a_damaged_end_what_decodes_is_used_and_said(folder: Path) -> None:
    path = cut(whole(folder, "broken.mkv"), 0.6)
    said = summarise(path, "--length", "50%")
    assert 1 < said["seconds"] < SECONDS - 1
    assert "broken.mkv" in said["damage"]
    assert "Only what decodes was used" in path.with_name("broken.summary.html").read_text("utf-8")
    assert video.count(folder / "broken.summary.mp4") > 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (partial(cut, share=0.002), r"film\.mkv"),
        (lambda path: path.write_bytes(b""), r"film\.mkv cannot be decoded"),
        (lambda path: path.write_bytes(bytes(4096)), r"film\.mkv cannot be decoded"),
    ],
)
def test_where_nothing_decodes_it_is_one_message_and_nothing_is_made(
    folder: Path, spoil: Callable[[Path], object], message: str
) -> None:
    path = whole(folder, "film.mkv")
    spoil(path)
    with pytest.raises(UserError, match=message):
        summarise(path)
    assert [each.name for each in folder.iterdir()] == [path.name]


def test_sound_alone_is_refused(folder: Path) -> None:
    import av

    path = folder / "song.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        file.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(UserError, match=r"song\.mkv holds no video stream"):
        summarise(path)
