"""Where the files of a dataset lie: one folder, data/D, spelled here alone.

What is absent is not a mistake: a dataset that begins with captions has no frames, one that begins
with scores no embeddings, checkpoints and curves.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """A dataset's folder, and the place of each file in it, whether it is there or not."""

    folder: Path

    @classmethod
    def under(cls, data: Path, dataset: str) -> "Places":
        """Of a dataset by name, in the folder of all."""
        return cls(data / dataset)

    @property
    def source(self) -> Path:
        """What `download` makes: the folder of the next three."""
        return self.folder / "source"

    @property
    def known(self) -> Path:
        """The timeline as it comes, with shots only where they are known."""
        return self.source / "timeline.h5"

    @property
    def people(self) -> Path:
        return self.source / "people.h5"

    @property
    def videos(self) -> Path:
        """The folder of the videos themselves."""
        return self.source / "videos"

    @property
    def timeline(self) -> Path:
        """The final timeline, with shots."""
        return self.folder / "timeline.h5"

    @property
    def frames(self) -> Path:
        """JPEGs of the picks."""
        return self.folder / "frames.h5"

    @property
    def image(self) -> Path:
        """The image encoder's features."""
        return self.folder / "inputs" / "image.h5"

    @property
    def embeddings(self) -> Path:
        return self.folder / "inputs" / "embeddings.h5"

    @property
    def captions(self) -> Path:
        return self.folder / "captions.jsonl"

    @property
    def predictions(self) -> Path:
        """A folder of M.h5, the scores of a model, or of a row whose scores are given."""
        return self.folder / "predictions"

    @property
    def checkpoints(self) -> Path:
        """A folder of M/, the weights of each run of a model."""
        return self.folder / "checkpoints"

    @property
    def curves(self) -> Path:
        """A folder of M.csv, the learning curves of a model."""
        return self.folder / "curves"

    def predictions_of(self, row: str) -> Path:
        return self.predictions / f"{row}.h5"

    def curves_of(self, model: str) -> Path:
        return self.curves / f"{model}.csv"

    def checkpoint_of(self, model: str, protocol: str, seed: int, split: int) -> Path:
        """The weights that a seed left on a split of a protocol."""
        return self.checkpoints / model / protocol / f"seed_{seed}" / f"split_{split}.safetensors"
