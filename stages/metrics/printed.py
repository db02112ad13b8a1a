"""Numbers as tables and pages print them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

SIMULATED = "SIMULATED ANNOTATIONS: these figures say nothing about real videos"


def mark(value: float | None, decimals: int = 3) -> str:
    """.182, −.012, 1.000: without a leading zero, as the field prints them."""
    if value is None or not np.isfinite(value):
        return "–"
    text = f"{abs(value):.{decimals}f}"
    text = text[1:] if text.startswith("0") else text
    return f"−{text}" if value < 0 and float(text) else text


def few(videos: Sequence[str], count: int = 3) -> str:
    """The first `count` of some videos, and how many more there are."""
    more = len(videos) - count
    others = f" and {more} more video{'s' if more > 1 else ''}" if more > 0 else ""
    return ", ".join(videos[:count]) + others


def signed(value: float) -> str:
    """+.031, −.006, .000: a difference."""
    text = mark(value)
    return f"+{text}" if value > 0 and float(text) else text


def probability(p: float) -> str:
    """.012, or <.001, as the field prints a p-value."""
    return "<.001" if p < 0.001 else mark(p)


def shown_p(p: float) -> str:
    """.0123, or <.0001: a digit more than `probability`, for tables that are only text."""
    return "<.0001" if p < 0.0001 else f"{p:.4f}".removeprefix("0")


def interval(low: float | None, high: float | None, number: Callable[[float], str] = mark) -> str:
    """[.041, .148]; nothing where there is none."""
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def spread(mean: str, deviation: float | None, number: Callable[[float], str] = mark) -> str:
    """.182 ±.012: a mean as it is printed, and its standard deviation where there is one."""
    return mean if deviation is None else f"{mean} ±{number(deviation)}"


def figure_lines(figure: Mapping[str, Any], number: Callable[[float], str]) -> list[str]:
    """A figure of results.json in lines: mean ± spread over seeds; interval; spread over folds.

    What is None or absent is left out; `number` prints each value.
    """
    folds, between = figure.get("fold_spread"), interval(figure["low"], figure["high"], number)
    return [
        spread(number(figure["mean"]), figure["spread"], number),
        *([between] if between else []),
        *([] if folds is None else [f"folds ±{number(folds)}"]),
    ]
