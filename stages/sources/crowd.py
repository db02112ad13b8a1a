"""The demo's people, who do not exist: a rule, each with own taste and noise.

What a segment is worth is

    interest = (1 - rarity) · appeal of its subject + rarity · how rare the subject is in the video

with appeal drawn once a subject and "how rare" 1 - share / largest share, 0 for the subject that
fills most of the video. Appeal shows in a single frame; rarity only in the whole video.

Shapes: S segments, U users, T sampled frames, N video frames.
"""

import numpy as np
import numpy.typing as npt

from stages.artifacts.people import Judgement
from stages.artifacts.shots import lengths_of
from stages.artifacts.video import Video
from stages.sources.photographs import SUBJECTS
from stages.sources.screenplay import Script
from stages.sources.settings import DemoDownload
from stages.summaries.keyshots import keyshots

LOWEST, HIGHEST = 1, 5
BIAS = 0.5  # standard deviation between users, on the scale
GAIN = (0.7, 1.3)  # how strongly a user spreads scores
BUDGET = 0.15  # of the video, in a user's summary: the field's

Floats = npt.NDArray[np.float64]


def appeals(seed: int) -> dict[str, float]:
    """Each subject's own appeal, 0 to 1, the same in every video."""
    random = np.random.default_rng([seed, 0])
    return {subject: float(random.uniform()) for subject in sorted(SUBJECTS)}


def interests(script: Script, rarity: float, appeal: dict[str, float]) -> Floats:
    """The interest (S,) of each segment, 0 to 1: the formula above."""
    shares = script.shares()
    largest = max(shares.values())
    return np.array(
        [
            (1 - rarity) * appeal[move.subject] + rarity * (1 - shares[move.subject] / largest)
            for move in script.moves
        ]
    )


def judge(script: Script, number: int, settings: DemoDownload) -> tuple[Video, Judgement]:
    """Video `number` on the timeline, and what the simulated people say of it.

    Every user gives every segment a whole score from 1 to 5 and gets the summary that the field
    makes of scores: keyshots within 15 % of the video.
    """
    random = np.random.default_rng([settings.seed, number, 1])
    interest_S = interests(script, settings.rarity, appeals(settings.seed))
    bias_U1 = random.normal(0, BIAS, size=(settings.users, 1))
    gain_U1 = random.uniform(*GAIN, size=(settings.users, 1))
    noise_US = random.normal(0, settings.noise, size=(settings.users, len(interest_S)))
    judged_US = LOWEST + (HIGHEST - LOWEST) * gain_U1 * interest_S + bias_U1 + noise_US
    score_US = np.clip(np.rint(judged_US), LOWEST, HIGHEST)

    segments_S2 = script.segments()
    name = f"video_{number}"
    video = Video.sampled(name, script.name, script.n_frames, settings.fps)
    video = video.with_shots(segments_S2, "annotations")
    score_UN = np.repeat(score_US, lengths_of(segments_S2), axis=1)
    summaries = [
        keyshots(score_T, video.picks_T, video.n_frames, segments_S2, BUDGET)
        for score_T in score_UN[:, video.picks_T]
    ]
    mean_T = score_UN[:, video.picks_T].mean(axis=0)
    judged = Judgement(
        name=name,
        gtscore_T=((mean_T - LOWEST) / (HIGHEST - LOWEST)).astype(np.float32),
        user_summary_UN=np.array(summaries, dtype=np.bool_),
        user_scores_UN=score_UN.astype(np.float32),
    )
    return video, judged
