"""Training a head on every judged video of some datasets."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from stages.artifacts import people, timeline
from stages.artifacts.places import Places
from stages.scorers.scorer import Scorer
from stages.shipping.recipes import Joint
from stages.training.batches import Video
from stages.training.fitting import fit, one_thread
from stages.training.inputs import BySplit

Videos = Mapping[str, tuple[Video, ...]]
"""By dataset."""


def videos(joint: Joint, data: Path) -> Videos:
    """Every judged video of each dataset, in natural order, with its inputs prepared.

    Raises UserError naming the file that is missing or not what it should be.
    """
    found = {}
    for name in joint.recipes:
        places = Places(data / name)
        spine = timeline.read(places.timeline)
        judged = people.read(places.people, spine)
        budget = joint.recipes[name].evaluate.budget
        by_split = BySplit.of(places.inputs, joint.model, joint.entry, spine, judged, budget)
        found[name] = tuple(by_split("strict", 0).values())  # which are those of every split
    return found


def learn(
    joint: Joint,
    taught: Videos,
    *,
    seed: int,
    where: torch.device,
    on_epoch: Callable[[], None] = lambda: None,
) -> Scorer:
    """The scorer of the last epoch, chosen by nothing. The same videos and seed give the same one.

    Args:
        joint: the recipes.
        taught: their videos.
        seed: of the initial weights, the order of the videos and the dropout.
        where: device to train on.
        on_epoch: told of each epoch's end.

    Raises:
        UserError: a loss is no longer a number.
    """
    every = [video for of in taught.values() for video in of]
    # Something must be held out for `fit` to draw a curve of, which nobody looks at here.
    shortest = min(every, key=lambda video: len(video.gtscore_T))
    with one_thread(where):
        trained = fit(
            every,
            [shortest],
            joint.entry,
            joint.train,
            seed=seed,
            where=where,
            on_point=lambda point: on_epoch(),
        )
    return trained.model
