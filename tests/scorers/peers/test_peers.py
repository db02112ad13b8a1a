"""What holds of every system of another paper, whichever it is."""

from pathlib import Path

import pytest
import torch
from authors import inputs_of, peers, released_weights, saved
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import stages.scorers
from stages.errors import UserError
from stages.scorers import checkpoints, registry
from stages.scorers.peers.peer import Peer
from stages.training.batches import Video, padded
from stages.training.standardisation import Standardisation

KINDS = list(peers())
RELEASED = [kind for kind in KINDS if kind != "clip-it"]
LENGTHS = (15, 14, 23)


def videos(model: Peer, lengths: tuple[int, ...] = LENGTHS) -> list[Video]:
    torch.manual_seed(1)
    made = []
    for frames in lengths:
        prepared = model.prepare(inputs_of(model, frames))
        place_T = torch.arange(frames)
        keyshots_T = (place_T >= frames // 4) & (place_T < frames // 4 + 5)
        made.append(Video(str(frames), prepared, torch.rand(frames), keyshots_T))
    return made


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> Peer:
    return peers()[request.param]


def test_two_lower_the_squared_error_against_peoples_own_scores() -> None:
    squared = {kind for kind, model in peers().items() if model.lowers_squares()}
    assert squared == {"pgl-sum", "csta"}


@torch.inference_mode()
def test_padding_changes_no_score_and_scores_nothing(model: Peer) -> None:
    some = videos(model)
    together = padded(some)
    scores_BT = model(together.inputs, together.valid_BT)
    for video, scores_T in zip(some, scores_BT, strict=True):
        frames = len(video.gtscore_T)
        alone_T = model(padded([video]).inputs)[0]
        torch.testing.assert_close(scores_T[:frames], alone_T, atol=1e-6, rtol=0)
        assert (scores_T[frames:] == 0).all()
        assert (alone_T >= 0).all()
        assert (alone_T <= 1).all()


@torch.inference_mode()
def test_absorbing_a_scale_gives_the_scores_of_what_was_brought_to_it(
    model: Peer, tmp_path: Path
) -> None:
    some = videos(model)
    raw = [
        Video(v.name, {n: 3 * x_TD - 2 for n, x_TD in v.inputs.items()}, v.gtscore_T) for v in some
    ]
    scale = Standardisation.of(raw)
    expected = [model(padded([scale.apply(video)]).inputs) for video in raw]
    scale.fold(model)
    checkpoints.save(tmp_path / "m", model)
    for scorer in (model, registry.load(tmp_path / "m")):
        found = [scorer(padded([video]).inputs) for video in raw]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("model", RELEASED, indirect=True)
@torch.inference_mode()
def test_our_checkpoint_and_its_authors_give_the_same_scores(model: Peer, tmp_path: Path) -> None:
    inputs = inputs_of(model, 17)
    expected_T = model.scores(inputs)
    checkpoints.save(tmp_path / "ours", model)
    state = released_weights(model)
    places = [tmp_path / "ours", saved(tmp_path / "bare", state)]
    for name, content in {
        "wrapped": {f"module.{name}": tensor for name, tensor in state.items()},
        "held": {"epoch": 3, "state_dict": state, "optimizer": {"lr": 1e-3}},
    }.items():
        torch.save(content, tmp_path / name)
        places.append(tmp_path / name)
    torch.save(state, tmp_path / "old", _use_new_zipfile_serialization=False)
    for place in [*places, tmp_path / "old"]:
        loaded = stages.scorers.load_checkpoint(model.kind, place)
        assert not loaded.training
        torch.testing.assert_close(loaded.scores(inputs), expected_T, atol=1e-6, rtol=0)


@pytest.mark.parametrize("model", RELEASED, indirect=True)
@torch.inference_mode()
def test_of_more_inputs_its_authors_take_theirs(model: Peer, tmp_path: Path) -> None:
    loaded = stages.scorers.load_checkpoint(
        model.kind, saved(tmp_path / "m", released_weights(model))
    )
    inputs = inputs_of(model, 16)
    more = inputs | {"i3d-audio": torch.randn(16, 16)}
    assert torch.equal(loaded.scores(more), loaded.scores(inputs))


@pytest.mark.parametrize("model", RELEASED, indirect=True)
def test_what_is_wrong_with_a_file_is_said_at_once(model: Peer, tmp_path: Path) -> None:
    state = released_weights(model)
    starts = ("kd.", "fc_", "linear", "v_cls")
    last = next(name for name in reversed(state) if name.startswith(starts))
    state["head.weight"] = state.pop(last)
    path = saved(tmp_path / "wrong", state)
    with pytest.raises(UserError) as caught:
        stages.scorers.load_checkpoint(model.kind, path)
    said = str(caught.value)
    assert said.startswith(f"{path}: not a released checkpoint of kind {model.kind}")
    assert f"missing {last}" in said
    assert "unexpected head.weight" in said
    (tmp_path / "text").write_text("nothing of the kind")
    with pytest.raises(UserError, match="text: cannot be read as a checkpoint"):
        stages.scorers.load_checkpoint(model.kind, tmp_path / "text")
    torch.save({"epoch": 3}, path)
    with pytest.raises(UserError, match=r"expected weights by name, alone or under .*found epoch"):
        stages.scorers.load_checkpoint(model.kind, path)


def test_it_learns_what_it_is_taught(model: Peer) -> None:
    batch = padded(videos(model, (20,)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = model.learnt(batch)
    for _ in range(20):
        optimizer.zero_grad()
        loss = model.learnt(batch)
        loss.backward()
        optimizer.step()
    assert model.learnt(batch) < before


@pytest.mark.parametrize("model", [kind for kind in KINDS if kind != "csta"], indirect=True)
def test_what_a_pair_of_frames_costs_is_what_is_counted(
    model: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of matrix products at three lengths, what grows with the square; CSTA's convolutions do not,
    and its pools round.
    """

    # Of what torch fuses the counter knows nothing.
    monkeypatch.setattr(torch.backends.mha, "_is_fastpath_enabled", False)

    def counted(frames: int) -> int:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model.scores(inputs_of(model, frames))
        return counter.get_total_flops()

    operations, _ = model.pairs
    assert counted(72) - 2 * counted(48) + counted(24) == operations * 2 * 24**2
    # What two lengths differ by is a frame's own arithmetic, but for rows that stand for no frame.
    of_pairs = operations * (72**2 - 48**2)
    a_frame = (counted(72) - counted(48) - of_pairs) / 24
    assert 2 * model.products == pytest.approx(a_frame, rel=0.12)
