"""The caption stage on a tiny frames file, with the real tagger."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from stages.artifacts.frames import Sampled, write
from stages.caption import caption
from stages.captioners.captioner import Pixels
from stages.captioners.tags import Tagger
from stages.vision.encoder import ImageEncoder

ROOT = Path(__file__).parent.parent


def _jpeg(left: int, top: int) -> bytes:
    stream = io.BytesIO()
    crop = Image.fromarray(skimage.data.coffee()).crop((left, top, left + 240, top + 240))
    crop.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _frames(path: Path, videos: dict[str, int]) -> Path:
    """Different crops of one photograph; videos of so many frames."""
    write(
        path,
        (
            Sampled(
                name=name,
                picks_T=np.arange(length) * 15,
                jpegs=tuple(_jpeg(5 * index, 2 * number) for index in range(length)),
            )
            for number, (name, length) in enumerate(videos.items())
        ),
    )
    return path


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the project's params.yaml, its own store, as working directory."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def captioned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the images that really went through the model, call by call."""
    calls: list[int] = []
    original = Tagger.caption

    def counted(self: Tagger, images: Sequence[Pixels], /) -> list[str]:
        calls.append(len(images))
        return original(self, images)

    monkeypatch.setattr(Tagger, "caption", counted)
    return calls


def test_every_frame_gets_a_line_in_natural_order(workplace: Path) -> None:
    frames = _frames(workplace / "frames.h5", {"video_10": 1, "video_2": 2})
    caption("demo", frames, Path("captions.jsonl"))
    lines = [json.loads(line) for line in Path("captions.jsonl").read_text().splitlines()]
    assert [(line["video"], line["pick"]) for line in lines] == [
        ("video_2", 0),
        ("video_2", 15),
        ("video_10", 0),
    ]
    assert all(line["caption"].startswith("This looks like ") for line in lines)


def test_an_added_video_costs_that_video(workplace: Path, captioned: list[int]) -> None:
    caption("demo", _frames(Path("a.h5"), {"video_1": 3}), Path("a.jsonl"))
    caption("demo", _frames(Path("b.h5"), {"video_1": 3, "video_2": 2}), Path("b.jsonl"))
    assert sum(captioned) == 3 + 2
    assert Path("b.jsonl").read_text().startswith(Path("a.jsonl").read_text())


def test_finished_captions_need_no_model(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = _frames(Path("a.h5"), {"video_1": 2})
    caption("demo", frames, Path("a.jsonl"))
    monkeypatch.setattr(ImageEncoder, "load", lambda: pytest.fail("the model was loaded"))
    caption("demo", frames, Path("b.jsonl"))
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()


def test_a_changed_setting_captions_anew(workplace: Path, captioned: list[int]) -> None:
    frames = _frames(Path("a.h5"), {"video_1": 2})
    caption("demo", frames, Path("a.jsonl"))
    text = Path("params.yaml").read_text()
    assert "min_probability: 0.3" in text
    Path("params.yaml").write_text(text.replace("min_probability: 0.3", "min_probability: 0.2"))
    caption("demo", frames, Path("a.jsonl"))
    assert sum(captioned) == 4


def test_a_killed_stage_resumes_with_the_same_bytes(workplace: Path, captioned: list[int]) -> None:
    total = 48
    text = Path("params.yaml").read_text().replace("batch: 32", "batch: 4")
    Path("params.yaml").write_text(text)
    frames = _frames(Path("frames.h5"), {"video_1": total // 2, "video_2": total // 2})
    command = [sys.executable, "-m", "stages.caption", "--dataset", "demo"]
    command += ["--frames", str(frames), "--out", "captions.jsonl"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(list(Path(".work/items").glob("*/*.npz"))) < total // 4:
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = len(list(Path(".work/items").glob("*/*.npz")))
    assert not Path("captions.jsonl").exists()

    caption("demo", frames, Path("captions.jsonl"))
    assert 0 < sum(captioned) == total - finished < total
    resumed = Path("captions.jsonl").read_bytes()
    Path(".work").rename("old")
    caption("demo", frames, Path("captions.jsonl"))
    assert Path("captions.jsonl").read_bytes() == resumed
