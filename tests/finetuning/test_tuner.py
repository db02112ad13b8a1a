"""A step's gradients where the memory runs out, and in half precision."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_pupil import SAMPLES, Letters, settings
from tiny_llms import CONFIGS, causal_lm

from stages.errors import UserError
from stages.finetuning.pupil import Pupil, Sample
from stages.finetuning.tuner import LOSSES, WEIGHTS, Stretch, Tuner

PASSES = ((*SAMPLES, SAMPLES[0]), tuple(SAMPLES[1:]))


def reader(dtype: torch.dtype = torch.float32) -> Callable[[], Letters]:
    return lambda: Letters(causal_lm(CONFIGS["llama, grouped heads"]).to(dtype))


def tuner(dtype: torch.dtype = torch.float32) -> Tuner:
    """Whose gradients are not cut, which would hide what they are multiplied by."""
    return Tuner(reader(dtype), settings().model_copy(update={"clip": 1e9}))


def stepped(tuner: Tuner) -> dict[str, torch.Tensor]:
    """The gradients of one step from a beginner's adapter, of B, as those of A are then zero."""
    tuner.pupil.begin(0)
    weights = list(tuner.pupil.weights.values())
    # With a rate of 0 the weights stay, and the gradients that moved them are left.
    tuner._step(torch.optim.SGD(weights, lr=0.0), PASSES, (0, 0))
    return {
        name: of.grad.clone()
        for name, of in tuner.pupil.weights.items()
        if ".lora_B." in name and of.grad is not None
    }


def full_above(monkeypatch: pytest.MonkeyPatch, room: int) -> list[int]:
    """A card that holds so many samples; the sizes that were tried."""
    loss, sizes = Pupil.loss, list[int]()

    def limited(self: Pupil, samples: Any) -> torch.Tensor:
        sizes.append(len(samples))
        found = loss(self, samples)
        if len(samples) > room:
            raise torch.OutOfMemoryError
        return found

    monkeypatch.setattr(Pupil, "loss", limited)
    return sizes


@pytest.mark.parametrize("room", [1, 2])
def test_a_pass_that_does_not_fit_is_halved_and_weighs_the_same(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    whole = stepped(tuner())
    sizes = full_above(monkeypatch, room)
    made = tuner()
    halved = stepped(made)
    assert whole.keys() == halved.keys()
    for name, of in whole.items():
        assert torch.allclose(of, halved[name], rtol=1e-4, atol=1e-6), name
    assert made.room == room
    tried = len(sizes)
    stepped(made)
    assert max(sizes[tried:]) <= room, "what was too much once is not tried again"


def test_a_single_prompt_that_does_not_fit_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    full_above(monkeypatch, 0)
    with pytest.raises(UserError, match=r"tiny: out of memory with a single prompt .*checkpointi"):
        stepped(tuner())


def test_how_a_steps_frames_are_dealt_to_passes_changes_nothing_but_rounding() -> None:
    made = tuner()
    found = []
    for passes in (PASSES, tuple((each,) for one in PASSES for each in one)):
        made.pupil.begin(0)
        optimiser = torch.optim.SGD(list(made.pupil.weights.values()), lr=0.0)
        found.append(made._step(optimiser, passes, (0, 0)))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_in_half_precision_teach_an_adapter_in_single(dtype: torch.dtype) -> None:
    single = stepped(tuner())
    half = stepped(tuner(dtype))
    for name, of in half.items():
        assert of.dtype == torch.float32
        alike = torch.cosine_similarity(of.flatten(), single[name].flatten(), dim=0)
        assert alike > 0.95, name


def test_a_run_in_stretches_is_the_run_in_one_piece() -> None:
    steps = tuple((tuple(SAMPLES[place : place + 2]),) for place in (0, 1, 0, 1, 0))
    learnt = settings(dropout=0.4)

    def taught(*ends: int) -> dict[str, Any]:
        state, first = None, 0
        for end in ends:
            # Each by a worker of its own, as after a kill.
            made = Tuner(reader(), learnt)
            stretch = Stretch(7, first, len(steps), steps[first:end], state)
            ((_, state),) = made([stretch])
            first = end
        assert state is not None
        return state

    whole, cut = taught(5), taught(2, 3, 5)
    assert whole.keys() == cut.keys()
    for name, of in whole.items():
        assert of.tobytes() == cut[name].tobytes(), name
    assert len(whole[LOSSES]) == 5
    assert any(of.any() for name, of in whole.items() if name.startswith(WEIGHTS))


def test_the_rate_falls_in_a_straight_line_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def noted(self: Tuner, optimiser: torch.optim.Optimizer, *it: Any) -> float:
        rates.append(optimiser.param_groups[0]["lr"])
        for weight in self.pupil.weights.values():
            weight.grad = torch.zeros_like(weight)
        optimiser.step()
        return 0.0

    monkeypatch.setattr(Tuner, "_step", noted)
    one: tuple[tuple[Sample, ...], ...] = (tuple(SAMPLES),)
    list(tuner()([Stretch(0, 0, 4, (one,) * 4, None)]))
    assert rates == pytest.approx([settings().lr * share for share in (1, 0.75, 0.5, 0.25)])
