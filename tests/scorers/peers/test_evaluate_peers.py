"""`llmvs evaluate-release --kind`: other systems' checkpoints earn what their scores earn."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from authors import TEXT, peers, released_weights, saved
from torch import Tensor
from typer.testing import CliRunner

from stages.artifacts import field
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import Video
from stages.cli import app
from stages.errors import UserError
from stages.evaluate_release import evaluate_release, released
from stages.metrics.panel import Panel, Rules
from stages.scorers.peers.peer import Peer
from stages.sources.featured import shared

N, D = 300, 16
PICKS = np.arange(0, N, 15)
SHOTS = np.column_stack([np.arange(0, N, 20), np.arange(19, N, 20)])
NAMES = ("video_1", "video_2")
KINDS = [kind for kind in peers() if kind != "clip-it"]
FRAMES = ("i3d-rgb", "i3d-flow")


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    """A file of the field's, with features as those of the field have them."""
    random = np.random.default_rng(0)
    videos, judged = [], []
    for name in NAMES:
        videos.append(Video.sampled(name, f"Video {name[-1]}", N).with_shots(SHOTS, "annotations"))
        shown_UN = (random.random((4, N)) < 0.3).astype(np.float32)
        judged.append(Judgement(name, random.random(len(PICKS)).astype(np.float32), shown_UN, None))
    path = tmp_path / "eccv16_dataset_summe_google_pool5.h5"
    field.write(
        path,
        field.Annotated(Timeline("any", tuple(videos)), People("any", False, tuple(judged))),
    )
    with h5py.File(path, "a") as file:
        for name in NAMES:
            file[name]["features"] = features(name, "pool5")
    return path


def features(name: str, of: str) -> np.ndarray:
    """MSVA's are of more rows than are picked."""
    rows = len(PICKS) + 7 * (of in FRAMES)
    random = np.random.default_rng([int(name[-1]), *of.encode()])
    return random.normal(size=(rows, TEXT if of == "sentence" else D)).astype(np.float32)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options that name what the field's file does not hold."""
    with h5py.File(tmp_path / "sentence.h5", "w") as file:
        for name in NAMES:
            file[name] = features(name, "sentence")
    for of in FRAMES:
        (tmp_path / of).mkdir()
        for name in NAMES:
            np.save(tmp_path / of / f"{name}.npy", features(name, of))
    given = {of: tmp_path / of for of in FRAMES} | {"sentence": tmp_path / "sentence.h5"}
    return [part for of, path in given.items() for part in (f"--{of}", str(path))]


def asked(path: Path, kind: str, annotations: Path, *more: str) -> str:
    """What the command says, or raises."""
    ran = CliRunner().invoke(
        app,
        [
            *("evaluate-release", str(path), "--kind", kind.split()[0], "--dataset", "summe"),
            *("--annotations", str(annotations), *more),
        ],
    )
    if isinstance(ran.exception, UserError):
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    return ran.output


def inputs(model: Peer, name: str) -> dict[str, Tensor]:
    return {
        of: torch.from_numpy(shared(features(name, of), len(PICKS))) for of in model.authors_inputs
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_systems_checkpoint_is_marked_on_what_its_authors_feed_it(
    tmp_path: Path, annotations: Path, files: list[str], kind: str
) -> None:
    model = peers()[kind]
    path = saved(tmp_path / "authors.pth", released_weights(model))
    said = asked(path, kind, annotations, *files)
    people = field.read(annotations).people
    marks = []
    for judged in people.videos:
        scores_T = model.scores(inputs(model, judged.name)).numpy()
        rules = Rules("summary", "max", 0.15)
        assert judged.user_summary_UN is not None
        panel = Panel(judged.name, rules, N, PICKS, SHOTS, judged.user_summary_UN, None)
        marks.append(panel.verdict(scores_T).marks)
    assert f"summe, {len(NAMES)} videos" in said
    assert "authors.pth" in said
    for mean in np.mean(marks, axis=0):
        assert f"{mean:.4f}" in said


def test_what_a_system_is_fed_and_nobody_named_is_asked_for(
    tmp_path: Path, annotations: Path
) -> None:
    msva = saved(tmp_path / "msva.pt", released_weights(peers()["msva"]))
    with pytest.raises(UserError, match=r"fed pool5 and i3d-rgb and i3d-flow; name .* as --i3d-r"):
        asked(msva, "msva", annotations)
    a2summ = saved(tmp_path / "a2summ.pt", released_weights(peers()["a2summ"]))
    with pytest.raises(UserError, match=r"vectors of captions, .* as --sentence"):
        asked(a2summ, "a2summ", annotations)
    llmvs = saved(tmp_path / "llmvs.ckpt", {})
    with pytest.raises(UserError, match=r"user_prompt_pool\.h5 as --query, and .* as --answer"):
        asked(llmvs, "global-attention", annotations)


def test_features_of_another_width_or_none_are_refused(tmp_path: Path, annotations: Path) -> None:
    vasnet = saved(tmp_path / "vasnet.pth.tar", released_weights(peers()["vasnet"]))
    with h5py.File(tmp_path / "wide.h5", "w") as file:
        for name in NAMES:
            file[name] = np.zeros((len(PICKS), D + 1), np.float32)
    with pytest.raises(UserError, match=f"takes pool5 {D} wide, and .*wide.h5 holds it {D + 1}"):
        asked(vasnet, "vasnet", annotations, "--pool5", str(tmp_path / "wide.h5"))
    with h5py.File(annotations, "a") as file:
        del file["video_2"]["features"]
    with pytest.raises(UserError, match=r"video_2 .* holds no features .* as --pool5"):
        asked(vasnet, "vasnet", annotations)


def test_a_checkpoint_of_another_system_is_refused(tmp_path: Path, annotations: Path) -> None:
    vasnet = saved(tmp_path / "vasnet.pth.tar", released_weights(peers()["vasnet"]))
    with pytest.raises(UserError, match="not a released checkpoint of kind pgl-sum"):
        asked(vasnet, "pgl-sum", annotations)
    with pytest.raises(UserError, match="CLIP-It's authors released no weights"):
        asked(vasnet, "clip-it", annotations, "--clip", str(annotations))
    with pytest.raises(UserError, match=r"no kind of scorer is called 'vsnet' .*pgl-sum"):
        asked(vasnet, "vsnet", annotations)


def test_whose_rules_apply_has_to_be_said(tmp_path: Path, annotations: Path) -> None:
    vasnet = saved(tmp_path / "vasnet.pth.tar", released_weights(peers()["vasnet"]))
    ran = CliRunner().invoke(
        app,
        ["evaluate-release", str(vasnet), "--kind", "vasnet", "--annotations", str(annotations)],
    )
    assert "name --dataset summe or tvsum" in str(ran.exception)
    release = released("vasnet", vasnet, {"pool5": annotations})
    with pytest.raises(UserError, match="without user_scores"):
        evaluate_release(release, annotations, "tvsum")
