"""The caption stage and `llmvs weights` with a tiny LLaVA named in params.yaml."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import tiny_llava
import yaml
from PIL import Image

from stages import checks
from stages.artifacts.captions import read
from stages.artifacts.frames import Sampled, write
from stages.caption import caption
from stages.captioners.llava import Batch, ImageTextCaptioner
from stages.errors import UserError
from stages.lifetime import STOPPED
from stages.llm import weights as llm_weights
from stages.work import processor
from stages.work.files import left_behind

ROOT = Path(__file__).parent.parent.parent
FRAMES = 20
PROMPTS = {
    "general": "Provide a detailed one-sentence description",
    "centre": "Describe the centre of the image",
    "background": "Describe the background",
    "direct": "How important is this frame, from {lowest} to {highest}?",
}


def set_caption(**changes: Any) -> None:
    path = Path("params.yaml")
    document = yaml.safe_load(path.read_text())
    document["datasets"]["demo"]["caption"] |= changes
    path.write_text(yaml.safe_dump(document))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with frames, a tiny LLaVA, and params.yaml naming it."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    tiny_llava.save_llava(Path("llava"))
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["run"]["datasets"] = ["demo"]
    document["datasets"]["demo"]["caption"] = {
        "captioner": "llava",
        "model": "./llava",
        "revision": None,
        "framing": "pad",
        "describe": ["general"],
        "direct": False,
        "prompts": PROMPTS,
        "scale": [0, 10],
        "answer": "score: {score}",
        "max_new_tokens": 16,
        "dtype": "float32",
        "batch": 8,
    }
    Path("params.yaml").write_text(yaml.safe_dump(document))
    jpegs = []
    for picture in tiny_llava.pictures(FRAMES):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "JPEG", quality=90)
        jpegs.append(stream.getvalue())
    video = Sampled(name="video_1", picks_T=np.arange(FRAMES) * 15, jpegs=tuple(jpegs))
    write(Path("frames.h5"), [video])
    return tmp_path


@pytest.fixture
def captioned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the images that really went through the model, call by call."""
    calls: list[int] = []
    original = ImageTextCaptioner.caption

    def counted(self: ImageTextCaptioner, prepared: Sequence[Batch], /) -> list[str]:
        calls.append(sum(len(batch.images) for batch in prepared))
        return original(self, prepared)

    monkeypatch.setattr(ImageTextCaptioner, "caption", counted)
    return calls


def run(out: str = "captions.jsonl") -> bytes:
    caption("demo", Path("frames.h5"), Path(out))
    return Path(out).read_bytes()


def test_every_frame_is_described_by_the_model(workplace: Path) -> None:
    lines = [json.loads(line) for line in run().splitlines()]
    assert [line["pick"] for line in lines] == [15 * index for index in range(FRAMES)]
    assert len({line["caption"] for line in lines}) > FRAMES // 2
    assert all(line["caption"] == " ".join(line["caption"].split()) for line in lines)


def test_another_batch_reuses_and_would_say_the_same(workplace: Path, captioned: list[int]) -> None:
    first = run()
    assert captioned == [8, 8, 4]
    set_caption(batch=3)
    assert run() == first
    assert len(captioned) == 3, "captions of another batch size are the same captions"
    Path(".work").rename("old")
    assert run() == first
    assert captioned[3:] == [3, 3, 3, 3, 3, 3, 2]


def test_another_prompt_captions_anew(workplace: Path, captioned: list[int]) -> None:
    first = run()
    set_caption(prompts=PROMPTS | {"general": "What is this?"})
    assert run() != first
    assert sum(captioned) == 2 * FRAMES


