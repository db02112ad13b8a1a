"""`llmvs doctor`, `weights` and `plan` speak of the recipe that will run, on this very machine.

Machines are simulated: no GPU, one of 24 GB, eight of 80 GB.
"""

import json
import re
import shutil
import time
from collections import namedtuple
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import tiny_llava
import tiny_llms
import torch
import yaml
from typer.testing import CliRunner

from stages import cli, command
from stages.errors import UserError
from stages.llm import smollm2
from stages.params import BEGINS, MAY_HAVE
from stages.work import hub as models
from stages.work import processor

ROOT = Path(__file__).parent.parent
LLAVA, LLAMA = "llava-hf/llava-1.5-7b-hf", "meta-llama/Llama-2-13b-chat-hf"
ACCESS = models.access
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def workplace(tmp_path: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose params.yaml runs tvsum, before an empty cache, on a machine without a GPU and
    with much memory and disk. The hub would let everything be fetched.
    """
    hub.answer = (200, "", [])
    monkeypatch.setattr(models, "access", lambda *_: None)
    for name in ("DVC_ROOT", "LLMVS_SLOW"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command.stderr, "_width", 500)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    counting = tiny_llms.save(tmp_path / "counting")  # what stands in for the embedded tokenizer
    monkeypatch.setattr(smollm2, "folder", lambda: counting)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["run"]["datasets"] = ["tvsum"]
    Path("params.yaml").write_text(yaml.safe_dump(document))
    memory = SimpleNamespace(total=512e9, available=500e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr("stages.work.allowance.GROUPS", tmp_path / "no groups")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e12, 0, 9e12))
    monkeypatch.setattr(processor, "rate", lambda dtype: 0.2e12)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    cards(monkeypatch)
    return tmp_path


def cards(monkeypatch: pytest.MonkeyPatch, count: int = 0, name: str = "", size: float = 0) -> None:
    """So many cards of a name and of so many bytes."""
    one = SimpleNamespace(name=name, total_memory=size)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(count))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: one)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.cuda, "device", lambda card: nullcontext())


def doctor(*arguments: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and by what was looked at, what was found and what is to be done."""
    done = CliRunner().invoke(cli.app, ["doctor", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    rows: dict[str, list[str]] = {}
    for line in done.stderr.splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if len(cells) == 3:
            rows[cells[0]] = cells[1:]
    return done.exit_code, rows


def plan(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["plan", "tvsum", *arguments])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def begins_with(given: dict[str, str]) -> None:
    """What TVSum's recipe is given, and no section of a stage before that."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    recipe = document["datasets"]["tvsum"]
    for stage in set(BEGINS["videos"]) - set(BEGINS[given["kind"]]):
        del recipe[stage]
    for stage, kinds in MAY_HAVE.items():
        if given["kind"] not in kinds:
            recipe.pop(stage, None)
    recipe["given"] = given
    Path("params.yaml").write_text(yaml.safe_dump(document))


def weights_of(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    start = "weights of "
    return {what.removeprefix(start): row for what, row in rows.items() if what.startswith(start)}


def test_models_that_are_not_here_are_named_with_the_way_to_get_them(workplace: Path) -> None:
    code, rows = doctor()
    assert code == 1
    found = weights_of(rows)
    assert list(found) == [LLAVA, LLAMA]
    for state, remedy in found.values():
        assert state == "not fetched"
        assert remedy.startswith("llmvs weights tvsum")


def test_a_text_model_of_the_hub_is_named_beside_them(workplace: Path) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    document["datasets"]["tvsum"]["sentences"]["model"] = "someone/sentences"
    Path("params.yaml").write_text(yaml.safe_dump(document))
    _, rows = doctor()
    assert list(weights_of(rows)) == [LLAVA, LLAMA, "someone/sentences"]


def test_a_plan_offers_what_is_not_here_whatever_the_model(workplace: Path) -> None:
    assert f"not here: {LLAVA}, {LLAMA}; llmvs weights tvsum" in plan()
    tiny_llms.save(Path("llm"))
    assert f"not here: {LLAVA}; llmvs weights tvsum -S" in plan(
        "-S", "datasets.tvsum.embed.llm=./llm"
    )


def test_given_embeddings_need_no_model(workplace: Path) -> None:
    begins_with({"kind": "embeddings", "query": "q.h5", "answer": "a.h5"})
    _, rows = doctor()
    assert rows["params.yaml"] == ["valid", "ok"]
    assert not weights_of(rows)


def test_given_captions_need_no_captioner(workplace: Path) -> None:
    begins_with({"kind": "captions", "source": "captions.jsonl"})
    assert list(weights_of(doctor()[1])) == [LLAMA]


def test_it_is_the_recipe_named_with_its_assignments_that_is_looked_at(workplace: Path) -> None:
    tiny_llava.save_llava(Path("llava"))
    tiny_llms.save(Path("llm"))
    smaller = ["-S", "datasets.summe.caption.model=./llava", "-S", "datasets.summe.embed.llm=./llm"]
    code, rows = doctor("summe", *smaller)
    assert weights_of(rows) == {"./llava": ["llava", "ok"], "./llm": ["llm", "ok"]}
    assert rows["summe: time"][1] == "ok", "tiny models are refused nothing"
    assert code == int(any(remedy != "ok" for _, remedy in rows.values()))
    _, rows = doctor("summe")
    assert list(weights_of(rows)) == [LLAVA, LLAMA]
    assert (
        "-Sdatasets.summe.caption.batch=8"
        in (weights_of(doctor("summe", "-S", "datasets.summe.caption.batch=8")[1])[LLAVA][1])
    )


def test_an_assignment_that_cannot_be_made_is_one_message(workplace: Path) -> None:
    for wrong, said in (
        ("datasets.tvsum.caption.bach=8", "Could not override 'datasets.tvsum.caption.bach'"),
        ("datasets.tvsum.caption.batch=0", "must be > 0, got 0"),
    ):
        for name in ("weights", "plan"):
            done = CliRunner().invoke(cli.app, [name, "tvsum", "-S", wrong])
            assert isinstance(done.exception, UserError)
            assert said in str(done.exception)
        code, rows = doctor("-S", wrong)
        assert code == 1
        assert said in rows["params.yaml"][1]


def test_without_a_gpu_the_paper_s_models_are_refused_with_the_hours(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, rows = doctor()
    assert code == 1
    assert re.fullmatch(r"CPU, 2 threads, (no )?bfloat16; no GPU", rows["device"][0])
    assert rows["tvsum: memory"][1] == "ok"
    state, said = rows["tvsum: time"]
    assert state == "problem"
    assert said.startswith(f"{LLAVA}: there is no GPU. 23,510 frames are ")
    assert " hours. " in said
    assert "LLMVS_SLOW=1" in said
    monkeypatch.setenv("LLMVS_SLOW", "1")
    assert doctor()[1]["tvsum: time"][1] == "ok"
    here = plan("--gpu", "here")
    assert "this processor (2 threads, no GPU), 512.0 GB of memory, 0.20 TFLOP/s" in here
    assert "such cards" not in here


def test_one_card_of_24_gb_holds_the_captioner_and_not_the_llm(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards(monkeypatch, 1, "NVIDIA GeForce RTX 4090", 25.3e9)
    code, rows = doctor()
    assert code == 1
    assert rows["cuda:0"] == ["NVIDIA GeForce RTX 4090, 25 GB, bfloat16", "ok"]
    state, said = rows["tvsum: memory"]
    assert state == "problem"
    assert said.startswith("embed wants ")
    assert "26.0 of them weights, and NVIDIA GeForce RTX 4090 has 23.3; run on 2 such card" in said
    assert rows["tvsum: time"][1] == "ok"
    here = plan("--gpu", "here")
    assert "RTX 4090, 25 GB each, 165 TFLOP/s" in here
    assert "embed does not fit: 2 such cards" in here


def test_eight_cards_of_80_gb_hold_everything(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards(monkeypatch, 8, "NVIDIA A100-SXM4-80GB", 85e9)
    _, rows = doctor()
    assert "cuda:7" in rows
    for what in ("memory", "time", "disk"):
        assert rows[f"tvsum: {what}"][1] == "ok"
    assert "on 8 × NVIDIA A100-SXM4-80GB" in rows["tvsum: memory"][0]
    assert "8 × NVIDIA A100-SXM4-80GB, 85 GB each, 312 TFLOP/s" in plan("--gpu", "here")


def test_the_hours_of_a_card_that_is_not_known_are_not_told(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards(monkeypatch, 1, "NVIDIA H100 80GB HBM3 MIG 3g.40gb", 42e9)
    assert "how fast it is, is not known here" in plan("--gpu", "here")
    assert "is, is not known" in doctor()[1]["tvsum: time"][0]


def test_a_part_that_is_missing_is_named(workplace: Path) -> None:
    folder = tiny_llms.save(Path("llm"))
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    (folder / "model.safetensors").rename(folder / parts[0])
    index = json.dumps({"weight_map": dict(zip("ab", parts, strict=True))})
    (folder / "model.safetensors.index.json").write_text(index)
    said = f"llm: 1 of 2 parts of the weights are missing, {parts[1]} for one; fetch or copy it"
    assigned = ["tvsum", "-S", "datasets.tvsum.embed.llm=./llm"]
    code, rows = doctor(*assigned)
    assert code == 1
    assert rows["weights of ./llm"][0] == "unusable"
    assert rows["weights of ./llm"][1].startswith(said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, "GatedRepo", {}), "access is gated. Accept its terms on http"),
        ((403, "", {}), "the hub refuses access (403). HF_TOKEN holds no token that may read it"),
        ((404, "RepoNotFound", {}), "and the hub knows no such model"),
    ],
)
def test_a_model_that_may_not_be_fetched_is_told_before_anything_is(
    workplace: Path, hub: Any, monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    hub.answer = answer
    monkeypatch.setattr(models, "access", ACCESS)
    _, rows = doctor()
    state, remedy = rows[f"weights of {LLAMA}"]
    assert state == "not fetched"
    assert remedy.startswith(f"{LLAMA}: ")
    assert said in remedy
    if answer[1] == "GatedRepo":
        assert f"/{LLAMA}, put a token" in remedy
    done = CliRunner().invoke(cli.app, ["weights", "tvsum"])
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)
    assert not (workplace / "hub").exists()


def test_a_hub_out_of_reach_is_told(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "access", ACCESS)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert "the hub cannot be reached" in doctor()[1][f"weights of {LLAVA}"][1]


def test_a_disk_too_small_for_models_data_and_copies_is_told(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rows = doctor()
    whole = float(rows["tvsum: disk"][0].split()[1])
    assert whole > 40, "LLaVA and Llama alone"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9e12, 0, (whole - 1) * 1e9))
    code, rows = doctor()
    state, said = rows["tvsum: disk"]
    assert (code, state) == (1, "problem")
    assert f"{whole:.1f} GB are wanted for tvsum and {whole - 1:.1f} are free; make room" in said
    assert str(round(whole, 1)) in plan()


def test_what_is_here_already_is_not_wanted_again(workplace: Path) -> None:
    before = float(doctor()[1]["tvsum: disk"][0].split()[1])
    archive = workplace / ".work" / "downloads" / "tvsum50_ver_1_1.tgz"
    archive.parent.mkdir(parents=True)
    with archive.open("wb") as file:
        file.truncate(672_000_000)
    after = float(doctor()[1]["tvsum: disk"][0].split()[1])
    assert after == pytest.approx(before - 0.672, abs=0.01)


@pytest.mark.parametrize("instruction", [False, True])
def test_a_dtype_that_the_processor_must_emulate_is_told_and_allowed(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, instruction: bool
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": instruction})
    _, rows = doctor("-S", "datasets.tvsum.embed.dtype=bfloat16")
    assert ("no bfloat16" not in rows["device"][0]) is instruction
    row = rows.get("datasets.tvsum.embed.dtype")
    if instruction:
        assert row is None
    else:
        assert row is not None
        assert "slower than float32" in row[0]
        assert row[1] == "ok"
