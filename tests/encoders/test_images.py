"""A frame's vector is what plain transformers makes of it alone, and is computed once."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from tiny_encoders import save_bert, save_clip
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPVisionModelWithProjection

from stages import features as stage
from stages import section
from stages.artifacts import features, frames, timeline
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.checking import frozen
from stages.encoders import images
from stages.encoders.images import ImageHalf, read_frames
from stages.errors import UserError
from stages.params import Recipe
from stages.planning import cards
from stages.planning.estimate import Machine
from stages.planning.sheet import Sheet
from stages.planning.workload import Frames
from stages.sources.settings import Clip
from stages.training import provisions
from stages.work.store import Store

ROOT = Path(__file__).parents[2]
ONE, TWO = Video.sampled("video_1", "one", 70), Video.sampled("video_2", "two", 40)
VIDEOS = Timeline("made", (ONE, TWO))


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    folder = save_clip(tmp_path / "clip")
    size = {"shortest_edge": 16}
    CLIPImageProcessorPil(size=size, crop_size={"height": 16, "width": 16}).save_pretrained(folder)
    return Clip(model=str(folder), revision=None, dtype="float32", batch=2)


def jpeg(video: str, frame: int) -> bytes:
    pixels = np.random.default_rng([int(video[-1]), frame]).integers(0, 256, (24, 40, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of frames."""
    file = tmp_path / "frames.h5"
    frames.write(
        file,
        (
            frames.Sampled(
                video.name, video.picks_T, [jpeg(video.name, n) for n in range(len(video.picks_T))]
            )
            for video in VIDEOS.videos
        ),
    )
    return file


def test_a_frames_vector_is_the_models_own_of_it_alone(
    tmp_path: Path, clip: Clip, path: Path
) -> None:
    found, keys = read_frames(path, VIDEOS, clip, Store(tmp_path / "store"))
    model = CLIPModel.from_pretrained(clip.model).eval()
    processor = CLIPImageProcessorPil.from_pretrained(clip.model)
    assert len(keys) == 3 + 2
    for video in VIDEOS.videos:
        assert found[video.name].shape == (len(video.picks_T), 24)
        for number, vector_D in enumerate(found[video.name]):
            shown = Image.open(io.BytesIO(jpeg(video.name, number)))
            with torch.inference_mode():
                pixels = processor(images=[shown], return_tensors="pt")["pixel_values"]
                seen = model.vision_model(pixels).pooler_output
                wanted_D = model.visual_projection(seen)[0]
            np.testing.assert_allclose(vector_D, wanted_D, atol=2e-5)


