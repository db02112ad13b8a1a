"""This machine as a plan sees it: its cards, or its processor where it has none."""

import math
import re
from dataclasses import replace

import torch

from stages.params import Recipe
from stages.planning.cards import CARDS, Card
from stages.planning.estimate import Machine
from stages.work import allowance, processor

EFFICIENCY = 0.4
"""Of a card's rate and bandwidth, as `llmvs plan` has it."""
NAMES = {
    "h200": r"H200", "h100": r"H100(?! PCIe)", "a100": r"A100.*80GB", "a100-40": r"A100.*40GB",
    "l40s": r"L40S", "6000ada": r"RTX 6000 Ada", "4090": r"RTX 4090$", "3090": r"RTX 3090$",
    "v100": r"V100", "t4": r"T4$",
}  # fmt: skip
"""How a driver names a card, by the card's short name. Not a slice of one (MIG)."""


def machine(recipe: Recipe) -> Machine:
    """Of several cards, so many of the smallest.

    A card that is not known has no rate, so no hours follow for it. A processor's rate is measured,
    for large products in the number format of the recipe's model.
    """
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        found = [torch.cuda.get_device_properties(index) for index in range(count)]
        least = min(found, key=lambda card: card.total_memory)
        return Machine(_card(least.name, least.total_memory), count, EFFICIENCY)
    model = recipe.embed or recipe.caption
    rate = processor.rate(getattr(model, "dtype", "float32"))
    title = f"this processor ({torch.get_num_threads()} threads, no GPU)"
    memory = allowance.total()
    return Machine(Card(title, memory, rate, math.inf, processor=True), 1, 1)


def _card(name: str, memory: float) -> Card:
    for short, known in NAMES.items():
        if re.search(rf"\b{known}", name) and "MIG" not in name:
            return replace(CARDS[short], title=name, memory=memory)
    return Card(name, memory, math.nan, math.nan)
