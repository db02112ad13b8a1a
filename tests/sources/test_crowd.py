from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from stages import section
from stages.sources import crowd
from stages.sources.screenplay import Move, Script, View, script
from stages.sources.settings import DemoDownload, Download

ROOT = Path(__file__).parents[2]
STILL = View(1, 0, 0)


def scene(*shots: tuple[str, int]) -> Script:
    return Script("x", tuple(Move(subject, frames, STILL, STILL) for subject, frames in shots))


def test_interest_is_rarity_by_share_of_frames() -> None:
    film = scene(("cat", 40), ("moon", 20), ("cat", 20), ("rocket", 15))
    appeal = dict.fromkeys(("cat", "moon", "rocket"), 0.0)
    interest_S = crowd.interests(film, 1.0, appeal)
    np.testing.assert_allclose(interest_S, [0, 1 - 20 / 60, 0, 1 - 15 / 60])


def test_without_rarity_interest_is_the_subjects_appeal() -> None:
    film = scene(("cat", 40), ("moon", 20), ("cat", 20))
    np.testing.assert_allclose(
        crowd.interests(film, 0.0, {"cat": 0.2, "moon": 0.7}), [0.2, 0.7, 0.2]
    )


def test_the_rarer_a_subject_the_higher_people_score_it(settings: DemoDownload) -> None:
    rare, frequent = [], []
    for number in range(1, 31):
        film = script(settings, number)
        _, judged = crowd.judge(film, number, settings)
        assert judged.user_scores_UN is not None
        subject_N = np.repeat([m.subject for m in film.moves], [m.frames for m in film.moves])
        shares = film.shares()
        means = {s: judged.user_scores_UN[:, subject_N == s].mean() for s in shares}
        rare.append(means[min(shares, key=lambda subject: shares[subject])])
        frequent.append(means[max(shares, key=lambda subject: shares[subject])])
    assert np.mean(rare) > np.mean(frequent) + 1
    assert np.mean(np.array(rare) > np.array(frequent)) > 0.9


def test_people_score_in_whole_numbers_and_hold_them_for_a_segment(settings: DemoDownload) -> None:
    film = script(settings, 1)
    video, judged = crowd.judge(film, 1, settings)
    scores_UN, shots_S2 = judged.user_scores_UN, video.shots_S2
    assert scores_UN is not None
    assert shots_S2 is not None
    assert scores_UN.shape == (settings.users, film.n_frames)
    assert set(np.unique(scores_UN)) <= {1, 2, 3, 4, 5}
    for start, end in shots_S2.tolist():
        assert (scores_UN[:, start : end + 1] == scores_UN[:, start : start + 1]).all()


def test_summaries_fill_the_budget_with_whole_segments_and_none_is_empty(
    settings: DemoDownload,
) -> None:
    for number in range(1, 11):
        video, judged = crowd.judge(script(settings, number), number, settings)
        assert judged.user_summary_UN is not None
        shown_U = judged.user_summary_UN.mean(axis=1)
        assert (shown_U > 0).all()
        assert (shown_U <= 0.15).all()
        for start, end in video.known_shots().tolist():
            within_U = judged.user_summary_UN[:, start : end + 1].mean(axis=1)
            assert set(within_U.tolist()) <= {0, 1}


def test_gtscore_is_the_users_mean_from_0_to_1(settings: DemoDownload) -> None:
    video, judged = crowd.judge(script(settings, 2), 2, settings)
    assert judged.user_scores_UN is not None
    mean_T = judged.user_scores_UN.mean(axis=0)[::15]
    np.testing.assert_allclose(judged.gtscore_T, (mean_T - 1) / 4, rtol=1e-6)
    np.testing.assert_array_equal(video.picks_T, np.arange(0, video.n_frames, 15))


def test_the_same_seed_gives_the_same_people(settings: DemoDownload) -> None:
    (_, one), (_, two) = (crowd.judge(script(settings, 3), 3, settings) for _ in range(2))
    assert one.user_scores_UN is not None
    np.testing.assert_array_equal(one.user_scores_UN, two.user_scores_UN)


def test_people_of_the_demo_agree_but_loosely() -> None:
    """TVSum's 20 people agree at τ = 0.18; perfect people would make the demo trivial."""
    demo = section.lookup(Download, "datasets", "demo", "download", path=ROOT / "params.yaml")
    agreements = []
    for number in range(1, 11):
        video, judged = crowd.judge(script(demo, number), number, demo)
        assert judged.user_scores_UN is not None
        sampled_UT = judged.user_scores_UN[:, video.picks_T]
        taus = [kendalltau(a, b).statistic for a, b in combinations(sampled_UT, 2)]
        agreements.append(np.nan_to_num(taus).mean())
    assert 0.2 < np.mean(agreements) < 0.5
