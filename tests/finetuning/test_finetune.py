"""The finetune stage on tiny models of the real classes: what it learns, keeps, and never sees."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tuning
import yaml
from tuning import ADAPTERS, LENGTHS, PREDICTIONS, annotate, run, setting

from stages import section
from stages.artifacts import predictions
from stages.errors import UserError
from stages.finetune import finetune
from stages.finetuning import asked
from stages.finetuning.pupil import Pupil
from stages.finetuning.settings import Finetune
from stages.finetuning.tuner import Tuner
from stages.llm.settings import Embed
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
    kept = [len(list(Path(store, "items").glob("*/*.npz"))) for store in (".work", "other")]
    assert kept[0] == kept[1], "a state that another followed is dropped, also after a stop"


def test_what_is_finished_loads_no_model(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr(Pupil, "__init__", lambda *_: pytest.fail("was loaded"))
    monkeypatch.setattr("stages.llm.reader.Reader.__init__", lambda *_: pytest.fail("was loaded"))
    assert run() == first
    setting(save=1)
    assert run() == first


def lora() -> dict[str, Any]:
    document = yaml.safe_load(Path("params.yaml").read_text())
    found: dict[str, Any] = document["datasets"]["demo"]["finetune"]["lora"]
    return found


def test_what_states_the_recipe_keeps_changes_nothing_that_a_tuned_llm_is_asked() -> None:
    recipe = section.lookup(Embed, "datasets", "summe-captions", "embed")
    settings = section.lookup(Finetune, "datasets", "summe-captions", "finetune")
    other = recipe.model_copy(update={"layer": "lm_head", "pooling": "mean"})
    assert asked.embed(settings, other, "demo") == asked.embed(settings, recipe, "demo")


def test_an_emptied_prompt_is_one_message(workplace: Path) -> None:
    setting(embed={"prompt": None})
    with pytest.raises(UserError, match=r"finetune\.embed\.prompt"):
        run()


def test_a_row_that_is_not_asked_for_is_left_out_and_says_so(workplace: Path) -> None:
    setting(rows=[])
    run()
    assert "finetune.rows does not name zero-shot*" in (predictions.left_out(PREDICTIONS) or "")
    assert not list(ADAPTERS.iterdir())


def test_it_learns_what_people_say_of_a_caption(workplace: Path) -> None:
    """ "A dog runs." is what people like here, and the model says so of videos it did not learn."""
    liked = like("A dog runs.")
    maps = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    setting(
        target="score",
        lora=lora() | {"rank": 16, "dropout": 0.0, "modules": maps},
        epochs=20,
        frames=None,
        batch=8,
        accumulate=1,
        save=100,
        embed=tuning.SMALL["embed"] | {"window": 1},
    )
    run()
    found = predictions.read(PREDICTIONS, LENGTHS, ["strict"])["strict"]
    scores = np.concatenate([found.of_video(video)[0, 0] for video in LENGTHS])
    wanted = np.concatenate([liked[video] for video in LENGTHS])
    assert np.corrcoef(scores, wanted)[0, 1] > 0.8


def test_without_the_input_of_one_row_it_is_one_message(workplace: Path) -> None:
    with pytest.raises(UserError, match="name --captions for the row zero-shot"):
        finetune("demo", Path("t.h5"), Path("p.h5"), PREDICTIONS, ADAPTERS)


def test_a_training_that_falls_apart_says_which_setting_to_lower(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Pupil.loss
    monkeypatch.setattr(Pupil, "loss", lambda *it: loss(*it) * float("nan"))
    with pytest.raises(UserError, match=r"fell apart in step 1 .*; lower finetune\.lr"):
        run()


def like(caption: str) -> dict[str, Any]:
    """People who give everything to frames of a caption, and nothing to others."""
    said: dict[str, list[float]] = {video: [] for video in LENGTHS}
    for line in Path("captions.jsonl").read_text().splitlines():
        frame = json.loads(line)
        said[frame["video"]].append(float(frame["caption"] == caption))
    tuning.judge(said)
    return {video: np.array(of) for video, of in said.items()}
