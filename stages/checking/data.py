"""What is given, held against people's annotations and the timeline."""

from dataclasses import replace

from stages.artifacts.people import People
from stages.checking.finding import NotYetError
from stages.checking.recipe import Dataset
from stages.errors import UserError
from stages.metrics.panel import Rules
from stages.metrics.panels import Panels
from stages.sources import beforehand
from stages.splits.folds import splits


def annotations(dataset: Dataset) -> str:
    """Annotations, and the h5 where one is named, which must not contradict each other."""
    known = dataset.known
    frames = sum(len(video.picks_T) for video in known.timeline.videos)
    return f"{len(known.timeline.videos)} videos, {frames:,} sampled frames, by {known.origin}"


def shots(dataset: Dataset) -> str:
    """Without videos, nothing can find shots that nobody names."""
    if dataset.recipe.given.kind == "videos":
        try:
            unknown = any(video.shots_S2 is None for video in dataset.timeline.videos)
        except NotYetError:
            unknown = True
        if unknown:
            return "found in the videos, where annotations bring none"
    for video in dataset.timeline.videos:
        video.known_shots()
    return f"{sum(len(video.known_shots()) for video in dataset.timeline.videos):,}, all known"


def given(dataset: Dataset) -> str:
    """Captions, embeddings or scores that the recipe begins with."""
    what = dataset.recipe.given
    if what.kind == "videos":
        return "videos; sample counts their frames"
    if absent := beforehand.absent(what):
        raise UserError(
            "; ".join(f"params.yaml: datasets.{dataset.name}.{said}" for said in absent)
            + "; name files that are here"
        )
    if address := beforehand.address(what, dataset.work):
        raise NotYetError(f"{what.kind} are fetched from {address}")
    beforehand.check_given(what, dataset.timeline, dataset.work)
    return (
        f"{what.kind} of every sampled frame"
        if what.kind != "embeddings"
        else ("embeddings of every sampled frame; their numbers are read later")
    )


def people(dataset: Dataset) -> str:
    """Whether what people said is what the recipe's measure takes."""
    evaluate = dataset.recipe.evaluate
    judged = _judged(dataset)
    timeline = dataset.timeline
    first = next(video for video in timeline.videos if video.name in judged.by_name)
    if first.shots_S2 is None:
        raise NotYetError("sample finds the shots that summaries are made of")
    Panels(replace(timeline, videos=(first,)), judged, Rules.of(evaluate))[first.name]
    return (
        f"{len(judged.videos)} videos judged; agreement with {evaluate.agreement} can be measured"
    )


def _judged(dataset: Dataset) -> People:
    _ = dataset.timeline
    judged = dataset.known.people
    if judged is None or not judged.videos:
        raise NotYetError("download brings people's judgement")
    return judged


def folds(dataset: Dataset) -> str:
    """Whether the videos can be split as the recipe says."""
    by = dataset.recipe.splits
    timeline = dataset.timeline
    for protocol in by.protocols:
        splits(protocol, by.source, timeline.names, by.folds, timeline.parts)
    return f"{by.folds} {by.source}, {' and '.join(by.protocols)}"
