"""Seconds a frame of the engine, beside plain generation and beside what arithmetic demands.

In float32, and once more the engine in bfloat16, with how far its states are then from float32's.

Shapes: P prefix tokens, Q tokens of a query and its closing, A answer tokens.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import nn

from stages import params
from stages.benchmarking.timing import ratios
from stages.errors import UserError
from stages.llm import weights
from stages.llm.engine import Engine, Reading
from stages.llm.packing import pack
from stages.llm.prompt import Layout, layout, query_text
from stages.llm.settings import Example, Prompt
from stages.work import architecture

_PROSE = (
    "a man in red jacket walks slowly along the crowded street while two children with small dog "
    "run past parked cars and bright shop windows under dark sky as woman holding an umbrella "
    "waits near old stone bridge beside quiet river where boats move between tall green trees"
)

WORDS, EXAMPLE_WORDS = (20, 26), (17, 23)
"""Words of a caption that make, with the recipes' wording and SmolLM2's tokenizer, the shape of
the paper's prompt: about 700 tokens before the query, 220 of its own."""


@dataclass(frozen=True)
class Rounding:
    """What bfloat16 made of the states.

    largest: the largest difference of a state from float32's, of the answers' where the answers
    are alike; reach: the largest of float32's states; alike: frames with the same answer; frames.
    """

    largest: float
    reach: float
    alike: int
    frames: int

    @classmethod
    def between(cls, exact: Sequence[Reading], rounded: Sequence[Reading]) -> "Rounding":
        """Readings of the same frames in float32 and in bfloat16."""
        largest, reach, alike = 0.0, 0.0, 0
        for one, other in zip(exact, rounded, strict=True):
            same = one.tokens == other.tokens
            pairs = [(one.query_W, other.query_W), (one.answer_W, other.answer_W)]
            for kept_W, rounded_W in pairs if same else pairs[:1]:
                largest = max(largest, float((kept_W - rounded_W).abs().max()))
                reach = max(reach, float(kept_W.abs().max()))
            alike += same
        return cls(largest, reach, alike, len(exact))

    def __str__(self) -> str:
        return (
            f"bfloat16: states differ by at most {self.largest:.2g} from float32's, which reach "
            f"{self.reach:.3g}; {self.alike} of {self.frames} answers are the same"
        )


@dataclass(frozen=True)
class Figures:
    """Best seconds a frame of each way, by name, and the lengths they were measured at."""

    seconds: dict[str, float]
    prefix: int
    query: float
    answer: float
    rounding: Rounding

    def table(self) -> Table:
        """One row a way: seconds a frame, and how many times the engine's."""
        title = f"P = {self.prefix}, Q = {self.query:.0f}, A = {self.answer:.1f} tokens"
        table = ratios(self.seconds, ENGINE, "engine", title)
        table.caption = str(self.rounding)
        return table


ALONE = "(a) generate, a frame at a time"
BATCHED = "(b) generate, batches of whole prompts"
ENGINE = "(c) engine"
HALF = "(d) engine, bfloat16"
FLOOR = "(e) floor: operations over float32's matrix-product rate"


@dataclass(frozen=True)
class Workload:
    """Prompts made for the occasion: what surrounds them, and each one's query ids."""

    layout: Layout
    queries: list[tuple[int, ...]]
    ends: tuple[int, ...]

    def engine(self, model: Any, max_new_tokens: int) -> Engine:
        """An engine with the prefix read."""
        around = self.layout
        prefix, closing, draft = around.prefix, around.closing, around.draft
        return Engine(model, prefix, closing, self.ends, max_new_tokens, draft)


def wording(recipe: str) -> Prompt:
    """The prompt of a recipe's LLM. Raises UserError where it has none, or is not there."""
    embed = params.recipe(recipe).embed
    if embed is None:
        raise UserError(
            f"params.yaml: datasets.{recipe}: has no section embed, so no prompt to measure; name "
            "a recipe that is given videos or captions"
        )
    return embed.prompt


