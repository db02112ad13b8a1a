"""A folder in which a tiny model can be fine-tuned: captions or frames of videos, and people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tiny_llms import CONFIGS, save
from transformers import LlamaConfig

from stages.artifacts import people, timeline
from stages.artifacts.video import Video
from stages.finetune import finetune

ROOT = Path(__file__).parent.parent.parent
CONFIG = LlamaConfig(
    **{**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 4096}
)
WORDS = ("A dog runs.", "A cat sits.", "Rain falls.", "A car turns left.", "Two people talk.")
LENGTHS = {f"video_{number}": 8 + number for number in (1, 2, 3, 4, 10)}
PREDICTIONS, ADAPTERS = Path("finetuned.h5"), Path("adapters")
SMALL = {
    "rows": ["zero-shot*"],
    "lr": 0.01,
    "frames": 4,
    "batch": 3,
    "accumulate": 2,
    "save": 2,
    "embed": {
        "prompt": {"shown": {"count": 0}, "instruction": "Judge.", "query": "{window}\n{caption}"},
        "window": 3,
    },
}


def annotate(seed: int = 0, **changed: int) -> None:
    """Writes people's judgement; `changed` videos are scored with another seed."""
    judge(
        {
            name: np.random.default_rng([changed.get(name, seed), number]).random(length)
            for number, (name, length) in enumerate(LENGTHS.items())
        }
    )


def judge(gtscores: Mapping[str, Any]) -> None:
    """Writes people's judgement: mean scores (T,) by video."""
    videos = tuple(
        people.Judgement(
            name=name,
            gtscore_T=np.asarray(of, np.float32),
            user_summary_UN=np.ones((1, 15 * len(of)), np.float32),
        )
        for name, of in gtscores.items()
    )
    people.write(Path("people.h5"), people.People("tiny", True, videos))


def settle() -> None:
    """Fill the working directory."""
    save(Path("model"), CONFIG)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    demo = document["datasets"]["demo"]
    demo["embed"].update(llm="./model", max_new_tokens=12)
    demo["splits"].update(folds=2, protocols=["strict", "official"])
    demo["finetune"] = document["datasets"]["summe"]["finetune"] | SMALL
    write(document)
    random = np.random.default_rng(1)
    lines = [
        json.dumps({"video": name, "pick": 15 * index, "caption": str(random.choice(WORDS))})
        for name, length in LENGTHS.items()
        for index in range(length)
    ]
    Path("captions.jsonl").write_text("\n".join(lines) + "\n")
    videos = [Video.sampled(name, name, 15 * length) for name, length in LENGTHS.items()]
    timeline.write(Path("timeline.h5"), timeline.Timeline("tiny", tuple(videos)))
    annotate()


def write(document: Any) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(document))


def setting(**changes: Any) -> None:
    """Change datasets.demo.finetune."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["demo"]["finetune"] |= changes
    write(document)


def run(frames: bool = False) -> dict[str, bytes]:
    """Run the stage; every file that it made, by name."""
    of = {"frames": Path("frames.h5")} if frames else {"captions": Path("captions.jsonl")}
    finetune("demo", Path("timeline.h5"), Path("people.h5"), PREDICTIONS, ADAPTERS, **of)
    made = [PREDICTIONS, *(path for path in sorted(ADAPTERS.rglob("*")) if path.is_file())]
    return {path.as_posix(): path.read_bytes() for path in made}
