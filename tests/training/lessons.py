"""What several files' tests train: small random videos, an entry of each kind, settings."""

import torch

from stages.scorers.settings import Entry, GlobalAttentionEntry, MlpEntry
from stages.training.batches import Video
from stages.training.fitting import Trained, fit
from stages.training.settings import Train

CPU = torch.device("cpu")
ATTENTION = GlobalAttentionEntry(
    title="attention",
    kind="global-attention",
    inputs=("query",),
    width=32,
    layers=1,
    heads=2,
    feedforward=32,
    dropout=0.1,
)
MLP = MlpEntry(title="mlp", kind="mlp", inputs=("query",), width=32)
SETTINGS = Train(
    validation=0,
    seeds=(0,),
    lr=1e-3,
    weight_decay=0.01,
    schedule=None,
    clip=None,
    epochs=3,
    batch=2,
    accumulate=1,
    standardise=False,
)


def videos(count: int = 5, seed: int = 0) -> list[Video]:
    """A frame's score is a function of its embedding, so there is something to learn."""
    random = torch.Generator().manual_seed(seed)
    made = []
    for number in range(count):
        x_TD = torch.randn(4 + number, 8, generator=random)
        made.append(Video(f"video_{number + 1}", {"states": x_TD}, x_TD[:, 0].sigmoid()))
    return made


def trained(entry: Entry = ATTENTION, seed: int = 0, **changes: float) -> Trained:
    settings = SETTINGS.model_copy(update=changes)
    return fit(videos(), videos(2, 1), entry, settings, seed=seed, where=CPU)
