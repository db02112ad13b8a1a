from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from stages.errors import UserError
from stages.vision import encoder as module
from stages.vision.encoder import CLASSES, FEATURES, SIDE, ImageEncoder, prepare
from stages.vision.labels import imagenet_labels


@pytest.fixture(scope="module")
def encoder() -> ImageEncoder:
    return ImageEncoder.load()


@pytest.mark.parametrize(
    ("photograph", "labels"),
    [
        ("chelsea", {"tabby cat", "tiger cat", "Egyptian cat"}),
        ("coffee", {"espresso"}),
        ("camera", {"tripod"}),
        ("rocket", {"missile"}),
    ],
)
def test_known_photographs_are_recognised(
    encoder: ImageEncoder, photograph: str, labels: set[str]
) -> None:
    pixels = getattr(skimage.data, photograph)()
    image = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    best = int(encoder([image]).probabilities_TC[0].argmax())
    assert imagenet_labels()[best] in labels


def test_an_image_gives_the_same_bits_in_any_company(encoder: ImageEncoder) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (60, 90, 3), dtype=np.uint8) for _ in range(5)]
    together = encoder(images)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for index, image in enumerate(images):
            alone = encoder([image])
            assert np.array_equal(alone.features_TD[0], together.features_TD[index])
            assert np.array_equal(alone.probabilities_TC[0], together.probabilities_TC[index])
    finally:
        torch.set_num_threads(threads)


def test_features_and_probabilities_are_those_of_the_whole_network(encoder: ImageEncoder) -> None:
    image = skimage.data.chelsea()
    encoded = encoder([image])
    with torch.inference_mode():
        logits_1C = encoder._network(torch.from_numpy(prepare(image))[None])
    np.testing.assert_allclose(
        encoded.probabilities_TC, logits_1C.softmax(-1).numpy(), atol=1e-5, rtol=0
    )
    assert encoded.features_TD.dtype == encoded.probabilities_TC.dtype == np.float32
    assert encoded.features_TD.std() > 0


def test_no_images_give_no_rows(encoder: ImageEncoder) -> None:
    encoded = encoder([])
    assert encoded.features_TD.shape == (0, FEATURES)
    assert encoded.probabilities_TC.shape == (0, CLASSES)


def test_encoding_leaves_the_number_of_threads_as_it_was(encoder: ImageEncoder) -> None:
    before = torch.get_num_threads()
    encoder([np.zeros((8, 8, 3), dtype=np.uint8)])
    assert torch.get_num_threads() == before


def test_the_input_is_the_middle_of_the_image_scaled() -> None:
    image = np.zeros((256, 512, 3), dtype=np.uint8)
    image[16:240, 144:368] = (255, 127, 0)
    pixels = prepare(image)
    assert pixels.shape == (3, SIDE, SIDE)
    expected_3 = np.array([1.0, 0.0, -127 / 128], dtype=np.float32)
    np.testing.assert_allclose(pixels, np.broadcast_to(expected_3[:, None, None], pixels.shape))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_anything_but_rgb_bytes_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        prepare(image)


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(b"not the weights")
    monkeypatch.setattr(module, "weights_path", lambda: damaged)
    with pytest.raises(UserError, match=r"weights\.pth.*reinstall"):
        ImageEncoder.load()


def test_there_is_one_label_a_class_and_no_two_alike() -> None:
    labels = imagenet_labels()
    assert len(labels) == len(set(labels)) == CLASSES
    assert (labels[0], labels[281], labels[999]) == ("tench", "tabby cat", "toilet tissue")
    assert all(label == label.strip() and "," not in label for label in labels)
