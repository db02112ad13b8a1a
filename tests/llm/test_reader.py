import logging
import pickle

import numpy as np
import pytest
import torch
from tiny_llms import CONFIGS, byte_tokenizer, causal_lm, save
from transformers import LlamaConfig

from stages import params
from stages.errors import UserError
from stages.llm.engine import Engine
from stages.llm.examples import written
from stages.llm.judge import Setting, judge
from stages.llm.settings import Shown
from stages.work.store import Store

CONFIG = LlamaConfig(
    **{**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 8192}
)
VIDEOS = {
    "video_1": ["A dog.", "A dog.", "A cat sits.", "Rain."] * 2,
    "video_2": ["Rain.", "A car turns left.", "Rain."],
}


@pytest.fixture
def embed(tmp_path):
    recipe = params.recipe("demo").embed
    llm = str(save(tmp_path / "model", CONFIG))
    return recipe.model_copy(update={"llm": llm, "token_budget": 600})


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def judged(videos, embed, store):
    return judge(videos, embed, written(embed), store)


def items(store):
    return {path.stem for path in (store.root / "items").glob("*/*.npz")}


def changed(embed, **prompt):
    return embed.model_copy(update={"prompt": embed.prompt.model_copy(update=prompt)})


def test_a_judgement_has_a_row_and_a_reply_for_every_frame(embed, store):
    judgements, keys = judged(VIDEOS, embed, store)
    assert list(judgements) == list(VIDEOS)
    for video, captions in VIDEOS.items():
        found = judgements[video]
        assert found.query_TW.shape == found.answer_TW.shape == (len(captions), 64)
        assert found.query_TW.dtype == found.answer_TW.dtype == np.float32
        assert len(found.replies) == len(captions)
    assert set(keys) == items(store)


def test_the_budget_decides_nothing_but_rounding(embed, store):
    few, _ = judged(VIDEOS, embed.model_copy(update={"token_budget": 1}), store)
    many, _ = judged(VIDEOS, embed.model_copy(update={"token_budget": 10**6}), store)
    for video in VIDEOS:
        assert few[video].replies == many[video].replies
        np.testing.assert_allclose(few[video].query_TW, many[video].query_TW, atol=1e-4)
        np.testing.assert_allclose(few[video].answer_TW, many[video].answer_TW, atol=1e-4)


def test_frames_with_the_same_prompt_are_read_once(embed, store, caplog):
    same = {video: ["A dog."] * 9 for video in ("video_1", "video_2")}
    with caplog.at_level("INFO", "llmvs"):
        judgements, keys = judged(same, embed, store)
    # Windows of 4, 5, 6 and 7 captions; the other video's are the same.
    assert sum(len(store.get(key)["query"]) for key in set(keys)) == 4
    query_TW = judgements["video_1"].query_TW
    assert np.array_equal(query_TW[3], query_TW[4])
    assert np.array_equal(query_TW, judgements["video_2"].query_TW)


def test_an_added_video_changes_no_other_videos_items(embed, store):
    _, before = judged(VIDEOS, embed, store)
    _, after = judged({"video_0": ["Snow."] * 3, **VIDEOS}, embed, store)
    assert set(before) < set(after)


@pytest.mark.parametrize(
    "change",
    [
        lambda embed: embed.model_copy(update={"window": 3}),
        lambda embed: embed.model_copy(update={"max_new_tokens": 3}),
        lambda embed: embed.model_copy(update={"dtype": "bfloat16"}),
        lambda embed: changed(embed, instruction="Judge it."),
        lambda embed: changed(embed, scale=(0, 6)),
        lambda embed: changed(embed, query="{window}\n{caption}"),
        lambda embed: changed(embed, answer="I say {score}"),
        lambda embed: changed(embed, examples=embed.prompt.examples[::-1]),
        lambda embed: changed(embed, shown=Shown(source="written", count=2, seed=0)),
        lambda embed: changed(embed, task="summary"),
        lambda embed: embed.model_copy(update={"edges": "repeat"}),
        lambda embed: embed.model_copy(update={"layer": "last_layer"}),
        lambda embed: embed.model_copy(update={"layer": "lm_head"}),
        lambda embed: embed.model_copy(update={"pooling": "mean"}),
        lambda embed: embed.model_copy(update={"stop": "turn"}),
    ],
    ids=[
        *("window", "length", "dtype", "instruction", "scale", "query", "answer", "examples"),
        *("count", "summary", "edges", "last layer", "head", "pooling", "stop"),
    ],
)
def test_what_decides_the_numbers_decides_the_keys(embed, store, change):
    other = change(changed(embed, instruction="From {lowest} to {highest}."))
    reference = changed(embed, instruction="From {lowest} to {highest}.")
    _, before = judged(VIDEOS, reference, store)
    _, after = judged(VIDEOS, other, store)
    assert not set(before) & set(after)


