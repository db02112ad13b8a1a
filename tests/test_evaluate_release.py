"""The authors' checkpoint on the authors' embeddings earns what the measure says of its scores."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from stages.artifacts import field
from stages.artifacts import timeline as timeline_file
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.evaluate_release import Release, evaluate_release
from stages.metrics.panel import Panel, Rules
from stages.scorers.global_attention import GlobalAttention
from stages.splits.folds import splits

D, N = 24, 90
PICKS = np.arange(0, N, 15)
SHOTS = np.column_stack([np.arange(0, N, 9), np.arange(8, N, 9)])
NAMES = ("video_1", "video_2", "video_3")


@pytest.fixture
def model() -> GlobalAttention:
    torch.manual_seed(0)
    return GlobalAttention(D, width=32, layers=1, heads=2, feedforward=48).eval()


def people(
    scores: bool = True, shots: bool = True, names: tuple[str, ...] = NAMES
) -> field.Annotated:
    random = np.random.default_rng(0)
    videos, judged = [], []
    for name in names:
        video = Video.sampled(name, f"Video {name[-1]}", N)
        videos.append(video.with_shots(SHOTS, "annotations") if shots else video)
        judged.append(
            Judgement(
                name,
                random.random(len(PICKS)).astype(np.float32),
                (random.random((4, N)) < 0.3).astype(np.float32),
                random.integers(1, 6, (4, N)).astype(np.float32) if scores else None,
            )
        )
    return field.Annotated(Timeline("any", tuple(videos)), People("any", False, tuple(judged)))


@pytest.fixture
def files(tmp_path: Path, model: GlobalAttention) -> dict[str, Path]:
    """checkpoint, query, answer, annotated."""
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "best.ckpt")
    random = np.random.default_rng(1)
    for kind in ("query", "answer"):
        with h5py.File(tmp_path / f"{kind}.h5", "w") as file:
            for name in NAMES:
                file[name] = random.normal(size=(len(PICKS), 2, D)).astype(np.float32)
    field.write(tmp_path / "annotations.h5", people())
    paths = {name: tmp_path / f"{name}.h5" for name in ("query", "answer")}
    return paths | {
        "checkpoint": tmp_path / "best.ckpt",
        "annotated": tmp_path / "annotations.h5",
    }


def expected(files: dict[str, Path], model: GlobalAttention, rules: Rules, names: tuple) -> list:
    """The means over videos of the checkpoint's marks and people's, as they are printed."""
    marks, human = [], []
    with h5py.File(files["query"]) as query, h5py.File(files["answer"]) as answer:
        for video in people().people.videos:
            if video.name not in names:
                continue
            x_TD = np.maximum(query[video.name][:].max(1), answer[video.name][:].max(1))
            with torch.inference_mode():
                scores_T = model({"states": torch.from_numpy(x_TD)[None]})[0].numpy()
            panel = Panel(
                *(video.name, rules, N, PICKS, SHOTS), video.user_summary_UN, video.user_scores_UN
            )
            marks.append(panel.verdict(scores_T).marks)
            human.append(panel.human())
    means = [*np.mean(marks, axis=0), *np.mean(human, axis=0)]
    return [f"{mean:.4f}" for mean in means]


def release(files: dict[str, Path]) -> Release:
    return Release(files["checkpoint"], files["query"], files["answer"])


def arguments(files: dict[str, Path], kind: str, *more: str) -> list[str]:
    return [
        *("evaluate-release", str(files["checkpoint"]), "--kind", kind),
        *("--query", str(files["query"]), "--answer", str(files["answer"])),
        *("--annotations", str(files["annotated"]), *more),
    ]


@pytest.mark.parametrize(
    ("kind", "rules"),
    [("summe", Rules("summary", "max", 0.15)), ("tvsum", Rules("scores", "mean", 0.15))],
)
def test_each_dataset_is_marked_by_its_fields_rules(
    files: dict[str, Path], model: GlobalAttention, kind: str, rules: Rules
) -> None:
    ran = CliRunner().invoke(app, arguments(files, kind))
    assert ran.exit_code == 0, ran.output
    assert "3 videos" in ran.output
    for mean in expected(files, model, rules, NAMES):
        assert mean in ran.output


def test_zeros_by_the_fields_rule_are_told_from_those_of_a_prediction(
    files: dict[str, Path],
) -> None:
    annotated = field.read(files["annotated"])
    whole = annotated.timeline.videos[0].with_shots([[0, N - 1]], "annotations")
    videos = (whole, *annotated.timeline.videos[1:])
    field.write(files["annotated"], annotated._replace(timeline=Timeline("tvsum", videos)))
    ran = CliRunner().invoke(app, arguments(files, "summe"))
    said = " ".join(ran.output.split())
    assert "No shot fits the budget of 15 % in video_1" in said
    assert "predictions" not in said


def test_some_videos_alone(files: dict[str, Path], model: GlobalAttention) -> None:
    chosen = ("video_1", "video_3")
    ran = CliRunner().invoke(app, arguments(files, "tvsum", "--videos", ",".join(chosen)))
    assert "2 videos" in ran.output
    for mean in expected(files, model, Rules("scores", "mean", 0.15), chosen):
        assert mean in ran.output
    with pytest.raises(UserError, match="no video_9; they go from video_1 to video_3"):
        evaluate_release(release(files), files["annotated"], kind="tvsum", only=["video_9"])


def test_a_split_is_its_test_videos_alone(files: dict[str, Path]) -> None:
    names = [f"video_{number}" for number in range(1, 51)]
    tested = splits("official", "tvsum", names, 5)[3].test
    there = [*tested, next(name for name in names if name not in tested)]  # and few besides
    field.write(files["annotated"], people(names=tuple(there)))
    for kind in ("query", "answer"):  # and no other video has embeddings
        with h5py.File(files[kind], "w") as file:
            for name in tested:
                file[name] = np.random.default_rng(0).random((len(PICKS), 1, D), np.float32)
    ran = CliRunner().invoke(app, arguments(files, "tvsum", "--split", "3"))
    assert ran.exit_code == 0, ran.output
    assert f"{len(tested)} videos" in ran.output


def test_a_split_is_of_the_fields_lists(files: dict[str, Path]) -> None:
    with pytest.raises(UserError, match=r"annotations hold no video_\d+"):
        evaluate_release(release(files), files["annotated"], kind="tvsum", split=0)
    with pytest.raises(UserError, match="not both"):
        evaluate_release(
            release(files), files["annotated"], kind="tvsum", only=["video_1"], split=0
        )


def test_shots_come_from_a_timeline_where_annotations_have_none(
    files: dict[str, Path], tmp_path: Path, model: GlobalAttention
) -> None:
    field.write(files["annotated"], people(shots=False))
    with pytest.raises(UserError, match=r"without change_points.*--timeline"):
        evaluate_release(release(files), files["annotated"], kind="summe")
    timeline_file.write(tmp_path / "timeline.h5", people().timeline)
    ran = CliRunner().invoke(
        app, arguments(files, "summe", "--timeline", str(tmp_path / "timeline.h5"))
    )
    for mean in expected(files, model, Rules("summary", "max", 0.15), NAMES):
        assert mean in ran.output


def test_tvsum_without_peoples_scores_says_where_to_get_them(files: dict[str, Path]) -> None:
    field.write(files["annotated"], people(scores=False))
    with pytest.raises(UserError, match=r"without user_scores.*ydata-tvsum50\.mat as --scores"):
        evaluate_release(release(files), files["annotated"], kind="tvsum")
    evaluate_release(release(files), files["annotated"], kind="summe")


def test_embeddings_of_another_llm_are_refused(files: dict[str, Path]) -> None:
    for kind in ("query", "answer"):
        with h5py.File(files[kind], "w") as file:
            for name in NAMES:
                file[name] = np.zeros((len(PICKS), 1, D + 8), np.float32)
    with pytest.raises(UserError, match=f"takes embeddings {D} wide, and those .* are {D + 8}"):
        evaluate_release(release(files), files["annotated"], kind="summe")
