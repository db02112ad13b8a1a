"""The finetune stage on tiny models of the real classes: what it learns, keeps, and never sees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import tuning
from tuning import ADAPTERS, LENGTHS, PREDICTIONS, annotate, run, setting

from stages.artifacts import predictions
from stages.errors import UserError
from stages.finetuning.pupil import Pupil
from stages.finetuning.tuner import Tuner
from stages.splits.folds import splits


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    tuning.settle()
    return tmp_path


def adapter(number: int) -> str:
    return f"{ADAPTERS}/strict/seed_0/split_{number}.safetensors"


def test_each_split_has_an_adapter_and_scores_of_its_test_videos(workplace: Path) -> None:
    made = run()
    assert set(made) == {str(PREDICTIONS), adapter(0), adapter(1)}
    assert made[adapter(0)] != made[adapter(1)]
    found = predictions.read(PREDICTIONS, LENGTHS, ["strict"])["strict"]
    assert found.splits == tuple(s.test for s in splits("strict", "drawn", list(LENGTHS), 2))
    for video, length in LENGTHS.items():
        scores_T = found.of_video(video)[0, 0]
        assert scores_T.shape == (length,)
        assert ((scores_T >= 0) & (scores_T <= 1)).all()


def test_no_tested_video_is_ever_seen(workplace: Path) -> None:
    before = run()
    for number, split in enumerate(splits("strict", "drawn", list(LENGTHS), 2)):
        # Everything people said of the tested videos becomes something else …
        annotate(**dict.fromkeys(split.test, 7))
        after = run()
        # … and what the split learnt stays what it was, to the bit.
        assert after[adapter(number)] == before[adapter(number)]
        assert after[adapter(1 - number)] != before[adapter(1 - number)]


def test_a_run_that_is_stopped_goes_on_and_ends_with_the_same_bytes(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(lora={**lora(), "dropout": 0.3}, epochs=3)
    whole = run()
    Path(".work").rename("other")
    step, taken = Tuner._step, list[tuple[int, int]]()

    def stopping(self: Tuner, optimiser: Any, passes: Any, place: tuple[int, int]) -> float:
        taken.append(place)
        if len(taken) == 8:
            raise KeyboardInterrupt
        return step(self, optimiser, passes, place)

    monkeypatch.setattr(Tuner, "_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        run()
    before = len(taken)
    assert run() == whole
    steps = 2 * 3 * 2  # splits, epochs, steps of six among the eight or twelve frames of each
    assert len(taken) - before < steps, "stretches that were finished are not done again"


def test_what_is_finished_loads_no_model(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr(Pupil, "__init__", lambda *_: pytest.fail("was loaded"))
    monkeypatch.setattr("stages.llm.reader.Reader.__init__", lambda *_: pytest.fail("was loaded"))
    assert run() == first
    setting(save=1)
    assert run() == first


def test_a_pass_that_does_not_fit_is_halved_and_weighs_the_same(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(lora={**lora(), "dropout": 0.0})
    run()
    whole = weights(adapter(0))
    Path(".work").rename("other")
    loss, sizes = Pupil.loss, list[int]()

    def full(self: Pupil, samples: Any) -> torch.Tensor:
        sizes.append(len(samples))
        if len(samples) > 1:
            raise torch.OutOfMemoryError
        return loss(self, samples)

    monkeypatch.setattr(Pupil, "loss", full)
    run()
    assert sizes[0] == 3
    assert set(sizes[1:]) == {1}, "what was too much once is not tried again"
    for name, of in weights(adapter(0)).items():
        assert np.allclose(of, whole[name], atol=2e-5), name

    def never(self: Pupil, samples: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Pupil, "loss", never)
    setting(lr=0.02)
    with pytest.raises(UserError, match="out of memory with a single prompt to learn from"):
        run()


def lora() -> dict[str, Any]:
    import yaml

    document = yaml.safe_load(Path("params.yaml").read_text())
    found: dict[str, Any] = document["datasets"]["demo"]["finetune"]["lora"]
    return found


def weights(path: str) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(path)
