"""Which videos train and which test."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from stages.artifacts.names import natural
from stages.errors import UserError
from stages.splits.settings import Protocol, Source


@dataclass(frozen=True)
class Split:
    """Names of the videos to train on and to test on, each in natural order; of a published split
    also those to choose the epoch by.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()


def splits(
    protocol: Protocol,
    source: Source,
    names: Sequence[str],
    folds: int,
    parts: Mapping[str, str] | None = None,
) -> list[Split]:
    """The splits of a protocol: drawn here, the lists that the field uses for a dataset, or, for
    `fixed`, the one that the dataset's authors published.

    The field's `official` lists are those of PGL-SUM and of the LLMVS release,
    which overlap; its `strict` ones are CSTA's, which test every video once. parts: what each video
    is for in a published split (`timeline.Timeline.parts`). Raises UserError where the names, or
    the number of folds, are not those of the field's lists, where a published split lacks a video
    or one of its parts, and as `strict`.
    """
    if source == "published":
        return [published(names, parts or {})]
    if source != "drawn":
        return _field(protocol, source, names, folds)
    return strict(names, folds) if protocol == "strict" else overlapping(names, folds)


def strict(names: Sequence[str], folds: int, seed: int = 0) -> list[Split]:
    """Folds that test every video exactly once; their sizes differ by one video at most.

    The same names, in whatever order, folds and seed give the same splits. Raises UserError
    where there are fewer videos than folds, or a name occurs twice.
    """
    ordered = _ordered(names, folds)
    shuffled = np.random.default_rng(seed).permutation(len(ordered))
    return [_testing(ordered, fold.tolist()) for fold in np.array_split(shuffled, folds)]


def overlapping(names: Sequence[str], folds: int, seed: int = 0) -> list[Split]:
    """Test sets of ⌈videos / folds⌉ drawn independently, as the release's splits seem to be: some
    videos are tested more than once, others never.

    Names, seed and errors as in `strict`.
    """
    ordered = _ordered(names, folds)
    random = np.random.default_rng(seed)
    size = -(-len(ordered) // folds)
    return [
        _testing(ordered, random.choice(len(ordered), size, replace=False).tolist())
        for _ in range(folds)
    ]


def published(names: Sequence[str], parts: Mapping[str, str]) -> Split:
    """The split by the part of each video: "train", "validation" or "test".

    Raises UserError where a video has none, or a part has no video.
    """
    found: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in sorted(names, key=natural):
        if name not in parts:
            raise UserError(
                f"splits: the timeline says of {name} no part in a published split; set "
                "splits.source in params.yaml to drawn and name other protocols"
            )
        found[parts[name]].append(name)
    if empty := [part for part, of in found.items() if not of]:
        raise UserError(f"splits: the published split has no {empty[0]} video; name another file")
    return Split(**{part: tuple(of) for part, of in found.items()})


def set_aside(names: Sequence[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Training videos in two: those to learn from, and a share to choose the epoch by.

    At least one is set aside; both keep the order of the names. Raises UserError where none
    would be left to learn from.
    """
    size = max(1, round(share * len(names)))
    if size >= len(names):
        raise UserError(
            f"splits: train.validation sets {size} of {len(names)} training videos aside, so none "
            "is left to learn from; lower it in params.yaml"
        )
    chosen = set(np.random.default_rng(seed).permutation(len(names))[:size].tolist())
    return (
        [name for index, name in enumerate(names) if index not in chosen],
        [name for index, name in enumerate(names) if index in chosen],
    )


def field_tests(protocol: Protocol, source: Source) -> list[list[str]]:
    """The names that each of the field's splits of a dataset tests."""
    return _lists(source)[protocol]


def _lists(source: Source) -> dict[str, list[list[str]]]:
    text = (resources.files("stages.splits") / "field_splits.json").read_text(encoding="utf-8")
    found: dict[str, list[list[str]]] = json.loads(text)[source]
    return found


def _field(protocol: Protocol, source: Source, names: Sequence[str], folds: int) -> list[Split]:
    lists = _lists(source)
    tests = lists[protocol]
    # The strict lists test every video, so they say which videos there are.
    known = {name for test in lists["strict"] for name in test}
    if set(names) != known:
        missing, added = sorted(known - set(names), key=natural), sorted(set(names) - known)
        said = [f"lacks {', '.join(missing)}"] * bool(missing)
        said += [f"has {', '.join(added)} besides"] * bool(added)
        raise UserError(
            f"splits: the field's lists for {source} are of {len(known)} videos, and this dataset "
            f"{' and '.join(said)}; set splits.source in params.yaml to drawn"
        )
    if folds != len(tests):
        raise UserError(
            f"splits: the field's lists for {source} are {len(tests)}; set splits.folds in "
            f"params.yaml to {len(tests)}, or splits.source to drawn"
        )
    ordered = _ordered(names, folds)
    return [_testing(ordered, [ordered.index(name) for name in test]) for test in tests]


def _ordered(names: Sequence[str], folds: int) -> list[str]:
    ordered = sorted(names, key=natural)
    if len(set(ordered)) != len(ordered):
        raise UserError("splits: a video is named twice")
    if not 2 <= folds <= len(ordered):
        raise UserError(
            f"splits: {folds} folds cannot be made of {len(ordered)} videos; set splits.folds in "
            f"params.yaml to 2 to {len(ordered)}"
        )
    return ordered


def _testing(ordered: Sequence[str], tested: Sequence[int]) -> Split:
    chosen = set(tested)
    return Split(
        train=tuple(name for index, name in enumerate(ordered) if index not in chosen),
        test=tuple(name for index, name in enumerate(ordered) if index in chosen),
    )
