"""Everything that evaluate judges: people's panels, the splits, and whatever scored the videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.artifacts import people as people_file
from stages.artifacts import predictions as predictions_file
from stages.artifacts import scores as scores_file
from stages.artifacts import timeline as timeline_file
from stages.artifacts.people import People
from stages.artifacts.places import GivenKind, Places
from stages.artifacts.predictions import Predictions, Splits, tested
from stages.artifacts.timeline import Timeline
from stages.errors import UserError, anew
from stages.metrics import replies
from stages.metrics.panel import Panel, Rules
from stages.metrics.panels import Panels
from stages.metrics.replies import Replies
from stages.splits.folds import splits as folds
from stages.splits.settings import Splits as SplitSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was found in a dataset's folder.

    splits: the videos that each split of a protocol tests. trained[model][protocol];
    tuned[row][protocol], of the protocols that it was fine-tuned under, and of each in asked how
    many replies there were, and how many without a score; given[row][video] (T,); own
    and direct by protocol: the LLM's and the captioner's own scores, None where there are none.
    left_out: why a row that was to be trained was not, by the row.
    """

    timeline: Timeline
    people: People
    panels: Mapping[str, Panel]
    splits: Mapping[str, Splits]
    trained: Mapping[str, Mapping[str, Predictions]]
    tuned: Mapping[str, Mapping[str, Predictions]]
    asked: Mapping[str, Mapping[str, Mapping[str, int]]]
    given: Mapping[str, Mapping[str, Floats]]
    own: Mapping[str, Replies | None]
    direct: Mapping[str, Replies | None]
    left_out: Mapping[str, str]

    def tested(self, protocol: str) -> tuple[str, ...]:
        """The videos a protocol's splits test, each once."""
        return tested(self.splits[protocol])


def read(
    places: Places,
    given: GivenKind,
    models: Sequence[str],
    planned: SplitSettings,
    rules: Rules,
    tuned: Sequence[str] = (),
) -> Evidence:
    """Read and check what a recipe of what is given has made.

    Args:
        models: rows that must be there, trained or left out; none where scores are given.
        planned: the splits of a dataset in which nothing was trained.
        tuned: rows that must be there, fine-tuned.

    Raises:
        UserError: a file is missing or not what its stage writes, no row of models could be fed,
            or they were tested on different videos.
    """
    timeline = timeline_file.read(places.timeline)
    people = people_file.read(places.people, timeline)
    judged = Panels(timeline, people, rules)
    lengths = {name: len(panel.picks) for name, panel in judged.items()}
    protocols: tuple[str, ...] = planned.protocols
    whys = {name: predictions_file.left_out(places.predictions(name)) for name in models}
    left_out = {name: why for name, why in whys.items() if why is not None}
    trained = {
        name: predictions_file.read(places.predictions(name), lengths, protocols)
        for name in models
        if name not in left_out
    }
    if models and not trained:
        said_of = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise UserError(
            f"{places.folder}: no row of run.models could be fed ({said_of}); name one that can"
        )
    if trained:
        splits = {
            protocol: _shared(places, {name: of[protocol] for name, of in trained.items()})
            for protocol in protocols
        }
    else:
        splits = {
            protocol: tuple(
                split.test
                for split in folds(
                    protocol, planned.source, list(judged), planned.folds, timeline.parts
                )
            )
            for protocol in planned.protocols
        }
    embedded, said = given not in ("features", "scores"), given in ("videos", "captions")
    return Evidence(
        timeline=timeline,
        people=people,
        panels=judged,
        splits=splits,
        trained=trained,
        tuned={row: _tuned(places.finetuned(row), lengths, splits) for row in tuned},
        asked={
            row: predictions_file.settings(places.finetuned(row)).get("asked", {}) for row in tuned
        },
        given=scores_file.read(places.scores, timeline) if given == "scores" else {},
        own={
            protocol: replies.of_llm(places.embeddings, timeline, protocol, of)
            if embedded
            else None
            for protocol, of in splits.items()
        },
        direct={
            protocol: replies.of_captioner(places.captions, timeline, of) if said else None
            for protocol, of in splits.items()
        },
        left_out=left_out,
    )


def _tuned(
    path: Path, lengths: Mapping[str, int], splits: Mapping[str, Splits]
) -> dict[str, Predictions]:
    """A fine-tuned row under each of the recipe's protocols that it was tuned under."""
    if (why := predictions_file.left_out(path)) is not None:
        raise UserError(f"{path}: holds no scores ({why}); {anew('finetune')}")
    under = [protocol for protocol in splits if protocol in predictions_file.protocols(path)]
    found = predictions_file.read(path, lengths, under)
    for protocol, of in found.items():
        if of.splits != splits[protocol]:
            raise UserError(
                f"{path}: differs from the other rows in the test splits of {protocol}, so they "
                f"cannot be compared; {anew('finetune')}"
            )
    return found


def _shared(places: Places, trained: Mapping[str, Predictions]) -> Splits:
    """A protocol's test splits, which every model must share for rows to compare."""
    (first, reference), *others = trained.items()
    for name, other in others:
        if other.splits != reference.splits:
            raise UserError(
                f"{places.predictions(name)} and {places.predictions(first)} differ in the test "
                f"splits of {reference.protocol}, so their rows cannot be compared; {anew('train')}"
            )
    return reference.splits
