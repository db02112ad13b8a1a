"""What a model at work needs above its weights, by how much it is given at once.

Each size is measured in a process of its own, because memory that was freed once is not always
given back. A thread looks at the resident set every few milliseconds; CPU only.
"""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
from rich.table import Table

from stages.errors import UserError

SIZES = (4, 16, 64)
_EVERY = 0.002  # seconds between looks
# glibc keeps freed blocks below a threshold that grows as it runs; fixed, large blocks go back.
_GIVING_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@contextmanager
def watched(peak: list[int]) -> Iterator[None]:
    """Append to `peak` the most bytes by which the resident set grew inside.

    Meant for a process of its own: memory that others give back meanwhile hides what is taken.
    """
    gc.collect()  # what waits to be collected would be given back inside
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


def in_own_process(module: str, arguments: Sequence[object], count: int) -> list[int]:
    """The last `count` whole numbers that a module of this folder prints, run as a program.

    Raises UserError where it fails; its own last words are part of the message.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"stages.benchmarking.{module}", *map(str, arguments)],
        env=os.environ | _GIVING_BACK,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it was killed; memory may have run out"]
        raise UserError(f"the process failed: {said[-1]}")
    return [int(number) for number in done.stdout.split()[-count:]]


def above_weights(
    llm: str, recipe: str, words: tuple[int, int], example_words: tuple[int, int], rows: int
) -> tuple[int, int, int, int]:
    """Bytes of the weights, of the prefix's keys and values, of the rows' own, and of reading one
    batch beside weights and prefix.
    """
    from stages.benchmarking.embedding import wording, workload
    from stages.llm import weights
    from stages.llm.packing import pack
    from stages.work import architecture

    work = workload(llm, wording(recipe), words, example_words, rows)
    model = weights.model(llm)
    size = sum(each.numel() * each.element_size() for each in model.parameters())
    a_token = 4 * architecture.language(llm, model.config).cached_values
    own = sum(len(query) + len(work.layout.closing) for query in work.queries)
    engine = work.engine(pack(model), 8)
    peak: list[int] = []
    with watched(peak):
        engine.read(work.queries)
    return size, a_token * len(work.layout.prefix), a_token * own, peak[0]


def measure(
    llm: str,
    recipe: str,
    words: tuple[int, int],
    example_words: tuple[int, int],
    sizes: Sequence[int] = SIZES,
) -> Table:
    """A row a batch size, each measured in its own process.

    Of the peak a part must be: the keys and values of the rows' own tokens. What a cache copied
    to every row would hold of the prefix stands beside it.

    Raises UserError where such a process fails.
    """
    table = Table(title="memory above weights and prefix")
    for column in ("rows at once", "weights", "prefix", "peak", "of it own keys and values"):
        table.add_column(column, justify="right")
    table.add_column("copies of the prefix would add", justify="right")
    for rows in sizes:
        given = (llm, recipe, *words, *example_words, rows)
        try:
            size, prefix, own, peak = in_own_process("memory", given, 4)
        except UserError as error:
            raise UserError(f"{rows} rows: {error}") from error
        shown = (size, prefix, peak, own, rows * prefix)
        table.add_row(str(rows), *(f"{each / 1e6:.0f} MB" for each in shown))
    return table


if __name__ == "__main__":
    low, high, example_low, example_high, count = map(int, sys.argv[3:])
    spans = (low, high), (example_low, example_high)
    print(*above_weights(sys.argv[1], sys.argv[2], *spans, count))
