"""params.yaml: datasets.D.sentences, the frozen model that turns each caption into one vector."""

from typing import Literal

from stages.section import Dtype, Odd, Positive, Section, Text

Pooling = Literal["mean", "first", "projected"]


class Sentences(Section):
    """Which model reads captions one by one, and what is kept of its states.

    model: the embedded LLM, a folder, or a repository on the hub. pooling: the mean over the
    sentence's tokens of the states that leave the model; the first token's; or what a CLIP model
    projects into the space that its text and images share. window: frames around each whose
    captions' vectors are averaged, 1 for its own caption's. token_budget: tokens of one batch.
    """

    model: Text
    revision: str | None
    dtype: Dtype
    pooling: Pooling
    window: Odd
    token_budget: Positive
