"""GoogLeNet up to its last feature map, without torchvision: what CSTA attends with.

Szegedy et al., *Going Deeper with Convolutions* (CVPR 2015), in the variant whose ImageNet weights
torchvision publishes: batch normalisation after every convolution (epsilon 1e-3), 3 × 3 where the
paper has 5 × 5, pooling that keeps incomplete windows, a last pooling of 2 × 2. Layers and their
names are torchvision's, so that its weights fit; the auxiliary classifiers are left out.

Shapes: B images, C channels, H rows, W columns.
"""

import hashlib
import pickle
import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.errors import UserError

CHANNELS = 1024
"""Of the last feature map."""

SMALLEST = 15
"""The fewest rows, or columns, of which the last pooling but one leaves anything."""

_CLASSES = 1000


class _Convolution(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, into: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x_BCHW)), inplace=True)


class _Inception(nn.Module):
    """Four ways side by side: 1 × 1, two of 3 × 3 behind a narrow 1 × 1, and a maximum."""

    def __init__(
        self, into: int, one: int, second: tuple[int, int], third: tuple[int, int], pooled: int
    ) -> None:
        super().__init__()
        self.branch1 = _Convolution(into, one, 1)
        self.branch2 = _behind_narrow(into, *second)
        self.branch3 = _behind_narrow(into, *third)
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), _Convolution(into, pooled, 1)
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        ways = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([way(x_BCHW) for way in ways], dim=1)


def _behind_narrow(into: int, narrow: int, out: int) -> nn.Sequential:
    return nn.Sequential(_Convolution(into, narrow, 1), _Convolution(narrow, out, 3))


def _halving(kernel: int = 3) -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel, stride=2, ceil_mode=True)


class GoogLeNet(nn.Module):
    """Three channels in, a map of `CHANNELS` out, a 32nd as high and wide.

    `fc`, the classifier, is there for the sake of checkpoints that hold it; nothing uses it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Convolution(3, 64, 7, stride=2)
        self.maxpool1 = _halving()
        self.conv2 = _Convolution(64, 64, 1)
        self.conv3 = _Convolution(64, 192, 3)
        self.maxpool2 = _halving()
        self.inception3a = _Inception(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = _Inception(256, 128, (128, 192), (32, 96), 64)
        self.maxpool3 = _halving()
        self.inception4a = _Inception(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = _Inception(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = _Inception(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = _Inception(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = _Inception(528, 256, (160, 320), (32, 128), 128)
        self.maxpool4 = _halving(2)
        self.inception5a = _Inception(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = _Inception(832, 384, (192, 384), (48, 128), 128)
        self.fc = nn.Linear(CHANNELS, _CLASSES)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, CHANNELS, h, w); H and W are at least `SMALLEST`."""
        for name, layer in self.named_children():
            if name != "fc":
                x_BCHW = layer(x_BCHW)
        return x_BCHW


def start(network: GoogLeNet, path: Path) -> None:
    """Give a network the ImageNet weights that torchvision publishes.

    Args:
        network: changed in place.
        path: torchvision's `googlenet-1378be20.pth`, under its own name: the eight digits are the
            first of the file's sha256, and say what params.yaml asks for.

    Raises:
        UserError: no such file, one whose digits are not those of its name, or other weights.
    """
    path = path.expanduser()
    remedy = "fetch https://download.pytorch.org/models/googlenet-1378be20.pth, or set start: null"
    digits = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if digits is None:
        raise UserError(f"{path}: expected a name that ends in the file's digits; {remedy}")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    if not found.startswith(digits[1]):
        raise UserError(f"{path}: is damaged, or another file: its sha256 is {found}; {remedy}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # Its classifiers beside the trunk are dropped, as CSTA's authors do.
        network.load_state_dict({n: w for n, w in state.items() if not n.startswith("aux")})
    except (pickle.UnpicklingError, RuntimeError, AttributeError, EOFError) as error:
        raise UserError(f"{path}: not the weights of GoogLeNet ({error}); {remedy}") from error
