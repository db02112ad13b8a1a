"""Attention of the split that tests a video, from checkpoints and embeddings as stages lay them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from stages.artifacts import embeddings, predictions, timeline
from stages.artifacts.places import Places
from stages.artifacts.predictions import Run
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.errors import UserError
from stages.pages.report import attention
from stages.scorers import attention_maps, checkpoints, registry
from stages.scorers.global_attention import GlobalAttention

LENGTHS = {"video_1": 5, "video_2": 30, "video_3": 100}
TESTED = (("video_1",), ("video_1", "video_3"))
WIDTH, REACH = 12, 3
VIDEOS = Timeline(
    "demo", tuple(Video.sampled(name, name, 15 * frames) for name, frames in LENGTHS.items())
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    random = np.random.default_rng(3)
    places = Places(tmp_path / "demo")
    timeline.write(places.timeline, VIDEOS)
    with embeddings.writing(places.embeddings, llm="a-model") as file:
        for video in VIDEOS.videos:
            query_TW, answer_TW = random.normal(size=(2, len(video.picks_T), WIDTH))
            file.put(video.name, query_TW=query_TW, answer_TW=answer_TW, picks_T=video.picks_T)
    runs = []
    for number, tested in enumerate(TESTED):
        torch.manual_seed(number)
        model = GlobalAttention(WIDTH, width=16, layers=2, heads=2, feedforward=8)
        checkpoints.save(checkpoint(places, number), model)
        scores = {name: np.zeros(LENGTHS[name], dtype=np.float32) for name in tested}
        runs.append(Run("official", 4, number, 1.0, scores))
    predictions.write(places.predictions("llmvs"), runs)
    return places


def checkpoint(places: Places, number: int) -> Path:
    return places.checkpoints("llmvs") / f"official/seed_4/split_{number}.safetensors"


def read(places: Places) -> attention.Attention | None:
    return attention.read(places, "llmvs", ("query",), "official", 4, REACH)


def test_a_video_is_seen_once_by_the_first_split_that_tests_it(places: Places) -> None:
    found = read(places)
    assert found is not None
    assert list(found.maps) == ["video_1", "video_3"]
    shares = []
    for name, number in (("video_1", 0), ("video_3", 1)):
        model = registry.load(checkpoint(places, number))
        with embeddings.reading(places.embeddings) as file:
            query_TW = file.video(VIDEOS.by_name[name]).query_TW
        weights_LHTT = model.attention({"query": torch.from_numpy(query_TW)})
        assert weights_LHTT is not None
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


def test_a_missing_checkpoint_is_named(places: Places) -> None:
    checkpoint(places, 1).unlink()
    with pytest.raises(UserError, match="split_1"):
        read(places)
