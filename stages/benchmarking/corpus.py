"""A SYNTHETIC corpus of as many videos as wanted: artifacts of the right layout, noise inside.

Everything is written video by video, so that making it takes no more memory for more videos.

Shapes: T sampled frames, N video frames, U users, S shots.
"""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from stages import section
from stages.artifacts import frames, people, timeline
from stages.artifacts.people import Judgement, People
from stages.artifacts.timeline import Timeline
from stages.artifacts.video import EVERY, Video

ROOT = Path(__file__).parent.parent.parent
DATASET, MODEL = "corpus", "mlp"
STEPS = 12
"""Sampled frames of a video: few, so that a corpus of ten thousand is made in a minute."""
USERS, SHOTS = 3, 12
WIDTH = 32
"""Of the stand-in LLM's states."""


def recipe(llm: Path) -> dict[str, Any]:
    """params.yaml with one recipe, which begins with captions read by a stand-in LLM."""
    document = section.document(ROOT / section.PARAMS)
    found = document["datasets"]["summe-captions"]
    found |= {"title": "SYNTHETIC corpus", "benchmark": None}
    found["embed"] |= {"llm": str(llm), "window": 1, "also": []}
    found["embed"]["prompt"]["shown"] |= {"count": 0}
    found["splits"] = {"protocols": ["strict"], "source": "drawn", "folds": 2}
    found["train"] |= {"seeds": [0], "epochs": 1, "batch": 16, "checkpoints": "shown"}
    found["evaluate"] |= {"random_seeds": 1, "bootstrap": 100}
    run = {"datasets": [DATASET], "models": [MODEL], "summarise": []}
    return document | {"run": run, "datasets": {DATASET: found}}


def llm(folder: Path) -> Path:
    """A LLaMA of one layer and random weights with SmolLM2's tokenizer, saved to a folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from stages.llm import smollm2, weights

    tokenizer = weights.tokenizer(smollm2.NAME)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=WIDTH,
            num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write(root: Path, videos: int, llm_folder: Path) -> None:
    """params.yaml and what the stages begin with: frames, the timeline and people."""
    data = root / "data" / DATASET
    (data / "source").mkdir(parents=True)
    text = yaml.safe_dump(recipe(llm_folder), sort_keys=False)
    (root / section.PARAMS).write_text(text, encoding="utf-8")
    random = np.random.default_rng(0)
    spines, judged = [], []
    length = STEPS * EVERY // SHOTS
    starts_S = np.arange(SHOTS) * length
    shots_S2 = np.column_stack([starts_S, starts_S + length - 1])
    for number in range(1, videos + 1):
        name = f"video_{number}"
        spine = Video.sampled(name, name, STEPS * EVERY).with_shots(shots_S2, "annotations")
        chosen_US = random.random((USERS, SHOTS)) < 0.4
        summary_UN = np.repeat(chosen_US, length, axis=1)
        spines.append(spine)
        judged.append(Judgement(name, summary_UN[:, spine.picks_T].mean(axis=0), summary_UN))
    timeline.write(data / "timeline.h5", Timeline(DATASET, tuple(spines)))
    people.write(data / "source" / "people.h5", People(DATASET, False, tuple(judged)))
    with frames.writing(data / "frames.h5") as put:
        for spine in spines:
            jpegs = (_jpeg(random) for _ in range(STEPS))
            put(frames.Sampled(spine.name, spine.picks_T, jpegs))


def _jpeg(random: np.random.Generator) -> bytes:
    kept = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(kept, "JPEG")
    return kept.getvalue()


if __name__ == "__main__":
    folder, count, model = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).resolve()
    if not model.is_dir():
        llm(model)
    write(folder, count, model)
