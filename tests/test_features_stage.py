"""The features stage brings others' features onto the timeline, and says which it was not given."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from stages.artifacts import features as feature_file
from stages.artifacts import timeline
from stages.artifacts.video import Video
from stages.features import features
from stages.training import provisions

ROOT = Path(__file__).parents[1]
VIDEO = Video.sampled("video_1", "clip", 45)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stage wrote for a recipe that names a file of pool5 and no other."""
    monkeypatch.chdir(tmp_path)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"]["summe"]["features"]["pool5"] = "field.h5"
    Path("params.yaml").write_text(yaml.safe_dump(document))
    timeline.write(Path("timeline.h5"), timeline.Timeline("summe", (VIDEO,)))
    with h5py.File("field.h5", "w") as file:
        file["video_1/features"] = np.ones((3, 8))
        file["video_1/picks"] = VIDEO.picks_T
    features("summe", Path("timeline.h5"), Path("inputs"))
    return Path("inputs")


def test_what_is_given_is_there_and_what_is_not_is_said(inputs: Path) -> None:
    with feature_file.reading(inputs / "pool5.h5") as file:
        assert file.video(VIDEO).shape == (3, 8)
    lacking = provisions.lacking(inputs, ["pool5", "i3d-rgb", "i3d-flow", "clip"])
    assert lacking == {
        name: f"datasets.summe.features.{name} in params.yaml names no file of it"
        for name in ("i3d-rgb", "i3d-flow", "clip")
    }
