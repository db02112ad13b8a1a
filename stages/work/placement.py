"""Which cards hold a model: one where it fits, else as few as do, never memory beside them."""

import logging
from collections.abc import Sequence
from math import ceil
from typing import Any

import torch

from stages.errors import UserError

log = logging.getLogger("llmvs")

SHARE = 0.9
"""Of a card's free memory, for weights; what a pass works with has the rest, as in accelerate."""
ELSEWHERE = ("cpu", "disk", "meta")


def cards_needed(weights: float, memory: Sequence[float]) -> int | None:
    """The fewest of these cards that hold so many bytes of weights; None where all do not.

    Args:
        memory: bytes of each card; whichever are taken, so many suffice.
    """
    smallest = sorted(memory)
    for count in range(1, len(smallest) + 1):
        if weights <= SHARE * sum(smallest[:count]):
            return count
    return None


def hold(name: str, weights: float, dtype: str, memory: Sequence[float]) -> None:
    """Raises UserError where cards of so many bytes do not hold a model's weights together.

    Args:
        name: what the person called the model.
        dtype: of the weights, by its name in torch.
    """
    if cards_needed(weights, memory) is None:
        raise UserError(_refusal(name, weights, memory, getattr(torch, dtype)))


def placed(name: str, model: Any, dtype: torch.dtype) -> dict[str, int]:
    """A `device_map` of transformers for this process's cards, by what each has free.

    The freest card alone holds all that fits on it. What does not is split, by whole layers, over
    as few of the freest as hold it: they work one after another, so more would only wait.

    Args:
        name: what the person called the model.
        model: of transformers, on the meta device.
        dtype: of the weights.

    Raises:
        UserError: all cards together do not hold it.
    """
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    # What torch keeps of an earlier model's memory would count as taken.
    torch.cuda.empty_cache()
    free = [torch.cuda.mem_get_info(card)[0] for card in range(torch.cuda.device_count())]
    freest = sorted(range(len(free)), key=lambda card: -free[card])
    weights = sum(each.numel() for each in model.parameters()) * dtype.itemsize
    if weights <= SHARE * free[freest[0]]:
        return {"": freest[0]}
    whole = list(model._no_split_modules or ())
    for count in range(2, len(freest) + 1):
        room = {card: int(SHARE * free[card]) for card in sorted(freest[:count])}
        balanced = get_balanced_memory(model, room, no_split_module_classes=whole, dtype=dtype)
        found: dict[str, int] = infer_auto_device_map(
            model, balanced, no_split_module_classes=whole, dtype=dtype
        )
        if not set(found.values()) & set(ELSEWHERE):
            log.info("%s: %.1f GB, split over %d cards", name, weights / 1e9, count)
            return found
    raise UserError(_refusal(name, weights, free, dtype))


def checked(name: str, model: Any) -> None:
    """Raises UserError where parts of a loaded model lie elsewhere than on cards.

    Every pass would fetch them from there, a hundred times as slow as the card.
    """
    places: dict[str, Any] = getattr(model, "hf_device_map", None) or {}
    beside = sorted(part for part, place in places.items() if str(place) in ELSEWHERE)
    if beside:
        raise UserError(
            f"{name}: {len(beside)} of its {len(places)} parts ({beside[0]} for one) do not fit on "
            "the GPU and would be fetched for every step. What would fit: a second card, one with "
            "more memory, a smaller model; or close what else uses it"
        )


def _refusal(name: str, weights: float, free: Sequence[float], dtype: torch.dtype) -> str:
    needed = max(ceil(weights / (SHARE * max(free))), len(free) + 1)
    title = torch.cuda.get_device_properties(0).name
    cards = "the GPU has" if len(free) == 1 else f"{len(free)} GPUs have together"
    smaller = "a smaller model" + (" or dtype" if dtype.itemsize > 2 else "")
    return (
        f"{name}: its weights are {weights / 1e9:.1f} GB in {str(dtype).removeprefix('torch.')}, "
        f"and {cards} {sum(free) / 1e9:.1f} GB free, {SHARE:.0%} of it for weights. What would "
        f"fit: {needed} cards like this one ({title}), one with more memory, {smaller}; or close "
        "what else uses it"
    )
