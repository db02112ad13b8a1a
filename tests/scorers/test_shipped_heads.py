"""The heads that come with the package: each one's card is of its weights, and of this project."""

import tomllib
from pathlib import Path

import torch

from stages import params
from stages.llm import weights
from stages.llm.fingerprint import fingerprint
from stages.llm.settings import Embed
from stages.scorers.heads import card as cards
from stages.scorers.heads import shelf
from stages.shipping import prose
from stages.work.store import content_hash

ROOT = Path(__file__).parents[2]


def test_a_head_comes_with_the_package() -> None:
    assert shelf.names()


def test_a_card_is_of_its_weights() -> None:
    for name in shelf.names():
        scorer, card = shelf.load(name)
        assert card.name == name
        assert card.weights == content_hash(shelf.place(name))
        assert (card.kind, card.architecture) == (scorer.kind, scorer.architecture)
        width = card.architecture["embedding"]
        inputs = {of: torch.randn(5, width) for of in card.inputs}
        scores_T = scorer.scores(inputs)
        assert scores_T.shape == (5,)
        assert ((scores_T > 0) & (scores_T < 1)).all()


def test_a_cards_fingerprint_is_of_the_settings_it_shows() -> None:
    for name in shelf.names():
        card = shelf.card(name)
        embed = Embed.model_validate(card.embed)
        assert card.llm == weights.identity(embed.llm, embed.revision)
        assert card.fingerprint == fingerprint(embed, card.llm)


def test_the_recipes_that_a_head_learnt_from_still_make_its_embeddings() -> None:
    for name in shelf.names():
        card = shelf.card(name)
        for source in card.sources:
            embed = params.recipe(source.dataset, ROOT / "params.yaml").embed
            assert embed is not None
            identity = weights.identity(embed.llm, embed.revision)
            assert fingerprint(embed, identity) == card.fingerprint, source.dataset


def test_what_people_read_of_a_head_is_made_of_its_card() -> None:
    for name in shelf.names():
        text = (shelf.FOLDER / f"{name}.md").read_text(encoding="utf-8")
        assert text == prose.markdown(shelf.card(name))


def test_a_wheel_holds_all_of_a_head() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = document["tool"]["setuptools"]["package-data"]["stages.scorers.heads"]
    for suffix in (".safetensors", cards.SUFFIX, prose.SUFFIX):
        assert f"*{suffix}" in patterns
