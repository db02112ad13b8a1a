import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.errors import UserError
from stages.sources.photographs import SUBJECTS
from stages.sources.screenplay import Script, cast, script
from stages.sources.settings import DemoDownload


@given(shots=st.integers(1, 9), subjects=st.integers(1, 5), seed=st.integers(0, 99))
def test_every_subject_is_cast_and_neighbours_differ(shots: int, subjects: int, seed: int) -> None:
    subjects = min(shots, subjects)
    order = cast(shots, subjects, np.random.default_rng(seed))
    assert len(order) == shots
    assert set(order) == set(range(subjects))
    if subjects > 1:
        assert all(a != b for a, b in itertools.pairwise(order))


@pytest.mark.parametrize(("shots", "subjects"), [(5, 3), (5, 4), (6, 3), (6, 4), (7, 4)])
def test_one_subject_is_rare_and_none_takes_more_than_half(shots: int, subjects: int) -> None:
    shares = set()
    for seed in range(50):
        counts = Counter(cast(shots, subjects, np.random.default_rng(seed)))
        assert counts[subjects - 1] == 1
        assert max(counts.values()) <= shots // 2
        shares.add(tuple(sorted(counts.values())))
    assert all(max(share) > min(share) for share in shares)


def scripts(settings: DemoDownload, count: int = 40) -> list[Script]:
    return [script(settings, number) for number in range(1, count + 1)]


def test_segments_cover_the_video_and_the_shortest_fits_a_summary(settings: DemoDownload) -> None:
    for shots in (1, 2, 3, 6):
        changed = settings.model_copy(update={"shots": (shots, shots)})
        for scene in scripts(changed):
            segments_S2 = scene.segments()
            assert segments_S2[0, 0] == 0
            assert segments_S2[-1, 1] == scene.n_frames - 1
            assert (segments_S2[1:, 0] == segments_S2[:-1, 1] + 1).all()
            lengths_S = segments_S2[:, 1] - segments_S2[:, 0] + 1
            assert lengths_S.tolist() == [move.frames for move in scene.moves]
            assert 1 <= lengths_S.min() <= 0.15 * scene.n_frames


def test_videos_keep_to_the_settings(settings: DemoDownload) -> None:
    for scene in scripts(settings):
        assert 3 <= len({move.subject for move in scene.moves}) <= 4
        assert 4 * 24 <= scene.n_frames <= 6 * 30
        assert abs(sum(scene.shares().values()) - 1) < 1e-9


def test_moves_of_a_shot_join_without_a_jump(settings: DemoDownload) -> None:
    for scene in scripts(settings, 5):
        for before, after in zip(scene.moves, scene.moves[1:], strict=False):
            if before.subject == after.subject:
                assert before.end == after.start


def test_a_subject_recurs_in_other_videos_and_is_rare_in_some_and_frequent_in_others(
    settings: DemoDownload,
) -> None:
    least, most = Counter[str](), Counter[str]()
    for scene in scripts(settings, 60):
        shares = scene.shares()
        least[min(shares, key=lambda subject: shares[subject])] += 1
        most[max(shares, key=lambda subject: shares[subject])] += 1
    assert set(least) == set(most) == set(SUBJECTS)


def test_a_video_depends_on_seed_and_number_alone(settings: DemoDownload) -> None:
    longer = settings.model_copy(update={"videos": 100})
    assert scripts(longer) == scripts(settings)
    assert scripts(settings.model_copy(update={"seed": 8})) != scripts(settings)
    assert len(set(scripts(settings))) == 40


def test_more_subjects_in_a_video_than_are_named_are_refused(settings: DemoDownload) -> None:
    values = {**settings.model_dump(), "subjects_per_video": (3, 40)}
    with pytest.raises(ValidationError, match="40 subjects in a video, and subjects names 8"):
        DemoDownload(**values)


def test_a_subject_without_a_photograph_is_refused(settings: DemoDownload) -> None:
    unknown = settings.model_copy(update={"subjects": ("cat", "unicorn")})
    with pytest.raises(UserError, match="no photograph of unicorn; there are astronaut, "):
        script(unknown, 1)


def test_a_long_film_is_cast_too() -> None:
    for shots in (30, 31, 200):
        order = cast(shots, 3, np.random.default_rng(shots))
        assert set(order) == {0, 1, 2}
        assert len(order) == shots
        assert all(a != b for a, b in itertools.pairwise(order))
