"""Examples drawn from training videos: embeddings of each split's own, blind to what it tests."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from tiny_llms import CONFIGS, save
from transformers import LlamaConfig

from stages import params
from stages.artifacts import embeddings, people, timeline
from stages.artifacts.video import Video
from stages.embed import embed
from stages.errors import UserError
from stages.splits.folds import Split, splits

ROOT = Path(__file__).parent.parent
CONFIG = LlamaConfig(
    **{**CONFIGS["llama, grouped heads"].to_dict(), "max_position_embeddings": 4096}
)
WORDS = ("A dog runs.", "A cat sits.", "Rain falls.", "A car turns left.", "Two people talk.")
LENGTHS = {f"video_{number}": 8 + number for number in (1, 2, 3, 4, 10)}
PROTOCOLS = ("strict", "official")


def annotate(seed: int = 0, **changed: int) -> None:
    """Writes people's judgement; `changed` videos are scored with another seed."""
    videos = []
    for number, (name, length) in enumerate(LENGTHS.items()):
        random = np.random.default_rng([changed.get(name, seed), number])
        videos.append(
            people.Judgement(
                name=name,
                gtscore_T=random.random(length, dtype=np.float32),
                user_summary_UN=np.ones((1, 15 * length), np.float32),
            )
        )
    people.write(Path("people.h5"), people.People("tiny", True, tuple(videos)))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Captions and people's judgement of five videos, a tiny Llama, three examples drawn for it."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    save(Path("model"), CONFIG)
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    demo = document["datasets"]["demo"]
    demo["embed"].update(llm="./model", max_new_tokens=4)
    demo["embed"]["prompt"]["shown"] = {"source": "training", "count": 3, "seed": 0}
    demo["splits"].update(folds=2, protocols=list(PROTOCOLS))
    Path("params.yaml").write_text(yaml.safe_dump(document))
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
    return tmp_path


def run(out: str = "out.h5") -> dict[str, Any]:
    """Every group's query embeddings, by the group's name."""
    embed("demo", Path("captions.jsonl"), Path("timeline.h5"), Path(out), Path("people.h5"))
    found: dict[str, Any] = {}
    with h5py.File(out) as file:
        file.visit(lambda name: found.update({name: None}))
        return {
            name.removesuffix("/query"): file[name][()]
            for name in [*found, *(f"{video}/query" for video in LENGTHS)]
            if name.endswith("/query")
        }


def planned() -> list[tuple[str, int, Split]]:
    return [
        (protocol, number, split)
        for protocol in PROTOCOLS
        for number, split in enumerate(splits(protocol, "drawn", list(LENGTHS), 2))  # type: ignore[arg-type]
    ]


def test_each_split_has_every_video_and_a_video_is_first_found_where_it_is_tested(
    workplace: Path,
) -> None:
    found = run()
    for protocol, number, split in planned():
        for name in (*split.train, *split.test):
            assert f"splits/{protocol}/{number}/{name}" in found
            if protocol == "strict" and name in split.test:
                assert np.array_equal(found[name], found[f"splits/strict/{number}/{name}"])
    alike = [np.array_equal(found["splits/strict/0/video_1"], found["splits/strict/1/video_1"])]
    assert not all(alike), "other examples must lead to other embeddings"


def test_no_splits_embeddings_saw_the_annotation_of_a_video_it_tests(workplace: Path) -> None:
    before = run()
    for protocol, number, split in planned():
        # Everything people said of the tested videos becomes something else …
        annotate(**dict.fromkeys(split.test, 7))
        after = run("after.h5")
        for name in LENGTHS:
            place = f"splits/{protocol}/{number}/{name}"
            # … and the split's embeddings stay what they were, to the bit.
            assert np.array_equal(before[place], after[place])
        annotate(**dict.fromkeys(split.train, 7))
        after = run("after.h5")
        assert not np.array_equal(
            before[f"splits/{protocol}/{number}/video_1"],
            after[f"splits/{protocol}/{number}/video_1"],
        ), "the test could not fail: training videos' scores must matter"


def test_each_splits_own_can_be_read(workplace: Path) -> None:
    found = run()
    videos = timeline.read(Path("timeline.h5")).videos
    with embeddings.reading(Path("out.h5")) as file:
        assert file.by_split
        for protocol, number, _ in planned():
            for video in videos:
                query_TW = file.video(video, protocol, number).query_TW
                assert np.array_equal(query_TW, found[f"splits/{protocol}/{number}/{video.name}"])


def test_a_second_run_reads_nothing_again(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr("stages.llm.reader.Reader.__init__", lambda *_: pytest.fail("was loaded"))
    again = run("again.h5")
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_without_people_or_with_other_frames_it_is_one_message(workplace: Path) -> None:
    with pytest.raises(UserError, match="name --people as well"):
        embed("demo", Path("captions.jsonl"), Path("timeline.h5"), Path("out.h5"))
    lines = Path("captions.jsonl").read_text().splitlines()
    Path("captions.jsonl").write_text("\n".join(lines[1:]) + "\n")
    with pytest.raises(
        UserError, match=r"video_1 .* is given for 8 frames and its timeline picks 9"
    ):
        run()
    assert not Path("out.h5").exists()


def test_the_recipes_may_draw_their_examples(workplace: Path) -> None:
    shown = params.recipe("demo").embed.prompt.shown
    assert (shown.source, shown.count) == ("training", 3)
