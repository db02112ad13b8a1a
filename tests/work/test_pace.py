import logging

import pytest

from stages.work.pace import Pace, duration


def test_the_rate_is_measured_from_the_first_result(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    seconds = iter([100.0, 104.0, 110.0])  # the first came after a model was loaded
    pace = Pace(6276, "prompts", clock=lambda: next(seconds))
    with caplog.at_level(logging.INFO, "llmvs"):
        for _ in range(2):
            pace.advance(20)
        assert caplog.messages == []
        pace.advance(15)
    assert caplog.messages == ["6,221 prompts left, about 30 minutes at 3.5/s"]


def test_of_several_processes_the_first_results_are_no_rate(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    seconds = iter([60.0, 66.0, 120.0, 126.0])  # two processes, a minute a run
    pace = Pace(30, "runs", 2, lambda: next(seconds))
    with caplog.at_level(logging.INFO, "llmvs"):
        for _ in range(4):
            pace.advance(1)
    assert caplog.messages == ["26 runs left, about 13 minutes at 0.033/s"]


def test_it_is_said_again_every_ten_minutes_of_the_work_since(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("llmvs"), "propagate", True)
    seconds = iter([0.0, 10.0, 400.0, 610.0, 900.0, 1300.0])
    pace = Pace(10_000, "prompts", clock=lambda: next(seconds))
    with caplog.at_level(logging.INFO, "llmvs"):
        for done in (5, 20, 600, 600, 100, 8675):
            pace.advance(done)
    assert caplog.messages == [
        "9,975 prompts left, about 83 minutes at 2/s",
        "8,775 prompts left, about 73 minutes at 2/s",
    ]


def test_what_is_over_at_once_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seconds = iter([0.0, 60.0])
    pace = Pace(2, "prompts", clock=lambda: next(seconds))
    pace.advance(1)
    pace.advance(1)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "a second"),
        (40, "40 seconds"),
        (70, "a minute"),
        (100, "2 minutes"),
        (1800, "30 minutes"),
        (5000, "83 minutes"),
        (8000, "2 hours"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
