import pickle

import numpy as np
import pytest
from tiny_llms import CONFIGS, byte_tokenizer, causal_lm, save
from transformers import LlamaConfig

from stages import params
from stages.llm.judge import Setting, judge
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


def items(store):
    return {path.stem for path in (store.root / "items").glob("*/*.npz")}


def changed(embed, **prompt):
    return embed.model_copy(update={"prompt": embed.prompt.model_copy(update=prompt)})


def test_a_judgement_has_a_row_and_a_reply_for_every_frame(embed, store):
    judgements, keys = judge(VIDEOS, embed, store)
    assert list(judgements) == list(VIDEOS)
    for video, captions in VIDEOS.items():
        found = judgements[video]
        assert found.query_TD.shape == found.answer_TD.shape == (len(captions), 64)
        assert found.query_TD.dtype == found.answer_TD.dtype == np.float32
        assert len(found.replies) == len(captions)
    assert set(keys) == items(store)


def test_the_budget_decides_nothing_but_rounding(embed, store):
    few, _ = judge(VIDEOS, embed.model_copy(update={"token_budget": 1}), store)
    many, _ = judge(VIDEOS, embed.model_copy(update={"token_budget": 10**6}), store)
    for video in VIDEOS:
        assert few[video].replies == many[video].replies
        np.testing.assert_allclose(few[video].query_TD, many[video].query_TD, atol=1e-4)
        np.testing.assert_allclose(few[video].answer_TD, many[video].answer_TD, atol=1e-4)


def test_frames_with_the_same_prompt_are_read_once(embed, store, caplog):
    same = {video: ["A dog."] * 9 for video in ("video_1", "video_2")}
    with caplog.at_level("INFO", "llmvs"):
        judgements, keys = judge(same, embed, store)
    # Windows of 4, 5, 6 and 7 captions; the other video's are the same.
    assert sum(len(store.get(key)["query"]) for key in set(keys)) == 4
    query_TD = judgements["video_1"].query_TD
    assert np.array_equal(query_TD[3], query_TD[4])
    assert np.array_equal(query_TD, judgements["video_2"].query_TD)


def test_an_added_video_changes_no_other_videos_items(embed, store):
    _, before = judge(VIDEOS, embed, store)
    _, after = judge({"video_0": ["Snow."] * 3, **VIDEOS}, embed, store)
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
        lambda embed: changed(embed, examples=embed.prompt.examples[:2]),
    ],
    ids=["window", "length", "dtype", "instruction", "scale", "query", "answer", "examples"],
)
def test_what_decides_the_numbers_decides_the_keys(embed, store, change):
    _, before = judge(VIDEOS, embed, store)
    other = change(changed(embed, instruction="From {lowest} to {highest}."))
    reference = changed(embed, instruction="From {lowest} to {highest}.")
    _, before = judge(VIDEOS, reference, store)
    _, after = judge(VIDEOS, other, store)
    assert not set(before) & set(after)


def test_other_weights_are_other_keys_and_the_same_weights_elsewhere_are_not(
    embed, store, tmp_path
):
    _, before = judge(VIDEOS, embed, store)
    same = str(save(tmp_path / "same", CONFIG))
    assert judge(VIDEOS, embed.model_copy(update={"llm": same}), store)[1] == before
    other = tmp_path / "other"
    causal_lm(CONFIG, seed=1).save_pretrained(other)
    byte_tokenizer().save_pretrained(other)
    _, after = judge(VIDEOS, embed.model_copy(update={"llm": str(other)}), store)
    assert not set(before) & set(after)


def test_a_setting_can_be_sent_to_another_process(embed):
    setting = Setting.of(embed)
    copy = pickle.loads(pickle.dumps(setting))
    assert copy.determinants() == setting.determinants()
    assert copy.layout.query("A dog.") == setting.layout.query("A dog.")
