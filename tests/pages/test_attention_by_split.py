"""Attention of the split that tests a video, from checkpoints and embeddings as stages lay them."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from stages.artifacts.field import Annotations, VideoAnnotations
from stages.errors import UserError
from stages.reporting import attention
from stages.scorers import attention_maps, checkpoints
from stages.scorers.global_attention import GlobalAttention

LENGTHS = {"video_1": 5, "video_2": 30, "video_3": 100}
TESTED = (("video_1",), ("video_1", "video_3"))
WIDTH, REACH = 12, 3


def people() -> Annotations:
    videos = tuple(
        VideoAnnotations(
            name=name,
            video_name=name,
            n_frames=15 * frames,
            picks_T=np.arange(0, 15 * frames, 15),
            gtscore_T=np.linspace(0, 1, frames, dtype=np.float32),
            user_scores_UN=np.ones((2, 15 * frames), dtype=np.float32),
        )
        for name, frames in LENGTHS.items()
    )
    return Annotations("demo", True, videos)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    with h5py.File(tmp_path / "demo.h5", "w") as file:
        for name, frames in LENGTHS.items():
            group = file.create_group(name)
            group["picks"] = np.arange(0, 15 * frames, 15)
            for key in ("query", "answer"):
                group[key] = random.normal(size=(frames, WIDTH)).astype(np.float32)
    for number in range(len(TESTED)):
        torch.manual_seed(number)
        model = GlobalAttention(WIDTH, width=16, layers=2, heads=2, feedforward=8)
        checkpoints.save(tmp_path / f"strict/seed_4/split_{number}.safetensors", model)
    return tmp_path


def read(folder: Path) -> attention.Attention | None:
    file = folder / "demo.h5"
    return attention.read(folder, file, people(), "query", "strict", TESTED, 4, REACH)


def test_a_video_is_seen_once_by_the_first_split_that_tests_it(folder: Path) -> None:
    found = read(folder)
    assert found is not None
    assert list(found.maps) == ["video_1", "video_3"]
    shares = []
    for name, number in (("video_1", 0), ("video_3", 1)):
        model = checkpoints.load(folder / f"strict/seed_4/split_{number}.safetensors")
        with h5py.File(folder / "demo.h5") as file:
            weights_LHTT = attention_maps.attention(model, torch.tensor(file[name]["query"][:]))
        shares.append(attention_maps.local_share(weights_LHTT, REACH))
        mean = attention.picture(weights_LHTT.mean((0, 1)), attention.MEAN)
        assert found.maps[name].mean == mean
        assert found.maps[name].heads[1][0] == attention.picture(weights_LHTT[1, 0], attention.HEAD)
    expected_LH = torch.stack(shares).mean(0)
    for share in found.shares:
        expected = float(expected_LH[share.layer - 1, share.head - 1])
        assert share.local == pytest.approx(expected)
    uniform = [attention_maps.uniform_share(LENGTHS[name], REACH) for name in found.maps]
    assert found.uniform == pytest.approx(np.mean(uniform))


def test_a_missing_checkpoint_is_named(folder: Path) -> None:
    (folder / "strict/seed_4/split_1.safetensors").unlink()
    with pytest.raises(UserError, match="split_1"):
        read(folder)
