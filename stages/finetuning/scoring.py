"""What a fine-tuned model says of the videos it did not learn from, as scores.

Shapes: T sampled frames.
"""

from typing import NamedTuple

import numpy as np

from stages.artifacts.predictions import Run
from stages.finetuning.examinee import Examinee
from stages.finetuning.jobs import Finished
from stages.llm.reply import parser, share
from stages.metrics.replies import without_gaps
from stages.work.store import Store


class Scored(NamedTuple):
    """A run's scores (T,) of its test videos, 0 to 1; the keys of the store's items that they come
    of; how many replies, and how many of them hold no score.
    """

    run: Run
    keys: list[str]
    replies: int
    unparsed: int


def scores(examinee: Examinee, finished: Finished, store: Store) -> Scored:
    """Ask about every frame of the split's test videos, with the run's adapter.

    A frame whose reply holds no score is put at its video's median, as in zero-shot. Raises
    UserError as `Examinee.replies`.
    """
    job = finished.job
    said, keys = examinee.replies(job.split.test, finished.adapter, store)
    parse = parser(examinee.template, examinee.scale)
    middle = sum(examinee.scale) / 2
    found = {}
    replies = unparsed = 0
    for video in job.split.test:
        parsed = [parse(reply) for reply in said[video]]
        scores_T, gaps = without_gaps(
            [np.nan if score is None else score for score in parsed], middle
        )
        found[video] = share(scores_T, examinee.scale).astype(np.float32)
        replies, unparsed = replies + len(parsed), unparsed + gaps
    return Scored(Run(job.protocol, job.seed, job.number, None, found), keys, replies, unparsed)
