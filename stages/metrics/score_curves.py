"""Scores over frames, people's and a model's, as a table that `dvc plots` draws.

Shapes: T sampled frames.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.artifacts.predictions import Predictions, tested
from stages.artifacts.results import write_csv
from stages.metrics.panel import Panel

COLUMNS = ("frame", "video", "pick", "people", "model")
_DECIMALS = 3


def people(panel: Panel) -> npt.NDArray[np.float64]:
    """People's mean at the sampled frames (T,), put on 0 to 1 where they gave scores."""
    if panel.user_scores is None:
        return np.asarray(panel.user_summary[:, panel.picks].mean(axis=0, dtype=np.float64))
    mean_T = panel.user_scores[:, panel.picks].mean(axis=0, dtype=np.float64)
    low, high = float(panel.user_scores.min()), float(panel.user_scores.max())
    return np.asarray((mean_T - low) / (high - low)) if high > low else np.full(len(mean_T), 0.5)


def write(path: Path, panels: Mapping[str, Panel], predictions: Predictions | None) -> None:
    """frame (counted through all videos, one after the other), video, pick, people, model.

    The model's score is its mean over seeds and over the splits that test the video. Without a
    trained model the heading stands alone.
    """
    lines = enumerate(_lines(panels, predictions))
    write_csv(path, COLUMNS, ([frame, *line] for frame, line in lines))


def _lines(panels: Mapping[str, Panel], predictions: Predictions | None) -> Iterator[list[object]]:
    """A frame's, without its place among all."""
    if predictions is None:
        return
    among = frozenset(tested(predictions.splits))
    for video in panels:
        if video not in among:
            continue
        scored_RT = [
            split[video]
            for splits in predictions.scores.values()
            for split in splits
            if video in split
        ]
        panel = panels[video]
        columns = (panel.picks.tolist(), people(panel), np.mean(scored_RT, axis=0))
        for pick, of_people, of_model in zip(*columns, strict=True):
            shown = [round(float(score), _DECIMALS) for score in (of_people, of_model)]
            yield [video, pick, *shown]
