"""Times of several ways to do one thing, taken so that a busy machine slows all alike."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from rich.table import Table

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds above which a way is not measured again: noise is a small part of so long a time."""


def interleaved(
    ways: Mapping[str, Callable[[], T]], rounds: int, patience: float = PATIENCE
) -> tuple[dict[str, float], dict[str, T]]:
    """Run every way in turn, `rounds` times over.

    Returns:
        Each way's least seconds, and what it returned last.
    """
    seconds = dict.fromkeys(ways, float("inf"))
    results: dict[str, T] = {}
    for number in range(rounds):
        for way, run in ways.items():
            if number and seconds[way] > patience:
                continue
            started = time.perf_counter()
            results[way] = run()
            seconds[way] = min(seconds[way], time.perf_counter() - started)
    return seconds, results


def ratios(seconds: Mapping[str, float], reference: str, noun: str, title: str) -> Table:
    """A row a way: seconds a frame, and how many times the reference's, called `noun` there."""
    table = Table("way", "seconds a frame", f"times the {noun}'s", title=title)
    for way, each in seconds.items():
        table.add_row(way, f"{each:.3f}", f"{each / seconds[reference]:.2f}")
    return table
