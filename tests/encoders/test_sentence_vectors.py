"""A caption's vector is what plain transformers makes of it alone, and is computed once."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_encoders import KINDS, save_bert, settings
from transformers import (
    AutoModel,
    AutoTokenizer,
    BartConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    RobertaConfig,
    RobertaModel,
    SiglipConfig,
)

from stages.encoders import encoder
from stages.encoders.encoder import Encoder, Tokens, pooled
from stages.encoders.reader import read_videos
from stages.errors import UserError
from stages.work.store import Store

VIDEOS = {
    "video_1": ["A dog runs on the street", "a cat sits", "a dog", "a cat sits"],
    "video_2": ["the man sits on a street", "a dog", "a man"],
}


def alone(folder: Path, kind: str, text: str) -> np.ndarray:
    """One caption through the model, unpadded, pooled in a line."""
    classes: dict[str, Any] = {
        "clip": CLIPTextModel,
        "clip, projected": CLIPTextModelWithProjection,
    }
    model = classes.get(kind, AutoModel).from_pretrained(folder).eval()
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        out = model(input_ids=ids)
    if kind == "clip, projected":
        return np.asarray(out.text_embeds[0])
    states_LW = out.last_hidden_state[0]
    return np.asarray(states_LW[0] if kind.endswith("first") else states_LW.mean(0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_captions_vector_is_the_models_own_of_it_alone(tmp_path: Path, kind: str) -> None:
    save, pooling, width = KINDS[kind]
    folder = save(tmp_path / "model")
    found, _ = read_videos(VIDEOS, settings(folder, pooling), Store(tmp_path / "store"))
    for video, captions in VIDEOS.items():
        assert found[video].shape == (len(captions), width)
        assert found[video].dtype == np.float32
        for vector_D, caption in zip(found[video], captions, strict=True):
            np.testing.assert_allclose(vector_D, alone(folder, kind, caption), atol=2e-5)


def test_the_mean_leaves_padding_out() -> None:
    states_BLW = torch.randn(2, 3, 4)
    valid_BL = torch.tensor([[True, True, False], [True, True, True]])
    found_BW = pooled(states_BLW, valid_BL, "mean")
    torch.testing.assert_close(found_BW[0], states_BLW[0, :2].mean(0))
    torch.testing.assert_close(found_BW[1], states_BLW[1].mean(0))


class Counting(Encoder):
    """Notes every sentence that it is given."""

    seen: list[Any]

    def _encoded(self, batch: Any) -> Any:
        Counting.seen += batch
        return super()._encoded(batch)


def test_a_caption_is_read_once_however_many_videos_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counting.seen = []
    monkeypatch.setattr("stages.encoders.reader.Encoder", Counting)
    store, chosen = Store(tmp_path / "store"), settings(save_bert(tmp_path / "model"))
    found, keys = read_videos(VIDEOS, chosen, store)
    distinct = {caption for captions in VIDEOS.values() for caption in captions}
    assert len(Counting.seen) == len(distinct)
    np.testing.assert_array_equal(found["video_1"][2], found["video_2"][1])
    again, _ = read_videos(VIDEOS, chosen, store)
    assert len(Counting.seen) == len(distinct)
    more = VIDEOS | {"video_3": ["a cat", "a dog"]}
    read_videos(more, chosen, store)
    assert len(Counting.seen) == len(distinct) + 1
    for video in VIDEOS:
        np.testing.assert_array_equal(found[video], again[video])
    assert all(key in store for key in keys)


def test_what_was_finished_before_a_stop_is_kept_and_the_bytes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(save_bert(tmp_path / "model"), budget=8)
    whole, keys = read_videos(VIDEOS, chosen, Store(tmp_path / "whole"))
    broken, store = Encoder._encoded, Store(tmp_path / "stopped")
    calls: list[int] = []

    def stops(self: Encoder, batch: Any) -> Any:
        calls.append(len(batch))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return broken(self, batch)

    monkeypatch.setattr(Encoder, "_encoded", stops)
    with pytest.raises(KeyboardInterrupt):
        read_videos(VIDEOS, chosen, store)
    assert sum(key in store for key in keys) == 2
    found, _ = read_videos(VIDEOS, chosen, store)
    assert len(calls) == 1 + len(keys)
    for video in VIDEOS:
        np.testing.assert_array_equal(found[video], whole[video])


def test_a_batch_too_large_for_the_memory_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(save_bert(tmp_path / "model"), budget=200)
    whole, _ = read_videos(VIDEOS, chosen, Store(tmp_path / "one"))
    roomy = Encoder._encoded

    def cramped(self: Encoder, batch: Any) -> Any:
        if len(batch) > 1:
            raise torch.OutOfMemoryError
        return roomy(self, batch)

    monkeypatch.setattr(Encoder, "_encoded", cramped)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found, _ = read_videos(VIDEOS, chosen, Store(tmp_path / "two"))
    for video in VIDEOS:
        np.testing.assert_allclose(found[video], whole[video], atol=1e-5)
    monkeypatch.setattr(
        Encoder, "_encoded", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError)
    )
    with pytest.raises(UserError, match="out of memory with a single caption"):
        read_videos(VIDEOS, chosen, Store(tmp_path / "three"))


def test_what_a_caption_says_is_text_and_what_is_too_long_is_cut_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(save_bert(tmp_path / "model"))
    tokens = Tokens(chosen)
    plain, written = tokens.ids("a dog"), tokens.ids("a dog [SEP]")
    assert written[: len(plain) - 1] == plain[:-1]
    assert written.count(plain[-1]) == 1  # the one that the tokenizer itself sets behind a text
    long = " ".join(["dog"] * 40)
    assert len(tokens.ids(long)) == 16
    assert tokens.cut == 1
    caplog.set_level(logging.WARNING)
    read_videos({"video_1": [long]}, chosen, Store(tmp_path / "store"))
    assert "1 distinct captions are longer than" in caplog.text


def test_only_a_clip_projects(tmp_path: Path) -> None:
    chosen = settings(save_bert(tmp_path / "model"), "projected")
    with pytest.raises(UserError, match="is no CLIP model"):
        read_videos(VIDEOS, chosen, Store(tmp_path / "store"))


def test_another_model_or_pooling_is_another_item_and_another_batch_size_is_too(
    tmp_path: Path,
) -> None:
    folder = save_bert(tmp_path / "model")
    _, keys = read_videos(VIDEOS, settings(folder), Store(tmp_path / "store"))
    _, other = read_videos(VIDEOS, settings(folder, "first"), Store(tmp_path / "store"))
    assert not set(keys) & set(other)


def test_the_room_of_a_tokenizer_is_its_own_or_the_models(tmp_path: Path) -> None:
    assert encoder.Tokens(settings(save_bert(tmp_path / "model")))._room == 14


def test_vectors_that_are_no_numbers_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(save_bert(tmp_path / "model"))
    roomy = Encoder._encoded

    def overflowing(self: Encoder, batch: Any) -> Any:
        found_BD = roomy(self, batch)
        found_BD[0, 0] = np.inf
        return found_BD

    monkeypatch.setattr(Encoder, "_encoded", overflowing)
    store = Store(tmp_path / "store")
    half = chosen.model_copy(update={"dtype": "float16"})
    with pytest.raises(UserError, match=r"overflow in float16; set sentences\.dtype to bfloat16"):
        read_videos(VIDEOS, half, store)
    assert not list(store.root.rglob("*.npz"))


@pytest.mark.parametrize("kind", [SiglipConfig, BartConfig])
def test_a_model_of_more_than_text_is_refused(kind: Any, tmp_path: Path) -> None:
    chosen = settings(save_bert(tmp_path / "model"))
    with pytest.raises(UserError, match=r"is no model of text alone .*name another sentences"):
        encoder.model_class(chosen, kind())


def test_positions_that_begin_behind_the_padding_leave_fewer(tmp_path: Path) -> None:
    """Of RoBERTa's kin; its table of 16 positions holds 14 of a text."""
    folder = save_bert(tmp_path / "model")
    config = RobertaConfig(
        vocab_size=32, hidden_size=32, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=14, pad_token_id=1,
    )  # fmt: skip
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    chosen = settings(folder)
    ids = Tokens(chosen).ids("a dog runs on the street " * 4)
    assert len(ids) == 12
    assert np.isfinite(Encoder(chosen).encode([ids])).all()
