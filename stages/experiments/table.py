"""What a table of rows holds, whatever it is printed as."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages import rows

SHOWN = ("tau", "rho")


@dataclass(frozen=True)
class Cell:
    """A row's mark: the mean, its interval over videos, spreads over seeds and over folds, and
    the p-value against llmvs, raw and corrected for the rows of the table that were tested.
    """

    mean: float
    low: float | None
    high: float | None
    spread: float | None
    fold_spread: float | None
    p: float | None = None
    holm: float | None = None


@dataclass(frozen=True)
class Line:
    """One row of a table: cells by mark, or why it has none. applies: whether the recipe has such
    a row at all. `theirs` are the paper's figures on the table's benchmarks, in their order.
    """

    name: str
    title: str
    cells: dict[str, Cell] | None
    why: str | None
    applies: bool
    source: str | None
    theirs: tuple[rows.Reported | None, ...]


@dataclass(frozen=True)
class Table:
    """One protocol's table. benchmark: the paper's dataset that this one is, None for another;
    benchmarks: those that its lines have figures of.
    """

    table: str
    dataset: str
    title: str
    benchmark: str | None
    simulated: bool
    protocol: str
    videos: int
    confidence: float
    reference: str
    benchmarks: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def shown(self) -> list[Line]:
        """The lines that have a figure, ours or the paper's, or will have."""
        return [line for line in self.lines if line.applies or any(line.theirs)]

    @property
    def whys(self) -> dict[str, list[str]]:
        """Why there is no figure of ours: titles of lines by their reason."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            if line.why is not None:
                found.setdefault(line.why, []).append(line.title)
        return found

    @property
    def tested(self) -> int:
        """Rows with a p-value."""
        return sum(1 for line in self.lines if line.cells and line.cells["tau"].p is not None)


@dataclass(frozen=True)
class Experiment:
    """A missing row: the DVC experiment that measures it, by settings of params.yaml.

    model: the entry of params.yaml that it trains. overrides: what it sets of the dataset's recipe,
    by dotted path.
    """

    name: str
    row: str
    dataset: str
    settings: tuple[str, ...]
    model: str
    overrides: Mapping[str, Any]

    def arguments(self, *options: str) -> list[str]:
        """What follows `dvc`. Only this dataset is evaluated, and nothing is reported."""
        sets = [part for setting in self.settings for part in ("-S", setting)]
        return ["exp", "run", *options, "-n", self.name, *sets, f"evaluate@{self.dataset}"]

    @property
    def command(self) -> str:
        """As a person types it; beside the workspace, which stays as it is."""
        words = [f"'{word}'" if "[" in word else word for word in self.arguments("--temp")]
        return " ".join(["dvc", *words])
