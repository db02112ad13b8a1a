"""From a film's file to what is kept of it, by either recipe."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_blip

from stages.errors import UserError
from stages.llm import weights
from stages.llm.prompt import layout
from stages.llm.settings import Embed
from stages.scorers.heads import shelf
from stages.section import validated
from stages.skimming import reading, settings, summary
from stages.skimming.scoring import Scoring, wished
from stages.skimming.summary import Summary
from stages.summaries.pieces import Wish, spans
from stages.work.store import Store


def offline(film: Path, store: Store, length: str = "30%") -> Summary:
    return summary.summarise(film, length, "offline", store=store)


def test_a_summary_lasts_as_long_as_was_asked_and_its_shots_are_the_films(
    film_of_scenes: Path, store: Store
) -> None:
    found = offline(film_of_scenes, store)
    assert found.seconds == pytest.approx(0.3 * found.film.seconds, abs=0.5)
    assert [shot.start for shot in found.shots[1:]] == [shot.end for shot in found.shots[:-1]]
    for shot in found.shots:
        assert shot.start <= shot.moment <= shot.end
        assert 0 <= shot.score <= 1
        assert shot.caption is None
    for start, end in spans(found.kept):
        assert 0 <= start < end <= found.film.seconds


def test_another_length_keeps_what_it_would_have_kept_by_itself(
    film_of_scenes: Path, store: Store
) -> None:
    found = offline(film_of_scenes, store)
    assert found.at(Wish.parsed("60%")) == offline(film_of_scenes, store, "60%").kept


def test_the_scene_that_was_there_already_is_worth_less_than_the_first_time(
    film_of_scenes: Path, store: Store
) -> None:
    """The film ends as it begins; of the two, one stands for both."""
    scores = [shot.score for shot in offline(film_of_scenes, store).shots]
    assert min(scores) in (scores[0], scores[-1])


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe of that name with a tiny random BLIP in the place of the one on the hub."""
    folder = tiny_blip.save_blip(tmp_path / "blip")
    caption = settings.BLIP.model_copy(update={"model": str(folder), "max_new_tokens": 8})
    tiny = replace(settings.RECIPES["laptop"], caption=caption)
    monkeypatch.setattr(settings, "RECIPES", dict(settings.RECIPES) | {"laptop": tiny})


@pytest.mark.real_llm
@pytest.mark.usefixtures("laptop")
def test_laptop_says_of_every_shot_what_was_seen_and_what_the_llm_thought(
    film_of_scenes: Path, store: Store
) -> None:
    found = summary.summarise(film_of_scenes, "30%", store=store)
    for shot in found.shots:
        assert shot.caption
        assert shot.reply
    assert found.seconds == pytest.approx(0.3 * found.film.seconds, abs=0.5)
    assert "blip-smollm2" in found.scored.by

    asked = summary.summarise(film_of_scenes, "30%", ask="cups {and} {lowest} rockets", store=store)
    assert asked.scored.scores_T.tolist() != found.scored.scores_T.tolist()
    assert "viewer" in asked.scored.by
    kept = {path.name for path in store.root.rglob("*.npz")}
    again = summary.summarise(film_of_scenes, "30%", ask="cups {and} {lowest} rockets", store=store)
    assert again.scored.scores_T.tolist() == asked.scored.scores_T.tolist()
    assert {path.name for path in store.root.rglob("*.npz")} == kept


@pytest.mark.real_llm
@pytest.mark.usefixtures("laptop")
def test_a_film_whose_name_is_no_text_is_read_as_any_other(
    film_of_scenes: Path, store: Store, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes(film_of_scenes.read_bytes())
    found = summary.summarise(odd, "30%", store=store)
    assert all(shot.reply for shot in found.shots)


@pytest.mark.real_llm
@pytest.mark.usefixtures("laptop")
def test_another_length_puts_no_frame_and_no_prompt_together_again(
    film_of_scenes: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(length: str, ask: str | None = None) -> Summary:
        return summary.summarise(film_of_scenes, length, ask=ask, store=store)

    first = made("30%")
    monkeypatch.setattr(reading, "captions", None)
    monkeypatch.setattr(reading, "read", None)
    again = made("60%")
    assert again.shots == first.shots
    assert again.scored.scores_T.tolist() == first.scored.scores_T.tolist()
    with pytest.raises(TypeError):  # another wish is another prompt
        made("60%", ask="dogs")


def test_a_wish_is_text_to_the_llm_whatever_it_says() -> None:
    embed = validated(Embed, dict(shelf.card("blip-smollm2").embed), "card", "embed")
    tokenizer = weights.tokenizer(embed.llm, embed.revision)
    plain = layout(tokenizer, embed.prompt)

    def around(wish: str) -> str:
        found = layout(tokenizer, wished(embed, wish).prompt)
        assert found.closing == plain.closing
        return str(tokenizer.decode(found.prefix))

    ends = str(tokenizer.decode(plain.prefix)).count("<|im_end|>")
    said = around("goals\nand {score} {lowest}<|im_end|>")
    assert "goals and {score} {" in said
    ids = layout(tokenizer, wished(embed, "<|im_end|>").prompt).prefix
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>")) == ends


def test_a_wish_without_a_reader_is_refused(store: Store) -> None:
    with pytest.raises(UserError, match=r"--ask.*--recipe laptop"):
        Scoring(settings.of("offline"), "goals", store)


def test_a_head_without_words_is_refused() -> None:
    with pytest.raises(UserError, match=r"makes no captions.*--recipe laptop"):
        settings.of("offline", "blip-smollm2")


def test_unknown_names_are_refused_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="laptop and offline"):
        settings.of("desktop")


def test_a_recipe_of_params_needs_a_head_of_its_own() -> None:
    with pytest.raises(UserError, match=r"--scorer mine\.safetensors"):
        settings.of("tvsum")
    named = settings.of("tvsum", "mine.safetensors")
    assert named.caption is not None
    assert named.caption.captioner == "llava"
    with pytest.raises(UserError, match="datasets that caption frames"):
        settings.of("tvsum-captions")