def workload(
    llm: str, prompt: Prompt, words: tuple[int, int], example_words: tuple[int, int], frames: int
) -> Workload:
    """Prompts of `frames` frames, the same for the same arguments, with captions of made-up prose.

    Args:
        llm: name of the model, whose tokenizer counts.
        prompt: its wording; windows and examples of seven captions are filled in.
        words: shortest and longest caption of a query.
        example_words: the same of the examples.
        frames: how many.

    Raises:
        UserError: the model cannot be had or used.
    """
    tokenizer = weights.tokenizer(llm)
    random = np.random.default_rng(0)
    vocabulary = _PROSE.split()

    def window(low: int, high: int) -> tuple[str, ...]:
        lengths = random.integers(low, high + 1, 7)
        return tuple(" ".join(random.choice(vocabulary, length)) + "." for length in lengths)

    examples = tuple(
        Example(captions=window(*example_words), score=one.score) for one in prompt.examples
    )
    prompt = prompt.model_copy(update={"examples": examples})
    around = layout(tokenizer, prompt)
    windows = [window(*words) for _ in range(frames)]
    queries = [around.query(query_text(prompt, each, each[3])) for each in windows]
    return Workload(around, queries, weights.ends_of_turn(weights.fetch(llm), tokenizer))


def compare(
    llm: str,
    prompt: Prompt,
    words: tuple[int, int] = WORDS,
    example_words: tuple[int, int] = EXAMPLE_WORDS,
    frames: int = 16,
    baseline_frames: int = 4,
    rounds: int = 2,
    max_new_tokens: int = 8,
    clock: Callable[[], float] = time.perf_counter,
) -> Figures:
    """Measure every way in turn, `rounds` times over, so that a busy machine slows all alike.

    Args:
        llm: name of the model.
        prompt, words, example_words, frames: see `workload`; frames are the engine's batch.
        baseline_frames: frames that the slower ways are timed on.
        clock: `time.process_time` with one thread counts nobody else's work.

    Raises:
        UserError: the model cannot be had or used.
    """
    work = workload(llm, prompt, words, example_words, frames)
    around, queries, ends = work.layout, work.queries, work.ends
    plain = weights.model(llm)
    engine, half = (
        work.engine(pack(weights.model(llm, dtype=dtype)), max_new_tokens)
        for dtype in (torch.float32, torch.bfloat16)
    )
    whole = [(*around.prefix, *query, *around.closing) for query in queries[:baseline_frames]]

    def alone() -> None:
        for ids in whole:
            _generate(plain, [ids], ends, max_new_tokens)

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        ALONE: (len(whole), alone),
        BATCHED: (len(whole), lambda: _generate(plain, whole, ends, max_new_tokens)),
        ENGINE: (frames, lambda: engine.read(queries)),
        HALF: (frames, lambda: half.read(queries)),
    }
    readings = engine.read(queries)
    rounding = Rounding.between(readings, half.read(queries))
    answer = float(np.mean([len(reading.tokens) for reading in readings]))
    own = float(np.mean([len(query) + len(around.closing) for query in queries]))
    # What no way can leave out; the prefix, read once, is free.
    decoder = architecture.language(llm, plain.config)
    least = decoder.operations(own + answer, len(around.prefix), answers=answer + 1)
    seconds = dict.fromkeys((*ways, FLOOR), float("inf"))
    for _ in range(rounds):
        for way, (count, run) in ways.items():
            started = clock()
            run()
            seconds[way] = min(seconds[way], (clock() - started) / count)
        rate = product_rate(plain.model.layers[0], int(own) * frames, clock)
        seconds[FLOOR] = min(seconds[FLOOR], least / rate)
    return Figures(seconds, len(around.prefix), own, answer, rounding)


def _generate(
    model: Any, prompts: Sequence[Sequence[int]], ends: Sequence[int], longest: int
) -> None:
    """Plain generation with the states LLMVS needs, padded on the left."""
    width = max(map(len, prompts))
    ids = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    model.generate(
        torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        max_new_tokens=longest,
        do_sample=False,
        output_hidden_states=True,
        return_dict_in_generate=True,
        eos_token_id=list(ends) or None,
        pad_token_id=0,
    )


def product_rate(
    layer: nn.Module, rows: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Operations a second of torch's own matrix product over one layer's shapes."""
    linears = [part for part in layer.modules() if type(part) is nn.Linear]
    inputs = [linear.weight.new_ones(rows, linear.in_features) for linear in linears]
    best = float("inf")
    with torch.inference_mode():
        for _ in range(4):
            _arrived(inputs[0])
            started = clock()
            for linear, x in zip(linears, inputs, strict=True):
                linear(x)
            _arrived(inputs[0])
            best = min(best, clock() - started)
    return 2 * rows * sum(linear.weight.numel() for linear in linears) / best


def _arrived(x: torch.Tensor) -> None:
    """Wait for what was begun on a tensor's card."""
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
