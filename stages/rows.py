"""Every row of the paper's tables: where it belongs, how it is measured, what the paper reports.

A row is measured in one of two ways. Without overrides, by the run in the workspace: a model of
params.yaml, or a row that evaluate writes beside them. With overrides, which are values below
`datasets.D` of params.yaml, by a DVC experiment of its own that trains llmvs alone; where the
recipe already holds those values, the workspace's llmvs is that row.

The paper's figures are what others measured, never what this project did. Their source: Lee, Gong,
Cho, "Video Summarization with Large Language Models", CVPR 2025, arXiv 2504.11199: the comparison
with other methods, and on SumMe the ablations. Where the paper is known to have a row but not
which figures, there are none here. Those of other systems are as published, in the systems' own
papers or in later ones' comparisons (`PUBLISHED`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

CITATION = "Lee, Gong, Cho: Video Summarization with Large Language Models, CVPR 2025"
ADDRESS = "arXiv 2504.11199"
DATASETS = ("SumMe", "TVSum")
TABLES = {
    "main": "Comparison with people and baselines",
    "embedding": "Which embeddings, and what is made of them",
    "ablation": "Captions, prompt and embeddings varied one at a time",
    "window": "Captions the LLM sees at once",
    "width": "How wide the trained attention is",
}
LLMVS = "llmvs"

COMPARISON = "comparison with other methods"
ABLATIONS = "ablations"
PUBLISHED = "as published of other systems, in their papers or in later ones' comparisons"


@dataclass(frozen=True)
class Reported:
    """Kendall's τ and Spearman's ρ as a paper prints them for one method on one dataset.

    table: of LLMVS's paper, or `PUBLISHED`.
    """

    dataset: str
    tau: float
    rho: float
    table: str


@dataclass(frozen=True)
class PaperRow:
    """A row of the tables named, in their order.

    overrides: values below `datasets.D`; empty for a row of the run in the workspace. reads: the
    row of results.json that holds its figures, None for what only the paper measured. captioner:
    the one captioner whose recipes have this row, None for any. theirs: the paper's own name for
    it, where it has figures. heading: what a row is called that only an experiment measures; what
    models and rows of evaluate are called stands in params.yaml and in results.json.
    """

    name: str
    tables: tuple[str, ...]
    reads: str | None
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    captioner: str | None = None
    theirs: str | None = None
    figures: tuple[Reported, ...] = ()
    heading: str | None = None

    @property
    def title(self) -> str:
        """What it is called where nothing was measured: its heading, else the paper's name."""
        return self.heading or self.theirs or self.name

    def on(self, dataset: str) -> Reported | None:
        """What the paper reports on one of `DATASETS`, None where it reports nothing."""
        return next((figure for figure in self.figures if figure.dataset == dataset), None)


def _summe(tau: float, rho: float, table: str) -> Reported:
    return Reported("SumMe", tau, rho, table)


def _tvsum(tau: float, rho: float, table: str) -> Reported:
    return Reported("TVSum", tau, rho, table)


def _peer(name: str, theirs: str, *figures: Reported, ours: bool = True) -> PaperRow:
    """A system of another paper. ours: whether it can be measured here."""
    return PaperRow(name, ("main",), name if ours else None, theirs=theirs, figures=figures)


def _varied(
    table: str, name: str, heading: str, captioner: str | None = None, **values: Any
) -> PaperRow:
    """A row that an experiment measures; `__` in a key stands for the dot of its path."""
    overrides = {key.replace("__", "."): value for key, value in values.items()}
    return PaperRow(name, (table,), LLMVS, MappingProxyType(overrides), captioner, heading=heading)


