"""Bytes of the store and of the artifacts by formula, beside what is really written."""

from pathlib import Path

import numpy as np
import pytest

from stages.artifacts import captions, embeddings, features, frames
from stages.artifacts.captions import Caption
from stages.artifacts.video import EVERY, Video
from stages.media.jpegs import packed
from stages.planning import storage, workload
from stages.work.items import Arrays
from stages.work.store import Store, key


def written(store: Store, arrays: Arrays) -> int:
    item = key(arrays=[str(each.dtype) for each in arrays.values()])
    store.put(item, arrays)
    return store.place(item).stat().st_size


@pytest.mark.parametrize("characters", [1, 118, 1000])
def test_an_item_of_a_caption_has_the_bytes_that_the_store_writes(
    store: Store, characters: int
) -> None:
    assert written(store, {"caption": np.array("x" * characters)}) == storage.caption(characters)


@pytest.mark.parametrize(("rows", "width"), [(1, 8), (18, 576), (69, 5120)])
def test_an_item_of_states_has_the_bytes_that_the_store_writes(
    store: Store, rows: int, width: int
) -> None:
    states_RW = np.ones((rows, width), np.float32)
    arrays = {"query": states_RW, "answer": states_RW, "reply": np.array(["score: 7"] * rows)}
    assert written(store, arrays) == storage.states(rows, width, 8)


def test_an_item_of_sampled_frames_has_the_bytes_that_the_store_writes(store: Store) -> None:
    arrays = {
        **packed([bytes(1000)] * 30),
        "features": np.ones((30, 1280), np.float32),
        "times": np.ones(30),
        "fps": np.array(30.0),
        "n_frames": np.array(450),
    }
    assert written(store, arrays) == storage.taken(30, 1000, 1280)


def test_a_file_takes_whole_blocks(store: Store) -> None:
    store.put("ab" * 32, {"caption": np.array("x" * 118)})
    taken = 512 * store.place("ab" * 32).stat().st_blocks
    assert storage.on_disk(storage.caption(118)) == taken == 4096
    assert storage.on_disk(4097) == 8192


def test_what_an_output_is_made_of_grows_with_its_keys(tmp_path: Path) -> None:
    out = tmp_path / "captions.jsonl"
    out.touch()
    store = Store(tmp_path / "work", "caption", out)
    store.keep(key(number=number) for number in range(500))
    (root,) = store.roots.iterdir()
    assert storage.root(500) == pytest.approx(root.stat().st_size, rel=0.01)


@pytest.mark.parametrize(("videos", "steps"), [(20, 12), (4, 300)])
def test_artifacts_are_as_large_as_reckoned(tmp_path: Path, videos: int, steps: int) -> None:
    made, width, words = workload.Frames(((steps, videos),), "made"), 64, "x" * 118
    picks_T = EVERY * np.arange(steps)
    spines = [
        Video.sampled(f"video_{number}", "made", EVERY * steps) for number in range(1, videos + 1)
    ]
    lines = [
        Caption(video=spine.name, pick=int(pick), caption=words)
        for spine in spines
        for pick in picks_T
    ]
    captions.write(tmp_path / "captions.jsonl", lines)
    with embeddings.writing(tmp_path / "embeddings.h5", llm="made", scale=(0, 10)) as put:
        for spine in spines:
            states_TW = np.ones((steps, width), np.float32)
            put.put(
                spine.name,
                query_TW=states_TW,
                answer_TW=states_TW,
                picks_T=picks_T,
                score_T=np.ones(steps),
                replies=["score: 7"] * steps,
            )
    jpegs = [bytes(20_000)] * steps
    frames.write(
        tmp_path / "frames.h5", (frames.Sampled(each.name, picks_T, jpegs) for each in spines)
    )
    features.write(
        tmp_path / "image.h5", ((each, np.ones((steps, 1280), np.float32)) for each in spines)
    )

    def size(*names: str) -> int:
        return sum((tmp_path / name).stat().st_size for name in names)

    assert storage.lines(made, 118) == pytest.approx(size("captions.jsonl"), rel=0.03)
    assert storage.embeddings(made, width, 8) == pytest.approx(size("embeddings.h5"), rel=0.03)
    reckoned = storage.sampled(made, 20_000, 1280)
    assert reckoned == pytest.approx(size("frames.h5", "image.h5"), rel=0.01)
