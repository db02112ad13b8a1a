"""`llmvs doctor` looks for every frozen model that the recipes of run.datasets name."""

import io
from pathlib import Path

import pytest
import tiny_llava
import yaml
from rich.console import Console

from stages.diagnosis import diagnose
from stages.params import BEGINS

ROOT = Path(__file__).parent.parent


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose params.yaml runs tvsum, on an empty cache of the hub's and ours."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    document["run"]["datasets"] = ["tvsum"]
    Path("params.yaml").write_text(yaml.safe_dump(document))
    return tmp_path


def said() -> tuple[bool, str]:
    console = Console(width=200, record=True, file=io.StringIO())
    healthy = diagnose(console)
    return healthy, console.export_text()


def changed(**tvsum: object) -> None:
    document = yaml.safe_load(Path("params.yaml").read_text())
    for place, value in tvsum.items():
        section, _, name = place.partition("__")
        document["datasets"]["tvsum"][section] = (
            document["datasets"]["tvsum"][section] | {name: value} if name else value
        )
    Path("params.yaml").write_text(yaml.safe_dump(document))


def begins_with(given: dict[str, str]) -> None:
    """What TVSum's recipe is given, and no section of a stage before that."""
    document = yaml.safe_load(Path("params.yaml").read_text())
    recipe = document["datasets"]["tvsum"]
    for stage in set(BEGINS["videos"]) - set(BEGINS[given["kind"]]):
        del recipe[stage]
    recipe["given"] = given
    Path("params.yaml").write_text(yaml.safe_dump(document))


def test_models_that_are_not_here_are_named_with_the_way_to_get_them(workplace: Path) -> None:
    healthy, table = said()
    assert not healthy
    for name in ("weights of llava-hf/llava-1.5-7b-hf", "weights of meta-llama/Llama-2-13b"):
        assert name in table
    assert table.count("llmvs weights") == 2


def test_a_captioner_in_a_folder_is_found(workplace: Path) -> None:
    tiny_llava.save_llava(Path("llava"))
    changed(caption__model="./llava")
    _, table = said()
    assert "weights of ./llava" in table
    assert table.count("llmvs weights") == 1


def test_given_embeddings_need_no_model(workplace: Path) -> None:
    begins_with({"kind": "embeddings", "query": "q.h5", "answer": "a.h5"})
    _, table = said()
    assert "valid" in table
    assert "weights of" not in table


def test_given_captions_need_no_captioner(workplace: Path) -> None:
    begins_with({"kind": "captions", "source": "captions.jsonl"})
    _, table = said()
    assert "weights of meta-llama/Llama-2-13b" in table
    assert table.count("weights of") == 1


@pytest.mark.parametrize("instruction", [False, True])
def test_a_dtype_that_the_processor_must_emulate_is_told_and_allowed(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, instruction: bool
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": instruction})
    changed(embed__dtype="bfloat16")
    _, table = said()
    assert ("no bfloat16" not in table) is instruction
    line = [row for row in table.splitlines() if "datasets.tvsum.embed.dtype" in row]
    assert [("slower than float32" in row, "│ ok" in row) for row in line] == (
        [] if instruction else [(True, True)]
    )
