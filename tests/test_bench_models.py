"""The benchmarks of the frozen models, on tiny ones."""

from pathlib import Path

import pytest
import tiny_llava
import torch
from rich.console import Console
from tiny_llms import CONFIGS, save
from transformers import LlamaConfig
from typer.testing import CliRunner

from stages import params
from stages.benchmarking import captioning, handling, memory
from stages.benchmarking.embedding import ALONE, BATCHED, ENGINE, FLOOR, HALF, Rounding, compare
from stages.benchmarking.terms import Corpus
from stages.cli import app
from stages.errors import UserError
from stages.llm.engine import Reading


def test_every_way_is_measured_and_told_as_a_ratio_to_the_engine(tmp_path: Path) -> None:
    config = {**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 8192}
    llm = str(save(tmp_path, LlamaConfig(**config)))
    figures = compare(llm, params.recipe("demo").embed.prompt, (3, 5), (3, 5), 4, 2, rounds=1)
    assert list(figures.seconds) == [ALONE, BATCHED, ENGINE, HALF, FLOOR]
    assert all(0 < seconds < 60 for seconds in figures.seconds.values())
    assert figures.prefix > figures.query > 0
    console = Console(width=120)
    with console.capture() as said:
        console.print(figures.table())
    for way in (ALONE, HALF):
        assert f"{figures.seconds[way] / figures.seconds[ENGINE]:.2f}" in said.get()
    assert 0 <= figures.answer <= 8
    assert 0 < figures.rounding.largest < figures.rounding.reach, "another dtype, the same states"
    assert "bfloat16: states differ by at most" in " ".join(said.get().split())


def test_rounding_is_of_answers_only_where_they_are_the_same() -> None:
    def reading(query: float, answer: float, token: int) -> Reading:
        return Reading(torch.tensor([query, -4.0]), torch.tensor([answer]), (token,))

    exact = [reading(1.0, 2.0, 5), reading(1.0, 2.0, 5)]
    rounded = [reading(1.5, 2.25, 5), reading(1.0, -90.0, 6)]
    assert Rounding.between(exact, rounded) == Rounding(0.5, 4.0, 1, 2)


def test_what_must_be_kept_of_the_rows_is_told_beside_the_peak(tmp_path: Path) -> None:
    config = {**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 8192}
    llm = str(save(tmp_path, LlamaConfig(**config)))
    size, prefix, own, peak = memory.above_weights(llm, "demo", (3, 5), (3, 5), 4)
    a_token = 4 * 2 * 3 * 2 * 16  # float32, keys and values, layers, key heads, their width
    assert size > 0
    assert prefix % a_token == own % a_token == 0
    assert 0 < own < prefix
    assert peak >= 0


def test_the_caption_stage_is_measured_beside_the_plain_ways(tmp_path: Path) -> None:
    model = str(tiny_llava.save_llava(tmp_path / "llava"))
    said = CliRunner().invoke(
        app,
        f"bench caption --model {model} --batch 2 --tokens 4 --frames 3 --rounds 1 --memory 1,2",
        env={"COLUMNS": "120"},
    )
    assert said.exit_code == 0, said.output
    for part in (
        captioning.ALONE,
        captioning.BATCHED,
        captioning.STAGE,
        captioning.FLOOR,
        "peak above them",
    ):
        assert part in said.output
    assert "STAND-IN" not in said.output


def test_ways_that_do_not_say_the_same_end_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(tiny_llava.save_llava(tmp_path / "llava"))
    original = captioning.ImageTextCaptioner.caption
    monkeypatch.setattr(
        captioning.ImageTextCaptioner,
        "caption",
        lambda self, prepared: [
            f"{said}{len(prepared[0].images)}" for said in original(self, prepared)
        ],
    )
    with pytest.raises(UserError, match="captions differ with the batch"):
        captioning.compare(model, 2, 4, 3, 1)


@pytest.mark.real_llm
def test_a_corpus_is_measured_beside_the_formulas(tmp_path: Path) -> None:
    made = Corpus(tmp_path, videos=3, steps=40, jpeg=2000, words=25)
    found = {term.what: term for term in handling.terms(made, ray=False)}
    for what, margin in {
        "an item of a caption": 0,
        "the same on disk": 0,
        "a large item": 0,
        "items of prompts": 0,
        "which keys captions are of": 0.02,
        "captions.jsonl": 0.02,
        "an item of prompts": 0.02,
        "embeddings.h5": 0.1,  # a file itself is a part of so little
        "embeddings.h5 of them": 0.02,
        "a frame that waits": 0.5,
    }.items():
        assert found[what].measured == pytest.approx(found[what].formula, rel=margin), what
    assert all(term.measured > 0 for term in found.values())


@pytest.mark.real_llm
def test_measuring_a_corpus_is_a_command() -> None:
    small = ["--videos", "2", "--frames", "3", "--kilobytes", "1", "--no-ray"]
    ran = CliRunner().invoke(app, ["bench", "corpus", *small], env={"COLUMNS": "160"})
    assert ran.exit_code == 0, ran.output
    for part in ("SYNTHETIC: 2 videos of 3 frames", "measured / formula", "through the executor"):
        assert part in ran.output
