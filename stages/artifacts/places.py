"""Where a dataset's files lie: one folder a dataset, `data/D`.

source/                 what download makes: timeline.h5, people.h5 and, where given, videos/
timeline.h5             the final timeline, with shots
frames.h5               the picked frames as JPEG, where there are videos
captions.jsonl          a caption a frame
inputs/embeddings.h5    the LLM's states, score and reply a frame
inputs/image.h5         the image encoder's features a frame, where there are videos
inputs/sentence.h5      a text model's vector of each caption
inputs/pool5.h5, …      features that others made of the frames
feeds/M.json            what a row is fed of these inputs, or lacks
scores.h5               scores that were given
predictions/M.h5        a trained model's scores of the videos it was tested on
checkpoints/M/          its weights, a file a protocol, seed and split
curves/M.csv            its learning curves
finetuned/zero-shot.h5  a fine-tuned row's scores of the videos it was tested on: of zero-shot*
adapters/zero-shot/     its adapters, a file a protocol, seed and split
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

GivenKind = Literal["videos", "captions", "embeddings", "features", "scores"]
"""What a recipe begins with."""

FINETUNED = "finetuned"
"""The folder of a dataset's that fine-tuning fills."""


@dataclass(frozen=True)
class Places:
    """The files of a dataset's folder, whether they are there or not."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def people(self) -> Path:
        return self.source / "people.h5"

    @property
    def videos(self) -> Path:
        return self.source / "videos"

    @property
    def timeline(self) -> Path:
        return self.folder / "timeline.h5"

    @property
    def frames(self) -> Path:
        return self.folder / "frames.h5"

    @property
    def captions(self) -> Path:
        return self.folder / "captions.jsonl"

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def embeddings(self) -> Path:
        return self.inputs / "embeddings.h5"

    @property
    def image(self) -> Path:
        return self.inputs / "image.h5"

    @property
    def scores(self) -> Path:
        return self.folder / "scores.h5"

    def feed(self, model: str) -> Path:
        return self.folder / "feeds" / f"{model}.json"

    def predictions(self, model: str) -> Path:
        return self.folder / "predictions" / f"{model}.h5"

    def checkpoints(self, model: str) -> Path:
        return self.folder / "checkpoints" / model

    def curves(self, model: str) -> Path:
        return self.folder / "curves" / f"{model}.csv"

    def finetuned(self, row: str) -> Path:
        """Scores of a row such as zero-shot*; a star is no part of a file's name everywhere."""
        return self.folder / FINETUNED / f"{row.removesuffix('*')}.h5"

    def files(
        self,
        given: GivenKind,
        models: Iterable[str],
        fed: Iterable[str] = (),
        tuned: Iterable[str] = (),
    ) -> list[Path]:
        """Every file that a recipe of what is given has there and evaluation rests on; of trained
        rows the predictions and curves of `models` alone, and the inputs by these names that they
        are `fed`; of fine-tuned rows those of `tuned`. What a recipe of another kind left is not
        among them.
        """
        wanted = [self.timeline, self.people]
        if given == "videos":
            wanted += [self.frames, self.image]
        if given in ("videos", "captions"):
            wanted.append(self.captions)
        wanted.append(self.scores if given == "scores" else self.embeddings)
        wanted += [path for name in fed if (path := self.inputs / name) not in wanted]
        wanted += [
            made for model in models for made in (self.predictions(model), self.curves(model))
        ]
        wanted += map(self.finetuned, tuned)
        return [path for path in wanted if path.is_file()]
