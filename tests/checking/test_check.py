"""`llmvs check` on recipes with something wrong in them: told at once, with nothing fetched."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from tiny_llms import CONFIGS, save
from transformers import LlamaConfig
from typer.testing import CliRunner

from stages import cli, command
from stages.llm import weights as llm_weights
from stages.params import BEGINS
from stages.sources import shots
from stages.work import hub

ROOT = Path(__file__).parents[2]
CONFIG = LlamaConfig(
    **{**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 4096}
)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose params.yaml runs summe-captions before a tiny Llama, and no way out of it."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for protocol in ("http", "https"):
        monkeypatch.setenv(f"{protocol}_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(command.stderr, "_width", 400)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    change("run", datasets=["summe-captions"])
    change("embed", llm=str(save(tmp_path / "model", CONFIG)))
    return tmp_path


def change(section: str, **values: Any) -> None:
    """Of params.yaml: a section of summe-captions, or run, or models."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    recipe = document["datasets"]["summe-captions"]
    place = document if section in document else recipe
    place[section] = place[section] | values
    Path("params.yaml").write_text(yaml.safe_dump(document))


def caption(words: str = "a dog runs", **changed: str) -> None:
    """Captions of all of SumMe as others write them; `changed` are of a video's tenth frame."""
    said = {}
    for name, title, n_frames in shots.known("summe"):
        picks = list(range(0, n_frames, 15))
        said[title] = {"picks": picks, "captions": [words] * len(picks)}
        if name in changed:
            said[title]["captions"][9] = changed[name]
    Path("captions.json").write_text(json.dumps(said))
    change("given", source="captions.json")


def check(*datasets: str) -> tuple[int, dict[str, str]]:
    """The exit code, and of each check its state and what is said of it."""
    done = CliRunner().invoke(cli.app, ["check", *datasets])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    rows: dict[str, str] = {}
    subject = ""
    for line in done.stderr.splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if len(cells) == 4:
            subject = cells[1] or subject
            rows[subject] = " ".join(" ".join([rows.get(subject, ""), *cells[2:]]).split())
    return done.exit_code, rows


def test_before_anything_is_here_nothing_is_wrong_and_the_unknown_is_named(workplace: Path) -> None:
    code, rows = check()
    assert code == 0
    assert rows["annotations"].startswith("ok 25 videos, 7,336 sampled frames")
    assert rows["shots"].startswith("ok 744")
    assert rows["splits"].startswith("ok")
    assert rows["given captions"].startswith("not yet known captions are fetched from")
    assert rows["prompts"].startswith("not yet known")
    assert not (workplace / ".work").exists()


def test_captions_at_hand_are_held_against_the_frames_that_summe_will_have(workplace: Path) -> None:
    caption()
    code, rows = check()
    assert code == 0
    assert rows["given captions"].startswith("ok captions of every sampled frame")
    assert "ok the longest" in rows["prompts"]
    said = json.loads(Path("captions.json").read_text())
    said["Cooking"]["picks"][3] = 46
    Path("captions.json").write_text(json.dumps(said))
    code, rows = check()
    assert code == 1
    assert "problem captions.json: video_8 (Cooking)" in rows["given captions"]
    assert "number 4 is frame 46, not 45" in rows["given captions"]


def test_a_prompt_longer_than_the_context_is_named_with_video_and_frame(workplace: Path) -> None:
    caption(video_12="dog " * 3000)
    (workplace / "model" / "model.safetensors").write_bytes(b"never opened")
    code, rows = check()
    assert code == 1
    assert "problem params.yaml: datasets.summe-captions.embed, captions.json" in rows["prompts"]
    assert "frame 135 of video_12" in rows["prompts"]
    assert "embed.window" in rows["prompts"]


def test_a_scorer_that_cannot_be_fed_is_named(workplace: Path) -> None:
    models = yaml.safe_load(Path("params.yaml").read_text())["models"]
    change("models", mlp=models["mlp"] | {"inputs": ["image"]})
    _, rows = check()
    said = rows["scorers' inputs"]
    assert said.startswith("ok llmvs, query-only, answer-only can be fed")
    assert "mlp will be left out: `image` is lacking: the sample stage makes it" in said
    change("run", models=["mlp"])
    _, rows = check()
    assert rows["scorers' inputs"].startswith("problem params.yaml: run.models: no row can be fed")


def test_an_h5_is_held_against_the_benchmark_before_its_annotations_are_here(
    workplace: Path,
) -> None:
    with h5py.File("field.h5", "w") as file:
        for name, _, n_frames in shots.known("summe"):
            group = file.create_group(name)
            group["n_frames"] = n_frames
            group["picks"] = np.arange(0, n_frames, 15)
            group["gtscore"] = np.zeros(len(group["picks"]))
            group["change_points"] = np.array([[0, n_frames - 1]])
            group["user_summary"] = np.ones((2, n_frames), np.float32)
    change("download", h5="field.h5")
    code, rows = check()
    assert code == 0
    assert rows["shots"].startswith("ok 25")
    with h5py.File("field.h5", "a") as file:
        file["video_1/video_name"] = "Cooking"
    code, rows = check()
    assert code == 1
    assert "problem field.h5: video_1, 4494 frames, is called Cooking" in rows["annotations"]
    assert rows["shots"] == "not yet known once the annotations are in order"