def test_a_frame_is_looked_at_once_and_a_stop_loses_what_was_at_work(
    tmp_path: Path, clip: Clip, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, keys = read_frames(path, VIDEOS, clip, Store(tmp_path / "whole"))
    store, looks, seen = Store(tmp_path / "stopped"), ImageHalf._seen, []

    def stops(self: ImageHalf, jpegs: Any) -> Any:
        seen.append(len(jpegs))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return looks(self, jpegs)

    monkeypatch.setattr(ImageHalf, "_seen", stops)
    with pytest.raises(KeyboardInterrupt):
        read_frames(path, VIDEOS, clip, store)
    found, _ = read_frames(path, VIDEOS, clip, store)
    assert len(seen) == 1 + len(keys)
    read_frames(path, VIDEOS, clip, store)
    assert len(seen) == 1 + len(keys)
    for name, x_TD in found.items():
        np.testing.assert_array_equal(x_TD, whole[name])


def test_a_batch_too_large_for_the_memory_is_halved(
    tmp_path: Path, clip: Clip, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = read_frames(path, VIDEOS, clip, Store(tmp_path / "one"))
    roomy = ImageHalf._seen

    def cramped(self: ImageHalf, jpegs: Any) -> Any:
        if len(jpegs) > 1:
            raise torch.OutOfMemoryError
        return roomy(self, jpegs)

    monkeypatch.setattr(ImageHalf, "_seen", cramped)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found, _ = read_frames(path, VIDEOS, clip, Store(tmp_path / "two"))
    for name, x_TD in found.items():
        np.testing.assert_allclose(x_TD, whole[name], atol=1e-5)


def test_what_is_no_clip_is_refused_and_so_are_other_frames(
    tmp_path: Path, clip: Clip, path: Path
) -> None:
    other = clip.model_copy(update={"model": str(save_bert(tmp_path / "bert"))})
    with pytest.raises(UserError, match=r"is no CLIP model \(bert\); name one .* such as openai/"):
        read_frames(path, VIDEOS, other, Store(tmp_path / "store"))
    (Path(clip.model) / "preprocessor_config.json").unlink()
    with pytest.raises(UserError, match="no usable image processor"):
        read_frames(path, VIDEOS, clip, Store(tmp_path / "store"))
    longer = Timeline("made", (*VIDEOS.videos, Video.sampled("video_3", "three", 40)))
    with pytest.raises(UserError, match=r"frames\.h5: lacks video_3"):
        read_frames(path, longer, clip, Store(tmp_path / "store"))


def test_its_arithmetic_is_what_torch_counts(clip: Clip) -> None:
    config = images.configuration(clip, Path(clip.model))
    found = images.weighed(clip, config)
    model = CLIPVisionModelWithProjection(config.vision_config)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(pixel_values=torch.zeros(1, 3, 16, 16))
    assert found.parameters == sum(each.numel() for each in model.parameters())
    assert found.operations == pytest.approx(counter.get_total_flops(), rel=0.25)
    assert found.width == 24


def test_the_plan_counts_every_frame_and_knows_how_wide_the_vectors_are(clip: Clip) -> None:
    sheet = Sheet(Frames.of((30, 12), "made"), Machine(cards.card("h100"), 1, 0.4))
    assert sheet.clip(clip) == 24
    (cost,) = sheet.costs
    (burden,) = sheet.burdens
    of_one = images.weighed(clip, images.configuration(clip, Path(clip.model))).operations
    assert cost.operations == burden.operations == 42 * of_one
    assert cost.fits
    assert cost.at_once == clip.batch


@pytest.fixture
def recipe(tmp_path: Path, clip: Clip, path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """SumMe's, its features.clip the model; `write` puts it where the stage looks."""
    monkeypatch.chdir(tmp_path)
    timeline.write(Path("timeline.h5"), VIDEOS)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["datasets"]["summe"]["features"]["clip"] = clip.model_dump()
    document["run"]["models"] = ["clip-it"]
    return document


def run(document: Any, path: Path | None) -> Path:
    Path("params.yaml").write_text(yaml.safe_dump(document))
    stage.features("summe", Path("timeline.h5"), Path("inputs"), path)
    return Path("inputs")


def test_the_stage_makes_them_where_a_row_is_fed_them(recipe: Any, path: Path) -> None:
    inputs = run(recipe, path)
    with features.reading(inputs / "clip.h5") as file:
        assert file.video(VIDEOS.videos[0]).shape == (5, 24)
    assert "clip" not in provisions.lacking(inputs, ["clip"])


def test_the_stage_loads_no_model_where_no_row_is_fed_them(
    recipe: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "read_frames", None)
    inputs = run(recipe | {"run": recipe["run"] | {"models": ["vasnet"]}}, path)
    assert provisions.lacking(inputs, ["clip"]) == {"clip": stage.UNWANTED}


def test_where_there_are_no_frames_a_model_has_nothing_to_look_at(recipe: Any) -> None:
    with pytest.raises(UserError, match=r"summe\.features\.clip names a model, and there are no"):
        run(recipe, None)


def test_the_model_is_among_those_that_are_fetched_beforehand(recipe: Any, clip: Clip) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(recipe))
    found: Recipe = section.lookup(Recipe, "datasets", "summe")
    assert "clip" in found.provides
    named = [each for each in frozen.models(found) if each.name == clip.model]
    assert [each.status().present for each in named] == [True]
