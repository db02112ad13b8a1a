"""What a corpus costs beside the models, beside the formulas of a plan.

A SYNTHETIC corpus goes through the caption and embed stages' own code: a captioner that answers at
once, and the stand-in LLM. Files are measured as they lie on disk, objects as Ray counts them.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from stages.benchmarking import caption_terms, prompt_terms
from stages.benchmarking.terms import Corpus, Term


def measure(videos: int, steps: int, kilobytes: int, words: int, ray: bool) -> Table:
    """A row a term of the plan.

    Args:
        videos, steps: of the corpus, and sampled frames of each.
        kilobytes: of a frame's JPEG.
        words: of a caption.
        ray: whether the terms of a Ray cluster are measured.

    Raises:
        UserError: as `work.cluster.joined`, or the stand-in LLM's tokenizer cannot be had.
    """
    table = Table("", "unit", "measured", "formula", "measured / formula")
    table.title = f"SYNTHETIC: {videos} videos of {steps} frames"
    with TemporaryDirectory(prefix="llmvs-corpus-") as folder:
        made = Corpus(Path(folder), videos, steps, 1000 * kilobytes, words)
        for term in terms(made, ray):
            ratio = term.measured / term.formula
            table.add_row(
                term.what,
                term.unit,
                f"{term.measured:,.4g}",
                f"{term.formula:,.4g}",
                f"{ratio:.3f}",
            )
    return table


def terms(made: Corpus, ray: bool) -> Iterator[Term]:
    """Every term. Raises UserError as `measure`."""
    made.write_frames()
    yield from caption_terms.local(made)
    yield from prompt_terms.local(made)
    if ray:
        yield from caption_terms.spread(made)
        yield from prompt_terms.spread()