def test_regions_are_asked_for_beside_the_general_caption_which_is_not_asked_again(
    workplace: Path, captioned: list[int]
) -> None:
    general = [json.loads(line)["caption"] for line in run().splitlines()]
    set_caption(describe=["general", "centre", "background"])
    together = [json.loads(line)["caption"] for line in run().splitlines()]
    assert sum(captioned) == 3 * FRAMES
    for alone, said in zip(general, together, strict=True):
        assert said.startswith(f"{alone} Centre: ")
        assert " Background: " in said
    set_caption(describe=["centre"])
    centre = [json.loads(line)["caption"] for line in run().splitlines()]
    assert sum(captioned) == 3 * FRAMES
    for said, whole in zip(centre, together, strict=True):
        assert said.startswith("Centre: ")
        assert said in whole


def test_the_score_asked_for_directly_is_beside_the_caption_and_no_part_of_it(
    workplace: Path, captioned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [json.loads(line) for line in run().splitlines()]
    prompts = []
    original = ImageTextCaptioner._generate

    def scoring(self: ImageTextCaptioner, inputs: Any) -> list[str]:
        prompts.append(self._prompt)
        return [
            f"Score: {10 * (place % 2)}" if place else "I cannot say"
            for place, _ in enumerate(original(self, inputs))
        ]

    monkeypatch.setattr(ImageTextCaptioner, "_generate", scoring)
    set_caption(direct=True)
    after = [json.loads(line) for line in run().splitlines()]
    assert sum(captioned) == 2 * FRAMES
    assert set(prompts) == {"How important is this frame, from 0 to 10?"}
    for old, new in zip(before, after, strict=True):
        assert old == {name: new[name] for name in ("video", "pick", "caption")}
    assert [line["score"] for line in after[:4]] == [None, 1, 0, 1]
    assert after[0]["reply"] == "I cannot say"
    read(Path("captions.jsonl"))


def test_finished_captions_load_no_model(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr(ImageTextCaptioner, "__init__", lambda *_: pytest.fail("was loaded"))
    assert run() == first


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_stopped_stage_resumes_with_the_same_bytes(
    workplace: Path, captioned: list[int], how: signal.Signals, code: int
) -> None:
    set_caption(batch=1, max_new_tokens=60)
    command = [sys.executable, "-m", "stages.caption", "--dataset", "demo"]
    process = subprocess.Popen(
        [*command, "--frames", "frames.h5", "--out", "captions.jsonl"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while len(list(Path(".work/items").glob("*/*.npz"))) < FRAMES // 4:
        assert process.poll() is None, "the stage ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(how)
    said = process.communicate()[1]
    assert process.returncode == code
    if how is not signal.SIGKILL:
        assert said.endswith(f"{STOPPED}\n")
        assert "Traceback" not in said
        assert not list(left_behind(Path(".work"))), "nothing is half-made"
    finished = len(list(Path(".work/items").glob("*/*.npz")))
    assert not Path("captions.jsonl").exists()

    resumed = run()
    assert 0 < sum(captioned) == FRAMES - finished < FRAMES
    Path(".work").rename("old")
    assert run() == resumed


def test_weights_fetches_the_captioner_too(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(llm_weights, "fetch", lambda name, revision: Path("the-llm"))
    checks.weights()
    assert "./llava: llava\n" in capsys.readouterr().err


def test_a_large_captioner_is_refused_without_a_gpu_before_it_is_fetched(
    workplace: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.answer = (503, "", {})
    monkeypatch.delenv("LLMVS_SLOW", raising=False)
    monkeypatch.setattr(processor, "rate", lambda dtype: 1e8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1e12))
    monkeypatch.setattr("stages.work.allowance.left", lambda: float("inf"))
    set_caption(model="llava-hf/llava-1.5-7b-hf", revision="0" * 40)
    said = r"llava-1\.5-7b-hf: there is no GPU\. 20 frames .* \d\d\d hours.*set LLMVS_SLOW=1"
    with pytest.raises(UserError, match=said):
        caption(dataset="demo", frames=Path("frames.h5"), out=Path("captions.jsonl"))
    assert not Path("captions.jsonl").exists()
    monkeypatch.setenv("LLMVS_SLOW", "1")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(UserError, match="the hub cannot be reached"):
        caption(dataset="demo", frames=Path("frames.h5"), out=Path("captions.jsonl"))