def test_other_weights_are_other_keys_and_the_same_weights_elsewhere_are_not(
    embed, store, tmp_path
):
    _, before = judged(VIDEOS, embed, store)
    same = str(save(tmp_path / "same", CONFIG))
    assert judged(VIDEOS, embed.model_copy(update={"llm": same}), store)[1] == before
    other = tmp_path / "other"
    causal_lm(CONFIG, seed=1).save_pretrained(other)
    byte_tokenizer().save_pretrained(other)
    _, after = judged(VIDEOS, embed.model_copy(update={"llm": str(other)}), store)
    assert not set(before) & set(after)


def test_a_setting_can_be_sent_to_another_process(embed):
    setting = Setting.of(embed, written(embed))
    copy = pickle.loads(pickle.dumps(setting))
    assert copy.determinants() == setting.determinants()
    assert copy.layout.query("A dog.") == setting.layout.query("A dog.")


def test_the_edges_of_a_video_alone_depend_on_the_policy(embed, store):
    videos = {"video_1": ["A dog.", "A cat sits.", "Rain.", "Snow."] * 4}
    cut, _ = judged(videos, embed, store)
    mirrored, _ = judged(videos, embed.model_copy(update={"edges": "mirror"}), store)
    apart_T = np.abs(cut["video_1"].query_TW - mirrored["video_1"].query_TW).max(axis=1)
    assert (apart_T[3:-3] < 1e-4).all()
    assert (apart_T[:3] > 1e-2).all()
    assert (apart_T[-3:] > 1e-2).all()


@pytest.mark.parametrize(
    ("setting", "width"),
    [({"layer": "last_layer"}, 64), ({"layer": "lm_head"}, 512), ({"pooling": "mean"}, 64)],
    ids=str,
)
def test_another_readout_changes_the_states_and_nothing_that_is_said(embed, store, setting, width):
    plain, _ = judged(VIDEOS, embed, store)
    other, _ = judged(VIDEOS, embed.model_copy(update=setting), store)
    for video, captions in VIDEOS.items():
        assert other[video].replies == plain[video].replies
        assert other[video].query_TW.shape == other[video].answer_TW.shape == (len(captions), width)
        assert width == 512 or not np.allclose(other[video].query_TW, plain[video].query_TW)


def test_asked_for_a_summary_the_model_may_say_more_and_never_stops_at_a_score(embed, tmp_path):
    summary = embed.prompt.summary.model_copy(update={"max_new_tokens": 20})
    asked = changed(embed, task="summary", summary=summary)
    setting = Setting.of(asked, written(asked))
    assert (setting.max_new_tokens, setting.answer) == (20, None)
    decode = setting.layout.tokenizer.decode
    assert "must say in one sentence" in decode(setting.layout.prefix)
    assert "summary: A dog comes to a bench" in decode(setting.layout.prefix)
    assert decode(setting.layout.draft).startswith("summary")


class Cramped:
    """An engine's memory that holds so many tokens of queries."""

    def __init__(self, monkeypatch, room):
        self.attempts = []
        read = Engine.read

        def limited(engine, queries):
            self.attempts.append(sum(map(len, queries)))
            if self.attempts[-1] > room:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return read(engine, queries)

        monkeypatch.setattr(Engine, "read", limited)


def test_out_of_memory_reads_in_halves_from_then_on(embed, store, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    large = embed.model_copy(update={"token_budget": 10**6})
    videos = {"video_1": VIDEOS["video_1"], "video_2": ["Snow.", "Sun.", *VIDEOS["video_1"]]}
    expected, keys = judged(videos, large, store)
    cramped = Cramped(monkeypatch, 700)
    found, same = judged(videos, large, Store(tmp_path / "other"))
    assert same == keys
    for video in videos:
        assert found[video].replies == expected[video].replies
        np.testing.assert_allclose(found[video].query_TW, expected[video].query_TW, atol=1e-4)
        np.testing.assert_allclose(found[video].answer_TW, expected[video].answer_TW, atol=1e-4)
    failed = [index for index, tokens in enumerate(cramped.attempts) if tokens > 700]
    assert failed
    assert failed == list(range(len(failed))), "what was learnt from one batch serves the next"
    said = [record.getMessage() for record in caplog.records if "memory" in record.getMessage()]
    assert len(said) == len(failed)
    assert "set embed.token_budget" in said[-1]


def test_a_prompt_too_long_for_the_memory_is_one_message(embed, store, monkeypatch):
    Cramped(monkeypatch, 10)
    with pytest.raises(UserError, match="out of memory with a single prompt"):
        judged(VIDEOS, embed, store)
