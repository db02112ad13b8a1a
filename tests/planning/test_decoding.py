"""What sampling takes, beside arithmetic done by hand."""

import pytest

from stages import params
from stages.planning import cards, decoding, plan
from stages.planning.estimate import Machine
from stages.planning.workload import Frames


def test_videos_are_shared_out_and_the_longest_is_waited_for() -> None:
    frames = Frames.of((100, 100, 200), "made up")
    a_pick = 15 * 0.002 + decoding.KEEPING
    assert decoding.seconds(frames, 0.002, 1) == pytest.approx(400 * a_pick)
    assert decoding.seconds(frames, 0.002, 2) == pytest.approx(200 * a_pick)
    assert decoding.seconds(frames, 0.002, 3) == pytest.approx(200 * a_pick)


def test_a_plan_says_what_sampling_takes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(cards.card("h100"), 1, 0.4)

    def said(dataset: str) -> str:
        made = plan.make(params.load(), dataset, params.recipe(dataset), 25, machine)
        return "\n".join(made.notes)

    monkeypatch.setenv("LLMVS_WORKERS", "2")
    assert (
        "352,650 frames to decode, 23,510 of them to keep, by 2 processes on this machine's cores: "
        "about 11 minutes for videos of 640 x 360 and 22 minutes for videos of 1920 x 1080"
    ) in said("tvsum")
    monkeypatch.setenv("LLMVS_WORKERS", "64")
    assert "110,040 frames to decode, 7,336 of them to keep, by 25 processes" in said("summe")
    assert "to decode" not in said("tvsum-captions")
