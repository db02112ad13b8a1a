"""Models too large for a processor are refused before anything is downloaded or read."""

import os
from dataclasses import dataclass

import psutil
import torch

from stages.errors import UserError
from stages.work import allowance, processor, workers
from stages.work.architecture import BYTES
from stages.work.pace import duration

ASKED_FOR = "LLMVS_SLOW"
"""Environment: 1 has a processor do what is refused otherwise."""
HOURS = 24
"""Longer than that is refused."""
HEAVY = 0.5e12
"""Operations of a single item, below which nothing is refused, however many there are. By `llmvs
plan` a prompt of the embedded LLM is 0.07e12, one of Llama-2-13B 6.3e12, a frame of LLaVA-1.5-7B
8.7e12."""


@dataclass(frozen=True)
class Burden:
    """What a stage asks of a model.

    model: as the person named it. setting: of params.yaml, where another can be named. parameters:
    of the model. dtype: of its weights. items: how many are to be done; noun: what one is.
    operations: of all of them.
    """

    model: str
    setting: str
    parameters: int
    dtype: str
    items: int
    noun: str
    operations: float

    @property
    def weights(self) -> int:
        """Bytes."""
        return BYTES[self.dtype] * self.parameters

    @property
    def heavy(self) -> bool:
        """Whether a single item is more than a processor does in passing."""
        return self.operations > HEAVY * self.items

    @property
    def hours(self) -> float:
        """At the rate of this machine's processor for large products."""
        return self.operations / processor.rate(self.dtype) / 3600


def checked(asked: Burden) -> None:
    """Raises UserError where a model is too much for what workers run on: for all cards together,
    by their whole memory, or without any for this machine's processor (`bear`).
    """
    if not workers.cards():
        bear(asked)
    elif memory := workers.known_memory():
        from stages.work import placement

        placement.hold(asked.model, asked.weights, asked.dtype, memory)


def bear(burden: Burden) -> None:
    """Raises UserError where this machine's processor is no place for a model.

    That is where its weights do not fit into the memory that is free, swap included, or into what
    a container or job may take of it, and, unless LLMVS_SLOW is set, where it is large (`HEAVY`)
    and would take more than `HOURS`.
    """
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    left = allowance.left()
    if burden.weights > min(free, left):
        lacking, remedy = f"{free / 1e9:.1f} GB of memory are free; ", ""
        if left < free:
            lacking = f"this container or job may take {left / 1e9:.1f} GB of memory more; "
            remedy = "give it more, "
        raise UserError(
            f"{burden.model}: its weights are {burden.weights / 1e9:.1f} GB in {burden.dtype}, "
            f"there is no GPU, and {lacking}{remedy}run where there is a GPU, or name a smaller "
            f"model ({burden.setting})"
        )
    if not burden.heavy or os.environ.get(ASKED_FOR) == "1" or burden.hours <= HOURS:
        return
    raise UserError(
        f"{burden.model}: there is no GPU. {burden.items:,} {burden.noun} are "
        f"{burden.operations / 1e15:.1f} PFLOP, and this processor ({torch.get_num_threads()} "
        f"threads) multiplies {processor.rate(burden.dtype) / 1e12:.2f} TFLOP/s in "
        f"{burden.dtype}: about {duration(3600 * burden.hours)}. Run where there is a GPU, name "
        f"a smaller model ({burden.setting}), or set {ASKED_FOR}=1 to have it done here"
    )
