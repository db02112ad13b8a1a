"""What of a recipe's data is known before it is run again."""

from pathlib import Path

import numpy as np

from stages import params
from stages.artifacts import people, timeline
from stages.artifacts.people import Judgement, People
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.checking.recipe import Dataset

ROOT = Path(__file__).parents[2]


def test_captions_made_of_a_shorter_file_go_with_what_was_said_of_its_frames(
    tmp_path: Path,
) -> None:
    recipe = params.recipe("tvsum", ROOT / "params.yaml")
    dataset = Dataset("tvsum", recipe, Places(tmp_path / "tvsum"), tmp_path / "downloads")
    whole = Video.sampled("video_1", "a", 31)
    said = Judgement("video_1", np.zeros(3, np.float32), np.ones((2, 31), np.float32))
    timeline.write(dataset.places.source / "timeline.h5", Timeline("tvsum", (whole,)))
    people.write(dataset.places.people, People("tvsum", False, (said,)))
    assert dataset.judged is not None
    assert len(dataset.judged.videos[0].gtscore_T) == 3
    timeline.write(dataset.places.timeline, Timeline("tvsum", (whole.ending_at(30),)))
    assert len(dataset.judged.videos[0].gtscore_T) == 2
