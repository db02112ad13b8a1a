"""The sentences stage makes an input of captions where a row is fed it, else it says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tiny_encoders import save_bert

from stages.artifacts import captions, features, timeline
from stages.artifacts.captions import Caption
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.sentences import sentences

ROOT = Path(__file__).parents[1]
WORDS = ("a dog runs", "a cat sits")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with captions of one video, and a small model for them."""
    document: Any = yaml.safe_load((ROOT / "params.yaml").read_text())
    demo = document["datasets"]["demo"]
    demo["sentences"] |= {"model": str(save_bert(tmp_path / "model"))}
    document["run"]["models"] = ["caption-attention"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    video = Video.sampled("video_1", "clip", 45)
    timeline.write(tmp_path / "timeline.h5", timeline.Timeline("demo", (video,)))
    lines = [
        Caption(video="video_1", pick=int(pick), caption=WORDS[index % 2])
        for index, pick in enumerate(video.picks_T)
    ]
    captions.write(tmp_path / "captions.jsonl", lines)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


def run(out: str = "sentence.h5") -> Path:
    path = Path(out)
    sentences("demo", Path("captions.jsonl"), Path("timeline.h5"), path)
    return path


def test_every_frame_has_its_captions_vector(workplace: Path) -> None:
    video = timeline.read(Path("timeline.h5")).videos[0]
    with features.reading(run()) as file:
        x_TD = file.video(video)
    assert x_TD.shape == (3, 32)
    np.testing.assert_array_equal(x_TD[0], x_TD[2])
    assert not np.allclose(x_TD[0], x_TD[1])
    assert run("again.h5").read_bytes() == Path("sentence.h5").read_bytes()


def test_a_window_averages_over_the_captions_around_each_frame(workplace: Path) -> None:
    video = timeline.read(Path("timeline.h5")).videos[0]
    with features.reading(run()) as file:
        alone_TD = file.video(video)
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["demo"]["sentences"]["window"] = 3
    Path("params.yaml").write_text(yaml.safe_dump(document))
    with features.reading(run("averaged.h5")) as file:
        x_TD = file.video(video)
    np.testing.assert_allclose(x_TD[0], alone_TD[:2].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(x_TD[1], alone_TD.mean(axis=0), atol=1e-6)


def test_where_no_row_is_fed_it_no_model_is_wanted_and_the_file_says_so(workplace: Path) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["run"]["models"] = ["llmvs"]
    document["datasets"]["demo"]["sentences"]["model"] = "nowhere/at-all"
    Path("params.yaml").write_text(yaml.safe_dump(document))
    assert features.left_out(run()) == "no row of run.models is fed `sentence`"


def test_captions_of_other_frames_are_refused(workplace: Path) -> None:
    lines = Path("captions.jsonl").read_text().splitlines()
    Path("captions.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(UserError, match=r"captions\.jsonl"):
        run()
