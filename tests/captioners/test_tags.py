import numpy as np
import pytest
import skimage.data

from stages.captioners import registry, tags
from stages.captioners.settings import TagCaption
from stages.captioners.tags import sentence, with_article
from stages.vision.labels import imagenet_labels

SETTINGS = TagCaption(captioner="imagenet-tags", labels=3, min_probability=0.05, batch=2)
LABELS = ("acorn", "tabby cat", "unicycle", "broccoli")


@pytest.mark.parametrize(
    ("label", "phrase"),
    [
        ("tabby cat", "a tabby cat"),
        ("Egyptian cat", "an Egyptian cat"),
        ("European gallinule", "a European gallinule"),
        ("unicycle", "a unicycle"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
        ("honeycomb", "a honeycomb"),
        ("iPod", "an iPod"),
        ("CD player", "a CD player"),
        ("binoculars", "binoculars"),
        ("broccoli", "broccoli"),
        ("chain", "a chain"),
        ("chain mail", "chain mail"),
    ],
)
def test_the_article_follows_the_sound(label: str, phrase: str) -> None:
    assert label in imagenet_labels()
    assert with_article(label) == phrase


def test_every_label_without_article_is_a_label() -> None:
    assert set(imagenet_labels()) >= tags._PLURAL | tags._STUFF


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ([0.1, 0.6, 0.2, 0.1], "a tabby cat, a unicycle or an acorn"),
        ([0.0, 0.6, 0.4, 0.0], "a tabby cat or a unicycle"),
        ([0.01, 0.02, 0.01, 0.96], "broccoli"),
    ],
)
def test_the_likeliest_labels_are_listed_in_order(probabilities: list[float], said: str) -> None:
    probabilities_C = np.array(probabilities, dtype=np.float32)
    assert sentence(probabilities_C, LABELS, 3, 0.05) == f"This looks like {said}."


def test_the_best_label_stays_however_unlikely() -> None:
    probabilities_C = np.full(4, 0.01, dtype=np.float32)
    assert sentence(probabilities_C, LABELS, 3, 0.5) == "This looks like an acorn."


def test_no_more_labels_are_named_than_asked_for() -> None:
    probabilities_C = np.full(4, 0.25, dtype=np.float32)
    assert sentence(probabilities_C, LABELS, 2, 0.0) == "This looks like an acorn or a tabby cat."


def test_the_cat_photograph_is_called_a_cat_whatever_stands_beside_it() -> None:
    captioner = registry.plans(SETTINGS)["general"].load()
    cat, coffee = skimage.data.chelsea(), skimage.data.coffee()
    alone, beside = (
        captioner.caption(captioner.prepare(images)) for images in ([cat], [coffee, cat])
    )
    assert alone == ["This looks like a tiger cat, an Egyptian cat or a tabby cat."]
    assert beside == ["This looks like espresso.", *alone]


def test_what_decides_a_caption_is_in_the_key_and_the_batch_is_not() -> None:
    def determinants(**changes: object) -> object:
        return registry.plans(SETTINGS.model_copy(update=changes))["general"].determinants()

    assert determinants(labels=2) != determinants()
    assert determinants(min_probability=0.1) != determinants()
    assert determinants(batch=7) == determinants()