def test_given_files_that_are_not_here_are_all_named(workplace: Path) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    recipe = document["datasets"]["summe-captions"]
    for stage in set(BEGINS["captions"]) - set(BEGINS["embeddings"]):
        del recipe[stage]
    del recipe["sentences"]
    recipe["given"] = {"kind": "embeddings", "query": "q.h5", "answer": "a.h5"}
    Path("params.yaml").write_text(yaml.safe_dump(document))
    code, rows = check()
    assert code == 1
    for said in ("given.query: there is no file q.h5", "given.answer: there is no file a.h5"):
        assert said in rows["given embeddings"]


def test_folds_that_the_videos_do_not_fill_are_a_problem(workplace: Path) -> None:
    change("splits", source="tvsum")
    code, rows = check()
    assert code == 1
    assert "this dataset lacks video_26" in rows["splits"]


def test_a_disk_too_small_is_a_problem(workplace: Path) -> None:
    """Checkpoints of so wide a scorer fill any disk."""
    change("train", scorer={"width": 160_000, "layers": 3, "heads": 2, "feedforward": 160_000})
    code, rows = check()
    assert code == 1
    assert "GB are wanted for summe-captions" in rows["disk"]


def test_params_with_an_unknown_key_end_in_its_name(workplace: Path) -> None:
    change("train", epoch=3)
    done = CliRunner().invoke(cli.app, ["check"])
    assert "datasets.summe-captions.train.epoch: unknown key" in str(done.exception)


def test_what_is_to_be_fine_tuned_is_looked_at_before_it_begins(workplace: Path) -> None:
    caption()
    _, rows = check()
    assert rows["fine-tuning"].startswith("ok none: finetune.rows names no row")
    tuned = yaml.safe_load(Path("params.yaml").read_text())["datasets"]["summe-captions"][
        "finetune"
    ]
    change("finetune", rows=["zero-shot*"], lora=tuned["lora"] | {"layers": 2})
    code, rows = check()
    assert code == 0
    # rank 8; q and o are 64 by 64, k and v 64 by 32
    numbers = 2 * 8 * (2 * (64 + 64) + 2 * (64 + 32))
    said = f"ok zero-shot*: {numbers:,} parameters in the last 2 of 3 layers; 5 adapters of each"
    assert rows["fine-tuning"].startswith(said)
    for lora, wrong in (
        ({"layers": 4}, "finetune.lora.layers: asks for the last 4, and the model has 3"),
        ({"modules": ["qproj"]}, "finetune.lora.modules: a layer has no qproj (it has q_proj,"),
    ):
        change("finetune", lora=tuned["lora"] | lora)
        code, rows = check()
        assert code == 1
        assert f"problem params.yaml: datasets.summe-captions: {wrong}" in rows["fine-tuning"]


def test_files_that_a_row_is_fed_or_starts_from_are_looked_for(workplace: Path) -> None:
    change("features", pool5="nowhere.h5")
    change("run", models=["llmvs"])
    code, rows = check()
    assert code == 1
    # The features stage reads it, though no row that runs is fed it.
    assert "features.pool5: there is no file nowhere.h5; name one" in rows["scorers' inputs"]
    change("features", pool5=None)
    models = yaml.safe_load(Path("params.yaml").read_text())["models"]
    change("models", csta=models["csta"] | {"start": "absent.pth", "inputs": ["query"]})
    change("run", models=["csta"])
    code, rows = check()
    assert code == 1
    assert "models.csta.start: there is no file absent.pth" in rows["scorers' inputs"]


def test_stages_that_the_dag_has_otherwise_are_a_problem(workplace: Path) -> None:
    code, rows = check()
    assert code == 0
    Path("data").mkdir()
    dag = (ROOT / "data" / "dvc.yaml").read_text()
    Path("data/dvc.yaml").write_text(dag)
    assert check()[0] == 0
    assert check()[1]["stages"] == "ok as data/dvc.yaml has them"
    Path("dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    document = yaml.safe_load(Path("params.yaml").read_text())
    del document["run"]["summarise"], document["datasets"]["summe-captions"]["train"]["models"]
    Path("params.yaml").write_text(yaml.safe_dump(document))
    code, rows = check()
    assert code == 1
    wanted = "datasets.summe-captions.train.models, run.summarise, without which DVC does not run"
    assert wanted in rows["stages"]
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["mine"] = deepcopy(document["datasets"]["summe-captions"])
    Path("params.yaml").write_text(yaml.safe_dump(document))
    code, rows = check("mine")
    assert code == 1
    assert "(download, given-captions, " in rows["stages"]
    assert rows["stages"].endswith(": llmvs deps --write")


def test_films_are_named_with_the_commands_that_look_at_them(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("run", datasets=[], summarise=["films"])
    done = CliRunner().invoke(cli.app, ["check"])
    assert "llmvs summarise films --recipe films --dry-run" in done.stderr
    assert "llmvs weights films" in done.stderr
    fetched: list[str] = []

    def fetch(name: str, *_: Any) -> Path:
        fetched.append(name)
        return Path(name)

    monkeypatch.setattr(hub, "access", lambda *_: None)
    monkeypatch.setattr(hub, "fetch", fetch)
    monkeypatch.setattr(llm_weights, "fetch", fetch)
    for named in ([], ["films"]):
        fetched.clear()
        done = CliRunner().invoke(cli.app, ["weights", *named])
        assert done.exit_code == 0, done.output
        assert fetched == ["Salesforce/blip-image-captioning-base", "smollm2-135m-instruct"]
