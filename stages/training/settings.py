"""params.yaml: datasets.D.train, how a scorer learns."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from stages.section import Count, Dtype, Name, Positive, Section


class Schedule(Section):
    """Cosine learning rate: from `lr` to `floor` in `period` epochs, then back up."""

    period: Positive
    floor: Annotated[float, Field(ge=0)]


By = Literal["tau", "rho"]
"""What an epoch is chosen by: Kendall's τ or Spearman's ρ, the mean over the videos watched."""


class Official(Section):
    """How the protocol official chooses its epoch. Without the section, by τ of all test videos.

    gpus: the test videos are dealt to so many (`splits.dealing`), and an evaluation takes the place
    of the one kept where the share of each is better than it was. The release, on five, keeps its
    checkpoints so: Lightning saves where all processes are for it, and each knows its own share.
    """

    by: By = "tau"
    gpus: Positive = 1


class Train(Section):
    """How every row of a dataset is trained.

    `scorer`: hyperparameters that this recipe sets otherwise than the entries of `models` do, for
    each entry whose kind has them and may be resized. `models`: by row, what is set otherwise for
    it alone, `scorer` and `inputs` included (`stages.training.lesson`). `optimiser`: AdamW, or
    Adam, whose weight decay is a part of the gradient. `dtype`: of forward passes; beside float32
    by torch's autocast, in float16 with a scaled loss. `checkpoints`: the weights that are kept, of
    all runs, or of those shown: the first protocol's with the first seed, whose attention the
    report draws.
    """

    scorer: dict[str, Any] = Field(default_factory=dict)
    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    optimiser: Literal["adamw", "adam"] = "adamw"
    dtype: Dtype = "float32"
    official: Official = Official()
    validation: Annotated[float, Field(ge=0, lt=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Schedule | None
    clip: Annotated[float, Field(gt=0)] | None
    epochs: Positive
    batch: Positive
    accumulate: Positive
    standardise: bool
    checkpoints: Literal["all", "shown"] = "all"

    @field_validator("seeds")
    @classmethod
    def _no_seed_twice(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("names one twice")
        return seeds
