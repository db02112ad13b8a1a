"""A small repository in which a recipe was measured, and experiments that DVC could have left."""

import subprocess
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml

from stages.artifacts import curves, results
from stages.experiments.overrides import laid_over
from stages.metrics import figures
from stages.metrics.leaderboard import Scored

VIDEOS = tuple(f"video_{number}" for number in range(1, 9))
SPLITS = {
    "strict": (VIDEOS[:4], VIDEOS[4:]),
    "official": (VIDEOS[:3], VIDEOS[2:5]),  # one video twice, three never
}
BASE = {"llmvs": 0.5, "query-only": 0.4, "mlp": 0.1, "zero-shot": 0.0, "human": 0.3}
ROOT = Path(__file__).parent.parent.parent
STATES = "data/demo/inputs/embeddings.h5"


def marks(level: float, seed: int, seeds: int) -> dict[str, np.ndarray]:
    """Each video's marks, (seeds, 1, 3), about a level."""
    generator = np.random.default_rng(seed)
    return {
        video: (level + 0.05 * generator.standard_normal((seeds, 1, 3))).clip(-1, 1)
        for video in VIDEOS
    }


class Laboratory:
    """The repository at `root`; its experiments are commits under refs/exps."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet")
        self.git("config", "user.email", "test@example.org")
        self.git("config", "user.name", "test")
        self.params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
        self.params["run"]["models"] = ["llmvs", "query-only", "mlp"]
        self.code = "c0de"
        self.measure(BASE)
        self.commit("as measured")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def measure(
        self,
        levels: Mapping[str, float],
        params: dict[str, Any] | None = None,
        left_out: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """params.yaml, data/dvc.lock and reports/results/demo as they are after `dvc repro`.

        left_out: rows that could not be fed, and why.
        """
        params = params or self.params
        (self.root / "params.yaml").write_text(yaml.safe_dump(params))
        self.lock(params)
        folder = self.root / "reports" / "results" / "demo"
        rows = {
            name: Scored(
                name if name != "llmvs" else "LLMVS (q + a)",
                "people" if name == "human" else "model",
                marks(level, number, 2 if name in params["models"] else 1),
            )
            for number, (name, level) in enumerate(levels.items())
        }
        measured = {
            protocol: {
                "videos": len({video for split in splits for video in split}),
                "flags": [],
                "rows": figures.rows_document(rows, splits, confidence=0.95, resamples=200),
            }
            for protocol, splits in SPLITS.items()
        }
        document = results.Results(
            dataset="demo",
            title="Demo (simulated annotations)",
            simulated=True,
            benchmark=None,
            given="videos",
            shots=results.Shots(annotations=len(VIDEOS)),
            confidence=0.95,
            llm=results.Replies(replies=80, unparsed=0),
            files=(results.File(path=STATES, sha256="0" * 64),),
            left_out={name: results.LeftOut(title=name, why=why) for name, why in left_out.items()},
            protocols={
                name: results.ProtocolTable.model_validate(of) for name, of in measured.items()
            },
        )
        by_video = {
            protocol: figures.video_marks(rows, splits) for protocol, splits in SPLITS.items()
        }
        results.write(folder, document, by_video)
        results.write_csv(
            folder / "curves.csv",
            ["model", *curves.COLUMNS],
            [
                ["llmvs", protocol, seed, split, epoch, 0.001, 1 / epoch, 1.1 / epoch, ""]
                for protocol, splits in SPLITS.items()
                for seed in range(2)
                for split in range(len(splits))
                for epoch in (1, 2, 3)
            ],
        )

    def lock(self, params: Mapping[str, Any]) -> None:
        recipe = params["datasets"]["demo"]
        stages = {
            "train@demo-llmvs": {"datasets.demo.train": recipe["train"]},
            "embed@demo": {"datasets.demo.embed": recipe["embed"]},
            "evaluate@demo": {"datasets.demo.evaluate": recipe["evaluate"]},
        }
        code = md5(self.code.encode()).hexdigest()
        document = {
            "stages": {
                name: {
                    "deps": [{"path": "stages/train.py", "md5": code},
                             {"path": STATES, "md5": str(recipe["embed"])}],
                    "params": {"params.yaml": of},
                }
                for name, of in stages.items()
            }
        }  # fmt: skip
        document["stages"]["embed@demo"]["outs"] = [{"path": STATES, "md5": str(recipe["embed"])}]
        (self.root / "stages").mkdir(exist_ok=True)
        (self.root / "stages" / "train.py").write_text(self.code)
        (self.root / "data").mkdir(exist_ok=True)
        (self.root / "data" / "dvc.lock").write_text(yaml.safe_dump(document))

    def experiment(
        self, name: str, overrides: Mapping[str, Any], level: float, model: str = "llmvs"
    ) -> str:
        """Leaves an experiment of the current commit, the workspace as it was."""
        head = self.git("rev-parse", "HEAD")
        params = laid_over(self.params, {f"datasets.demo.{k}": v for k, v in overrides.items()})
        params["run"]["models"] = [model]
        self.measure({model: level, "zero-shot": 0.0, "human": 0.3}, params)
        made = self.commit(name)
        self.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", made)
        self.git("reset", "--quiet", "--hard", head)
        return made
