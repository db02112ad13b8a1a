"""`llmvs bench`: measurements behind what is claimed, on this machine.

Everything heavy is imported where it is called, so that `llmvs --help` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stages.errors import UserError

app = typer.Typer(no_args_is_help=True, help="Speed, memory and optimism, measured here.")

Rounds = Annotated[int, typer.Option(min=1, help="of which the best counts")]
Shots = Annotated[
    Path | None, typer.Option(help="shot_TVSum.mat, or an h5 of the field with change_points")
]


def whole_numbers(text: str, least: int = 1) -> list[int]:
    """The numbers of a list with commas. Raises UserError for anything else."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"expected whole numbers with commas between, got {text!r}") from error
    if min(numbers) < least:
        raise UserError(f"expected numbers of at least {least}, got {text!r}")
    return numbers


def span(text: str) -> tuple[int, int]:
    """LOW,HIGH as two numbers. Raises UserError where it is not that."""
    numbers = whole_numbers(text)
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise UserError(f"expected LOW,HIGH, got {text!r}")
    return numbers[0], numbers[1]


@app.command()
def kts(
    sizes: Annotated[str, typer.Option(help="numbers of samples")] = "600,2400",
    rounds: Rounds = 3,
) -> None:
    """Kernel temporal segmentation against the plain dynamic programme; the same shots."""
    from stages.benchmarking import segmentation

    Console().print(segmentation.measure(whole_numbers(sizes, least=2), rounds))


@app.command()
def shots(
    clips: Annotated[
        Path | None, typer.Option(help="folder of real clips, one shot each, to compose films of")
    ] = None,
    films: Annotated[int, typer.Option(min=1, help="of each kind")] = 8,
    pieces: Annotated[int, typer.Option(min=2, help="of a composed film")] = 12,
) -> None:
    """Where shots of films end, by three ways, against cuts that are known."""
    from stages.benchmarking import cuts

    Console().print(cuts.measure(clips, films, pieces))


@app.command()
def sample(
    videos: Annotated[int, typer.Option(min=5)] = 8,
    seconds: Annotated[int, typer.Option(min=2, help="of a video, on average")] = 20,
    size: Annotated[str, typer.Option(help="WIDTH,HEIGHT of a video")] = "640,360",
    processes: Annotated[
        int | None, typer.Option(min=2, help="by default LLMVS_WORKERS, or one a core")
    ] = None,
    rounds: Rounds = 2,
) -> None:
    """The sample stage in one process and in several, on made videos; the same arrays."""
    from stages.benchmarking import sampling
    from stages.work import pool

    numbers = whole_numbers(size, 32)
    if len(numbers) != 2 or numbers[0] % 2 or numbers[1] % 2:
        raise UserError(f"--size {size}: must be WIDTH,HEIGHT, both even")
    several = processes or max(2, pool.processes())
    shape = numbers[0], numbers[1]
    Console().print(sampling.measure(videos, seconds, shape, several, rounds))


@app.command()
def evaluate(
    mat: Annotated[
        Path | None, typer.Option(help="ydata-tvsum50.mat; without it, synthetic annotations")
    ] = None,
    shots: Shots = None,
    rounds: Rounds = 3,
) -> None:
    """One evaluation of fifty videos against the plain way to write it; the same marks."""
    from stages.benchmarking import evaluation

    Console().print(evaluation.measure(mat, shots, rounds))


@app.command()
def embed(
    llm: Annotated[str, typer.Option(help="as in params.yaml")] = "smollm2-135m-instruct",
    recipe: Annotated[str, typer.Option(help="whose wording of the prompt is used")] = "tvsum",
    frames: Annotated[int, typer.Option(min=1, help="rows of the engine's batch")] = 16,
    rounds: Rounds = 2,
    words: Annotated[str, typer.Option(help="LOW,HIGH words of a caption")] = "20,26",
    example_words: Annotated[str, typer.Option(help="the same of the examples")] = "17,23",
    memory: Annotated[
        str, typer.Option(help="batches whose peak memory is measured; 0: none")
    ] = "4,16,64",
) -> None:
    """The engine against plain generation: seconds a frame, and memory above the weights."""
    from stages.benchmarking.embedding import compare, wording
    from stages.benchmarking.memory import measure

    lengths, of_examples, batches = span(words), span(example_words), whole_numbers(memory, 0)
    prompt = wording(recipe)
    console = Console()
    console.print(compare(llm, prompt, lengths, of_examples, frames, rounds=rounds).table())
    if batches != [0]:
        console.print(measure(llm, recipe, lengths, of_examples, batches))


