"""direct*: a tiny LLaVA of the real class learns to say the score of what it sees."""

import io
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_llava
import torch
import tuning
import yaml
from PIL import Image
from tuning import LENGTHS, PREDICTIONS, run, setting

from stages import section
from stages.artifacts import frames, predictions
from stages.captioners.captioner import Frame
from stages.captioners.llava import ImageTextCaptioner
from stages.captioners.settings import CaptionSettings
from stages.errors import UserError
from stages.finetuning import asked, seer
from stages.finetuning.pupil import Pupil, Sample
from stages.finetuning.settings import Finetune
from stages.finetuning.tuner import Tuner

CAPTION = {
    "model": "./llava",
    "revision": None,
    "max_new_tokens": 6,
    "dtype": "float32",
    "batch": 8,
}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    tuning.settle()
    tiny_llava.save_llava(Path("llava"))
    document = yaml.safe_load(Path("params.yaml").read_text())
    demo = document["datasets"]["demo"]
    demo["caption"] = document["datasets"]["summe"]["caption"] | CAPTION
    tuning.write(document)
    setting(rows=["direct*"])
    pictures = iter(tiny_llava.pictures(sum(LENGTHS.values())))
    frames.write(
        Path("frames.h5"), (sampled(name, length, pictures) for name, length in LENGTHS.items())
    )
    return tmp_path


def sampled(name: str, length: int, pictures: Any) -> frames.Sampled:
    jpegs = []
    for _ in range(length):
        stream = io.BytesIO()
        Image.fromarray(next(pictures)).save(stream, "JPEG", quality=90)
        jpegs.append(stream.getvalue())
    return frames.Sampled(name, 15 * np.arange(length), tuple(jpegs))


def seers() -> tuple[Finetune, seer.Seer]:
    settings: Finetune = section.lookup(Finetune, "datasets", "demo", "finetune")
    recipe: CaptionSettings = section.lookup(CaptionSettings, "datasets", "demo", "caption")
    with frames.reading(Path("frames.h5")) as videos:
        pictures = {video.name: ["-"] * len(video) for video in videos}
    return settings, seer.Seer(asked.caption(settings, recipe, "demo"), Path("frames.h5"), pictures)


def test_the_captioner_learns_a_split_at_a_time_and_a_second_run_loads_nothing(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(frames=True)
    assert len(made) == 3
    found = predictions.read(PREDICTIONS, LENGTHS, ["strict"])["strict"]
    assert {video for split in found.splits for video in split} == set(LENGTHS)
    monkeypatch.setattr(Pupil, "__init__", lambda *_: pytest.fail("was loaded"))
    monkeypatch.setattr(ImageTextCaptioner, "__init__", lambda *_: pytest.fail("was loaded"))
    assert run(frames=True) == made


def test_the_loss_is_that_of_transformers_on_image_and_prompt(workplace: Path) -> None:
    settings, examinee = seers()
    pupil = Pupil(examinee.loader()(), settings)
    pupil.begin(0)
    pupil.model.eval()
    samples = [Sample(Frame("video_1", 0), "score: 10"), Sample(Frame("video_10", 3), "score: 1")]
    expected = 0.0
    reader = pupil._reader
    for sample in samples:
        (prompt,), more = reader.read([sample.prompt])
        answer = reader.answer(sample.answer)
        ids = torch.tensor([[*prompt, *answer]])
        labels = torch.tensor([[-100] * len(prompt) + list(answer)])
        expected += float(pupil.model(input_ids=ids, labels=labels, **more).loss.detach()) * len(
            answer
        )
    assert float(pupil.loss(samples)) == pytest.approx(expected, rel=1e-5)
    assert all("language_model.layers" in name for name in pupil.weights), "and none of its eyes"


def test_what_another_machine_needs_travels_by_value(workplace: Path) -> None:
    settings, examinee = seers()
    load = pickle.loads(pickle.dumps(partial(Tuner, examinee.loader(), settings)))
    assert isinstance(load(), Tuner)


def test_a_captioner_that_cannot_be_asked_is_one_message(workplace: Path) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["demo"]["caption"] = {
        "captioner": "imagenet-tags", "labels": 2, "min_probability": 0.3, "batch": 32,
    }  # fmt: skip
    tuning.write(document)
    with pytest.raises(UserError, match=r"finetune\.rows: direct\* is of a captioner that can be"):
        run(frames=True)


def test_a_processor_that_says_something_of_every_token_is_one_message(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, examinee = seers()
    reader = examinee.loader()()
    inputs = reader._captioner.inputs

    def typed(images: Any) -> Any:
        made = inputs(images)
        made["mm_token_type_ids"] = torch.zeros_like(made["input_ids"])
        return made

    monkeypatch.setattr(reader._captioner, "inputs", typed)
    with pytest.raises(UserError, match="its processor says mm_token_type_ids of every token"):
        reader.read([Frame("video_1", 0)])
