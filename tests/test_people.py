"""The rows of people come from annotation files alone, and are those known of the real ones."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner

from stages import people
from stages.artifacts import field
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.sources import shots, summe, tvsum
from stages.sources.published import of_summe, of_tvsum

REAL = Path(__file__).parents[2] / "shared" / "data"
needs_real_annotations = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real TVSum and SumMe annotations are not beside the repository"
)
CUTS = [np.array([0, 20, 45, 90]), np.array([0, 30, 60])]


def judged() -> list[tvsum.Annotations]:
    random = np.random.default_rng(0)
    return [
        tvsum.Annotations(name, "", "", random.integers(1, 6, (4, n)).astype(np.float32))
        for name, n in (("a", 90), ("b", 60))
    ]


def boundaries(path: Path, cuts: list[np.ndarray]) -> Path:
    """A file laid out as shot_TVSum.mat."""
    cells = np.empty((len(cuts), 1), dtype=object)
    for row, each in enumerate(cuts):
        cells[row, 0] = each
    scipy.io.savemat(path, {"shot_boundaries": cells})
    return path


def field_h5(path: Path, frames: list[int], shots_S2: np.ndarray | None) -> Path:
    videos, judged = [], []
    for number, n in enumerate(frames, 1):
        video = Video.sampled(f"video_{number}", f"v{number}", n)
        videos.append(video if shots_S2 is None else video.with_shots(shots_S2, "annotations"))
        gtscore_T = np.zeros(len(video.picks_T), np.float32)
        judged.append(Judgement(video.name, gtscore_T, np.ones((2, n), np.float32)))
    timeline = Timeline("tvsum", tuple(videos))
    field.write(path, field.Annotated(timeline, People("tvsum", False, tuple(judged))))
    return path


def of_judged(cuts: list[np.ndarray] | None = None) -> tuple[Timeline, People]:
    pairs = [of_tvsum(number, one) for number, one in enumerate(judged(), 1)]
    videos = [video for video, _ in pairs]
    if cuts is not None:
        videos = [
            video.with_shots(np.column_stack([each[:-1], each[1:] - 1]), "annotations")
            for video, each in zip(videos, cuts, strict=True)
        ]
    return Timeline("t", tuple(videos)), People("t", False, tuple(said for _, said in pairs))


def test_cut_points_become_inclusive_shots(tmp_path: Path) -> None:
    first, second = shots.read(boundaries(tmp_path / "a.mat", CUTS), [90, 60])
    assert first.tolist() == [[0, 19], [20, 44], [45, 89]]
    assert second.tolist() == [[0, 29], [30, 59]]


def test_shots_come_from_the_fields_h5_as_well(tmp_path: Path) -> None:
    path = field_h5(tmp_path / "a.h5", [60], np.array([[0, 29], [30, 59]]))
    assert shots.read(path, [60])[0].tolist() == [[0, 29], [30, 59]]


def test_shots_of_other_videos_are_refused(tmp_path: Path) -> None:
    path = boundaries(tmp_path / "a.mat", CUTS)
    with pytest.raises(UserError, match="shots of 2 videos, for 3"):
        shots.read(path, [90, 60, 60])
    with pytest.raises(UserError, match=r"video_2 should go from 0 to 60.*found 0 to 59"):
        shots.read(path, [90, 61])
    with pytest.raises(UserError, match="no change_points"):
        shots.read(field_h5(tmp_path / "a.h5", [60], None), [60])
    (tmp_path / "page.mat").write_text("<html>")
    with pytest.raises(UserError, match=r"page\.mat is not TVSum's shot_TVSum"):
        shots.read(tmp_path / "page.mat", [60])
    with pytest.raises(UserError, match=r"none\.mat is not"):
        shots.read(tmp_path / "none.mat", [60])


def test_shots_add_f1_and_leave_agreement_with_scores_as_it_was() -> None:
    bare, full = (people.lines("tvsum", *of_judged(cuts)) for cuts in (None, CUTS))
    for without, complete in zip(bare, full, strict=True):
        assert without[:3] == pytest.approx(complete[:3])
        assert without.f1 is None
        assert complete.f1 is not None


def test_summe_leaves_out_what_takes_shots() -> None:
    wanted_S = np.random.default_rng(0).random(20)
    noisy_US = wanted_S + 0.2 * np.random.default_rng(1).random((4, 20))
    labels_UN = np.repeat(noisy_US > 0.9, 15, axis=1).astype(np.float32)
    video, said = of_summe(1, summe.Chosen("a", 25.0, labels_UN))
    judges = People("s", False, (said,))
    human, oracle = people.lines("summe", Timeline("s", (video,)), judges)
    assert oracle[1:] == (None, None, None)
    shots_S2 = np.column_stack([np.arange(0, 300, 15), np.arange(14, 300, 15)])
    cut = Timeline("s", (video.with_shots(shots_S2, "annotations"),))
    full_human, full_oracle = people.lines("summe", cut, judges)
    assert full_human == pytest.approx(human)
    assert full_oracle.tau is not None
    assert full_oracle.tau > human.tau


def test_a_source_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        people.measure("tvsum", tmp_path / "none.mat")
    with pytest.raises(UserError, match=r"holds neither ydata-tvsum50\.mat nor"):
        people.measure("tvsum", tmp_path)


@needs_real_annotations
def test_tvsums_rows_are_those_known() -> None:
    timeline, judges = people.read("tvsum", REAL / "tvsum")
    human, oracle = people.lines("tvsum", timeline, judges)
    assert (human.tau, human.rho) == pytest.approx((0.1774, 0.2042), abs=5e-5)
    assert (oracle.tau, oracle.rho) == pytest.approx((0.378, 0.473), abs=5e-4)


@needs_real_annotations
def test_the_command_knows_summes_shots() -> None:
    """Pairs of people on all frames; the oracle on the field's shots, which the project carries."""
    ran = CliRunner().invoke(app, ["people", "--kind", "summe", str(REAL / "summe")])
    assert ran.exit_code == 0
    assert ran.output.count("0.2115") == 2
    assert "0.4047" in ran.output
    assert "0.4524" in ran.output
    assert "25 videos" in ran.output


@needs_real_annotations
def test_the_carried_shots_are_those_of_the_published_file() -> None:
    path = REAL / "tvsum" / "ydata-tvsum50.mat"
    arguments = ["people", "--kind", "tvsum", str(path)]
    carried = CliRunner().invoke(app, arguments)
    arguments += ["--shots", str(REAL / "tvsum" / "shot_TVSum.mat")]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0
    assert "0.1774" in ran.output
    assert "0.3782" in ran.output
    assert " - " not in ran.output
    assert carried.output == ran.output
