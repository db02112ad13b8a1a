"""What the engine needs above the weights, by the rows of its batch.

Each batch is read in a process of its own, because memory that was freed once is not always given
back. A thread looks at the resident set every few milliseconds; CPU only.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
from rich.table import Table

from stages import params
from stages.errors import UserError

SIZES = (4, 16, 64)
_EVERY = 0.002  # seconds between looks
# glibc keeps freed blocks below a threshold that grows as it runs; fixed, large blocks go back.
_GIVING_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@contextmanager
def watched(peak: list[int]) -> Iterator[None]:
    """Append to `peak` the most bytes by which the resident set grew inside."""
    process = psutil.Process()
    before = process.memory_info().rss
    highest, ended = [before], threading.Event()

    def look() -> None:
        while not ended.wait(_EVERY):
            highest[0] = max(highest[0], process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    peak.append(highest[0] - before)


def above_weights(
    llm: str, recipe: str, words: tuple[int, int], example_words: tuple[int, int], rows: int
) -> tuple[int, int, int]:
    """Bytes of the weights, of the prefix's keys and values, and of reading one batch beside."""
    from stages.llm import weights
    from stages.llm.benchmark import workload
    from stages.llm.packing import pack

    prompt = params.recipe(recipe).embed.prompt
    work = workload(llm, prompt, words, example_words, rows)
    model = weights.model(llm)
    size = sum(each.numel() * each.element_size() for each in model.parameters())
    engine = work.engine(pack(model), 8)
    cached = [*engine.shared.keys.values(), *engine.shared.values.values()]
    prefix = sum(each.numel() * each.element_size() for each in cached)
    peak: list[int] = []
    with watched(peak):
        engine.read(work.queries)
    return size, prefix, peak[0]


def measure(
    llm: str,
    recipe: str,
    words: tuple[int, int],
    example_words: tuple[int, int],
    sizes: Sequence[int] = SIZES,
) -> Table:
    """A row a batch size, each measured in its own process.

    Raises UserError where such a process fails; its own words are part of the message.
    """
    table = Table("rows of a batch", "weights", "prefix, kept", "peak above both", title="memory")
    for rows in sizes:
        numbers = (*words, *example_words, rows)
        done = subprocess.run(
            [sys.executable, "-m", "stages.benchmarking.memory", llm, recipe, *map(str, numbers)],
            env=os.environ | _GIVING_BACK,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it was killed; memory may have run out"]
            raise UserError(f"{rows} rows: the process failed: {said[-1]}")
        sizes_MB = [int(size) / 1e6 for size in done.stdout.split()[-3:]]
        table.add_row(str(rows), *(f"{size:.0f} MB" for size in sizes_MB))
    return table


if __name__ == "__main__":
    low, high, example_low, example_high, count = map(int, sys.argv[3:])
    spans = (low, high), (example_low, example_high)
    print(*above_weights(sys.argv[1], sys.argv[2], *spans, count))
