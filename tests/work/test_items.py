"""An item of the work store is what was put there, or it is none."""

import io
import random
from pathlib import Path

import numpy as np
import pytest

from stages.work import items
from stages.work.items import Arrays, DamagedError
from stages.work.store import Store, key

ARRAYS: Arrays = {
    "query": np.random.default_rng(0).normal(size=(25, 8)).astype(np.float32),
    "reply": np.array(["score: 3", "é", ""]),
    "epoch": np.array(3.5),
}


def whole() -> bytes:
    return b"".join(items.packed("key", ARRAYS))


def without_checksum() -> bytes:
    """An item as it was written before items carried one."""
    stream = io.BytesIO()
    np.savez(stream, **ARRAYS)  # type: ignore[arg-type]
    return stream.getvalue()


def same(found: Arrays) -> bool:
    return set(found) == set(ARRAYS) and all(
        found[name].dtype == ARRAYS[name].dtype and np.array_equal(found[name], ARRAYS[name])
        for name in ARRAYS
    )


@pytest.mark.parametrize("content", [whole(), without_checksum()], ids=["whole", "earlier"])
def test_what_was_packed_comes_back(content: bytes) -> None:
    assert same(items.unpacked("key", content))
    items.check("key", content)


def test_numpy_reads_an_item_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "item.npz"
    path.write_bytes(whole())
    with np.load(path) as found:
        assert same(dict(found))


@pytest.mark.parametrize("content", [whole(), without_checksum()], ids=["whole", "earlier"])
def test_a_changed_bit_is_never_read_as_other_arrays(content: bytes) -> None:
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(DamagedError):
            items.unpacked("key", bytes(damaged))


def _damages(content: bytes, rng: random.Random) -> list[bytes]:
    at, length = rng.randrange(len(content)), rng.randrange(1, 200)
    return [
        content[:at],
        content[:at] + bytes(length) + content[at + length :],
        content + rng.randbytes(length),
        content[:at] + rng.randbytes(length) + content[at + length :],
        content[:at] + content[at + length :],
        rng.randbytes(length),
    ]


@pytest.mark.parametrize("content", [whole(), without_checksum()], ids=["whole", "earlier"])
def test_damage_of_any_kind_is_told_or_does_no_harm(content: bytes) -> None:
    rng = random.Random(0)
    for _ in range(100):
        for damaged in _damages(content, rng):
            try:
                assert same(items.unpacked("key", damaged))
            except DamagedError:
                continue


def test_an_item_in_anothers_place_is_none() -> None:
    with pytest.raises(DamagedError):
        items.unpacked("another key", whole())


@pytest.mark.parametrize("what", ["directory", "dangling link", "loop", "unreadable"])
def test_what_stands_in_an_items_place_is_replaced(tmp_path: Path, what: str) -> None:
    store = Store(tmp_path)
    place = store.place(key(n=1))
    place.parent.mkdir(parents=True)
    match what:
        case "directory":
            (place / "inside").mkdir(parents=True)
        case "dangling link":
            place.symlink_to(tmp_path / "nowhere")
        case "loop":
            place.symlink_to(place)
        case _:
            place.write_bytes(b"\x00" * 100)
            place.chmod(0)
    assert store.get(key(n=1)) is None
    store.put(key(n=1), ARRAYS)
    found = store.get(key(n=1))
    assert found is not None
    assert same(found)
