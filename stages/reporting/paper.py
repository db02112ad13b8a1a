"""The paper's own figures, as data: what others measured, never what this project did.

Source: Lee, Gong, Cho, "Video Summarization with Large Language Models", CVPR 2025,
arXiv 2504.11199: the comparison with other methods, and on SumMe the ablations.
"""

from dataclasses import dataclass

CITATION = "Lee, Gong, Cho: Video Summarization with Large Language Models, CVPR 2025"
ADDRESS = "arXiv 2504.11199"
DATASETS = ("SumMe", "TVSum")


@dataclass(frozen=True)
class Reported:
    """Kendall's τ and Spearman's ρ as the paper prints them for one method on one dataset."""

    dataset: str
    tau: float
    rho: float
    table: str


@dataclass(frozen=True)
class Method:
    """A method of the paper's tables. `row` names the row of ours that measures the same thing,
    None where this pipeline has no such row.
    """

    title: str
    row: str | None
    figures: tuple[Reported, ...]

    def on(self, dataset: str) -> Reported | None:
        """What the paper reports on one of `DATASETS`, None where it reports nothing."""
        return next((figure for figure in self.figures if figure.dataset == dataset), None)


_COMPARISON = "comparison with other methods"
_ABLATION = "ablations"

METHODS = (
    Method(
        "LLMVS",
        "llmvs",
        (
            Reported("SumMe", 0.253, 0.282, _COMPARISON),
            Reported("TVSum", 0.211, 0.275, _COMPARISON),
        ),
    ),
    Method("query only", "query-only", (Reported("SumMe", 0.238, 0.265, _ABLATION),)),
    Method("answer only", "answer-only", (Reported("SumMe", 0.233, 0.260, _ABLATION),)),
    Method("q + a with an MLP", "mlp", (Reported("SumMe", 0.182, 0.203, _ABLATION),)),
    Method(
        "LLM, zero-shot",
        "zero-shot",
        (
            Reported("SumMe", 0.170, 0.189, _COMPARISON),
            Reported("TVSum", 0.051, 0.056, _COMPARISON),
        ),
    ),
    Method(
        "Human",
        "human",
        (
            Reported("SumMe", 0.205, 0.213, _COMPARISON),
            Reported("TVSum", 0.177, 0.204, _COMPARISON),
        ),
    ),
    Method(
        "CSTA",
        None,
        (
            Reported("SumMe", 0.246, 0.274, _COMPARISON),
            Reported("TVSum", 0.194, 0.255, _COMPARISON),
        ),
    ),
    Method("LLaVA, asked directly", None, (Reported("SumMe", 0.119, 0.132, _ABLATION),)),
)


def counterpart(row: str) -> Method | None:
    """The paper's method that a row of ours corresponds to, None where it has none."""
    return next((method for method in METHODS if method.row == row), None)


def benchmark(dataset: str) -> str | None:
    """The dataset of the paper that one of ours is, by name; None for one the paper never saw."""
    return next((name for name in DATASETS if dataset.lower().startswith(name.lower())), None)
