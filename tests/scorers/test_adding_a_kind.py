"""A kind of scorer added by the guide (stages/scorers/README.md): a moving average, then a line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d

from stages.scorers import registry
from stages.scorers.scorer import Scorer
from stages.scorers.settings import Entry
from stages.splits.folds import strict
from stages.training.batches import Video
from stages.training.crossvalidation import cross_validate
from stages.training.settings import Train
from stages.training.trainer import Trainer
from stages.work.store import Store


class MovingAverageEntry(Entry):
    """1. Its settings: in stages/scorers/settings.py, and a member of `Kinds`."""

    kind: Literal["moving-average"]
    reach: Annotated[int, Field(ge=0)]


class MovingAverage(Scorer):
    """2. The kind: its own module. A frame's query, smoothed over `reach` frames on either side."""

    kind = "moving-average"

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.width, self.reach = width, reach
        self.line = nn.Linear(width, 1)

    @classmethod
    def build(cls, entry: MovingAverageEntry, widths: Mapping[str, int]) -> Self:
        return cls(widths["query"], entry.reach)

    @property
    def architecture(self) -> dict[str, Any]:
        return {"width": self.width, "reach": self.reach}

    def forward(self, inputs: Mapping[str, Tensor], valid_BT: Tensor | None = None) -> Tensor:
        scores_BT = self.line(inputs["query"]).squeeze(-1)
        real_BT = torch.ones_like(scores_BT) if valid_BT is None else valid_BT.float()
        size = 2 * self.reach + 1
        smooth_BT = avg_pool1d(scores_BT * real_BT, size, 1, self.reach)
        smooth_BT = smooth_BT / avg_pool1d(real_BT, size, 1, self.reach).clamp_min(1e-6)
        return smooth_BT.sigmoid() * real_BT

    @torch.no_grad()
    def absorb(self, means: Mapping[str, Tensor], deviations: Mapping[str, Tensor]) -> None:
        weight_1D = self.line.weight.double() / deviations["query"]
        self.line.bias -= (weight_1D @ means["query"]).float()
        self.line.weight.copy_(weight_1D)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """3. Its line in the registry."""
    monkeypatch.setitem(registry.KINDS, "moving-average", f"{__name__}:MovingAverage")


def test_it_learns_and_its_checkpoint_gives_the_same_scores(tmp_path: Path) -> None:
    """4. Its test."""
    random = torch.Generator().manual_seed(0)
    x = {f"video_{n}": 5 + 3 * torch.randn(6 + n, 4, generator=random) for n in range(1, 7)}
    videos = {name: Video(name, {"query": x[name]}, (x[name][:, 0] / 9).sigmoid()) for name in x}
    entry = MovingAverageEntry(title="M", kind="moving-average", inputs=("query",), reach=1)
    settings = Train(
        validation=0, seeds=(0,), lr=0.05, weight_decay=0, schedule=None, clip=None, epochs=30,
        batch=2, accumulate=1, standardise=True,
    )  # fmt: skip
    trainer = Trainer(lambda *_: videos, {}, entry, settings, torch.device("cpu"))
    planned = {"strict": strict(list(videos), 3)}
    for finished in cross_validate(trainer, planned, Store(tmp_path), processes=1):
        assert finished.curve[-1].train_loss < finished.curve[0].train_loss / 2
        path = tmp_path / f"{finished.run.place}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(finished.checkpoint)
        loaded = registry.load_checkpoint("moving-average", path)
        for name, scores_T in finished.run.scores.items():
            found_T = loaded.scores({"query": x[name]})
            torch.testing.assert_close(found_T, torch.from_numpy(scores_T))
