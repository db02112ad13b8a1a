from pathlib import Path

from rich.console import Console
from tiny_llms import CONFIGS, save
from transformers import LlamaConfig

from stages import params
from stages.llm.benchmark import ALONE, BATCHED, ENGINE, FLOOR, compare


def test_every_way_is_measured_and_told_as_a_ratio_to_the_engine(tmp_path: Path) -> None:
    config = {**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 8192}
    llm = str(save(tmp_path, LlamaConfig(**config)))
    figures = compare(llm, params.recipe("demo").embed.prompt, (3, 5), (3, 5), 4, 2, rounds=1)
    assert list(figures.seconds) == [ALONE, BATCHED, ENGINE, FLOOR]
    assert all(0 < seconds < 60 for seconds in figures.seconds.values())
    assert figures.prefix > figures.query > 0
    console = Console(width=120)
    with console.capture() as said:
        console.print(figures.table())
    assert f"{figures.seconds[ALONE] / figures.seconds[ENGINE]:.2f}" in said.get()
    assert 0 <= figures.answer <= 8