@app.command()
def caption(
    model: Annotated[
        str | None, typer.Option(help="as caption.model; without it, a stand-in of random weights")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="images at once")] = 4,
    tokens: Annotated[int, typer.Option(min=1, help="of a caption")] = 24,
    frames: Annotated[int, typer.Option(min=1, help="to caption")] = 8,
    rounds: Rounds = 2,
    memory: Annotated[
        str, typer.Option(help="batches whose peak memory is measured; 0: none")
    ] = "1,4,8",
) -> None:
    """The caption stage against an image at a time: seconds a frame, memory above the weights."""
    from stages.benchmarking import captioning

    sizes = [size for size in whole_numbers(memory, 0) if size]
    console = Console()
    for table in captioning.measure(model, batch, tokens, frames, rounds, sizes):
        console.print(table)


@app.command()
def executor(
    items: Annotated[int, typer.Option(min=8)] = 60,
    seconds: Annotated[float, typer.Option(min=0.001, help="of an item")] = 0.5,
    kilobytes: Annotated[int, typer.Option(min=1, help="of an item, on its way there")] = 60,
) -> None:
    """The same items in this process and by one worker of a Ray cluster, by a worker that waits."""
    from stages.benchmarking import executor

    Console().print(executor.measure(items, seconds, kilobytes))


@app.command()
def corpus(
    videos: Annotated[int, typer.Option(min=1)] = 8,
    frames: Annotated[int, typer.Option(min=2, help="of a video")] = 120,
    kilobytes: Annotated[int, typer.Option(min=1, help="of a frame")] = 50,
    words: Annotated[int, typer.Option(min=2, help="of a caption")] = 25,
    ray: Annotated[bool, typer.Option(help="whether Ray's terms are measured as well")] = True,
) -> None:
    """What a corpus costs beside the models, beside the formulas of `llmvs plan --videos`: bytes
    and seconds an item, objects of a Ray cluster, assembly; on a SYNTHETIC corpus.
    """
    from stages.benchmarking import handling

    Console().print(handling.measure(videos, frames, kilobytes, words, ray))


@app.command()
def train(
    recipe: Annotated[str, typer.Option(help="whose settings are used")] = "summe-captions",
    model: Annotated[str, typer.Option(help="an entry of models, a global attention")] = "llmvs",
    width: Annotated[int, typer.Option(min=1, help="of the features")] = 576,
    videos: Annotated[int, typer.Option(min=5, help="of which a fifth is tested")] = 25,
    epochs: Annotated[int, typer.Option(min=1, help="of a measurement")] = 2,
    rounds: Rounds = 3,
) -> None:
    """An epoch of training against the plain loop, on SYNTHETIC videos; the same scores."""
    from stages.benchmarking import training

    Console().print(training.measure(recipe, model, width, videos, epochs, rounds))


@app.command()
def report(
    mat: Annotated[
        Path | None, typer.Option(help="ydata-tvsum50.mat; without it, synthetic annotations")
    ] = None,
    videos: Annotated[int, typer.Option(min=5)] = 50,
    frames: Annotated[int, typer.Option(min=20, help="sampled frames a video")] = 500,
) -> None:
    """The report of a dataset as large as TVSum, on SYNTHETIC predictions: time, size, memory."""
    from stages.benchmarking import reporting

    Console().print(reporting.measure(mat, videos, frames))


@app.command()
def scale(
    sizes: Annotated[str, typer.Option(help="numbers of videos, rising")] = "100,1000,10000",
) -> None:
    """How each stage's time and memory grow with the number of videos, on SYNTHETIC corpora."""
    from stages.benchmarking import scale

    numbers = whole_numbers(sizes, least=10)
    if sorted(set(numbers)) != numbers:
        raise UserError(f"--sizes {sizes}: must rise")
    Console().print(scale.measure(numbers))


@app.command()
def mrhisum(
    videos: Annotated[int, typer.Option(min=12, help="of the file; MR.HiSum has 31,892")] = 300,
    epochs: Annotated[int, typer.Option(min=1, help="of training")] = 1,
    model: Annotated[str, typer.Option(help="mlp (small), vasnet or pgl-sum")] = "mlp",
    folder: Annotated[
        Path | None, typer.Option(help="to work in; takes twice the file, 31 GB of all the videos")
    ] = None,
) -> None:
    """The recipe mrhisum on a SYNTHETIC file of its layout: time and peak memory of each stage."""
    from stages.benchmarking import mrhisum

    Console().print(mrhisum.measure(videos, epochs, model, folder))


@app.command()
def protocols(
    mat: Annotated[Path, typer.Option(help="ydata-tvsum50.mat")],
    shots: Shots = None,
    epochs: Annotated[int, typer.Option(min=1)] = 40,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """What choosing weights on the test videos adds: random features under both protocols."""
    from stages.benchmarking import protocols

    Console().print(protocols.measure(mat, shots, epochs, seeds))
