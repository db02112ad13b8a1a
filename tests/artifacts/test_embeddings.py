from pathlib import Path

import h5py
import numpy as np

from stages.artifacts import embeddings as readings


def put(group: h5py.Group, reply: str) -> None:
    state_TW = np.zeros((1, 2), np.float32)
    readings.put(
        group, query_TW=state_TW, answer_TW=state_TW, score_T=[5], replies=[reply], picks_T=[0]
    )


def test_any_reply_can_be_written(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        put(file.create_group("video_1"), "score: 5\0 \u00e9\n")
        assert file["video_1/reply"].asstr()[0] == "score: 5\ufffd \u00e9\n"


def test_a_video_is_where_its_split_sees_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        put(file.create_group("video_1"), "")
        assert readings.place(file, "video_1", "strict", 2) == "video_1"
        put(file.create_group("splits/strict/2/video_1"), "")
        assert readings.place(file, "video_1", "strict", 2) == "splits/strict/2/video_1"