ROWS = (
    PaperRow(
        LLMVS,
        ("main", "embedding", "ablation"),
        LLMVS,
        theirs="LLMVS",
        figures=(_summe(0.253, 0.282, COMPARISON), _tvsum(0.211, 0.275, COMPARISON)),
    ),
    PaperRow(
        "query-only",
        ("embedding",),
        "query-only",
        theirs="query only",
        figures=(_summe(0.238, 0.265, ABLATIONS),),
    ),
    PaperRow(
        "answer-only",
        ("embedding",),
        "answer-only",
        theirs="answer only",
        figures=(_summe(0.233, 0.260, ABLATIONS),),
    ),
    PaperRow(
        "mlp",
        ("embedding",),
        "mlp",
        theirs="q + a with an MLP",
        figures=(_summe(0.182, 0.203, ABLATIONS),),
    ),
    PaperRow(
        "zero-shot",
        ("main", "ablation"),
        "zero-shot",
        theirs="LLM, zero-shot",
        figures=(_summe(0.170, 0.189, COMPARISON), _tvsum(0.051, 0.056, COMPARISON)),
    ),
    PaperRow(
        "zero-shot-finetuned",
        ("main", "ablation"),
        "zero-shot*",
        theirs="LLM, fine-tuned",
        figures=(_summe(0.181, 0.201, ABLATIONS),),
    ),
    PaperRow(
        "direct-finetuned",
        ("main", "ablation"),
        "direct*",
        captioner="llava",
        theirs="LLaVA, asked directly, fine-tuned",
        figures=(_summe(0.140, 0.156, ABLATIONS),),
    ),
    PaperRow(
        "human",
        ("main",),
        "human",
        theirs="Human",
        figures=(_summe(0.205, 0.213, COMPARISON), _tvsum(0.177, 0.204, COMPARISON)),
    ),
    PaperRow("caption-attention", ("main",), "caption-attention"),
    PaperRow("oracle", ("main",), "oracle"),
    PaperRow("random", ("main",), "random"),
    PaperRow("constant", ("main",), "constant"),
    _peer("vasnet", "VASNet", _summe(0.160, 0.170, PUBLISHED)),
    _peer("pgl-sum", "PGL-SUM"),
    _peer("dsnet-ab", "DSNet, anchor-based"),
    _peer("dsnet-af", "DSNet, anchor-free"),
    _peer("iptnet", "iPTNet", _summe(0.101, 0.119, PUBLISHED), ours=False),
    _peer("rr-stg", "RR-STG", _summe(0.211, 0.234, PUBLISHED), ours=False),
    _peer("msva", "MSVA", _summe(0.200, 0.230, PUBLISHED), _tvsum(0.190, 0.210, PUBLISHED)),
    _peer("clip-it", "CLIP-It"),
    _peer("a2summ", "A2Summ", _summe(0.108, 0.129, PUBLISHED)),
    _peer("sspvs", "SSPVS", _summe(0.192, 0.257, PUBLISHED), _tvsum(0.181, 0.238, PUBLISHED)),
    _peer("csta", "CSTA", _summe(0.246, 0.274, COMPARISON), _tvsum(0.194, 0.255, COMPARISON)),
    _peer(
        "summdiff",
        "SummDiff",
        _summe(0.256, 0.285, PUBLISHED),
        _tvsum(0.195, 0.255, PUBLISHED),
        ours=False,
    ),
    PaperRow("representative", ("main",), "representative"),
    *(_varied("window", f"window-{w}", f"window of {w}", embed__window=w) for w in (1, 3, 5, 7)),
    *(
        _varied(
            "width",
            f"width-{width}",
            f"width of {width}",
            train__scorer__width=width,
            train__scorer__feedforward=2 * width,
        )
        for width in (64, 128, 256)
    ),
    # Hours on a processor: a seed under one protocol alone, in half precision, as the release.
    _varied(
        "width",
        "width-2048",
        "width and learning rate of the paper (2048, 1.19e-4; bfloat16, one seed)",
        train__scorer__width=2048,
        train__scorer__feedforward=2048,
        train__lr=1.19e-4,
        train__dtype="bfloat16",
        train__seeds=(0,),
        splits__protocols=("strict",),
    ),
    PaperRow(
        "direct",
        ("ablation",),
        "direct",
        MappingProxyType({"caption.direct": True}),
        captioner="llava",
        heading="captioner asked for the score",
        theirs="LLaVA, asked directly",
        figures=(_summe(0.119, 0.132, ABLATIONS),),
    ),
    _varied(
        "ablation",
        "describe",
        "captions: whole, centre, background",
        "llava",
        caption__describe=("general", "centre", "background"),
    ),
    _varied(
        "ablation",
        "framing-crop",
        "LLaVA sees a centre crop",
        "llava",
        caption__framing="crop",
    ),
    _varied("ablation", "task-summary", "asked to summarise", embed__prompt__task="summary"),
    *(
        _varied("ablation", f"shown-{n}", f"examples shown: {n}", embed__prompt__shown__count=n)
        for n in (0, 1, 2)
    ),
    _varied(
        "ablation",
        "shown-training",
        "examples from training videos",
        embed__prompt__shown__source="training",
    ),
    _varied("ablation", "layer-last", "last layer, before its norm", embed__layer="last_layer"),
    _varied("ablation", "layer-head", "logits of the LM head", embed__layer="lm_head"),
    _varied("ablation", "pooling-mean", "mean over tokens, not max", embed__pooling="mean"),
    _varied("ablation", "edges-repeat", "window's edges: repeated", embed__edges="repeat"),
    _varied("ablation", "edges-mirror", "window's edges: mirrored", embed__edges="mirror"),
    # What the LLM is shown of a frame, without its judgement.
    PaperRow(
        "captions-averaged",
        ("ablation",),
        "caption-attention",
        MappingProxyType({"sentences.window": 7}),
        heading="captions alone, mean over seven",
    ),
)


def of_table(table: str, measured: Iterable[str] = ()) -> tuple[PaperRow, ...]:
    """The rows of one of `TABLES`, in order; behind those of the main one, whatever else the
    workspace measured, by its names in results.json.
    """
    found = tuple(row for row in ROWS if table in row.tables)
    if table != "main":
        return found
    shown = {row.reads for row in found}
    by_name = {row.reads: row for row in ROWS if not row.overrides}
    others = (name for name in measured if name not in shown)
    return (*found, *(by_name.get(name, PaperRow(name, ("main",), name)) for name in others))


PRINTED = tuple(row for row in ROWS if row.figures)
"""The rows that others have figures of, the paper or those that published a system."""


def published(row: PaperRow | None) -> bool:
    """Whether a row's figures of others are not LLMVS's paper's, but `PUBLISHED`."""
    return row is not None and any(of.table == PUBLISHED for of in row.figures)


def counterpart(row: str) -> PaperRow | None:
    """What the paper printed of the same thing as a row of results.json, None where it did not."""
    return next((printed for printed in PRINTED if printed.reads == row), None)
