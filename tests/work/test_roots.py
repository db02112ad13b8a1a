"""Roots: what an output was made of, and what an unfinished one will be."""

import json
from pathlib import Path

from stages.work import roots
from stages.work.roots import Root

KEYS = [f"{number:064x}" for number in range(300)]


def begun(keys: list[str], output: str = "out.h5") -> Root:
    return Root.of("embed", Path(output), None, keys)


def test_what_is_written_is_read_a_key_at_a_time(tmp_path: Path) -> None:
    root = Root.of("embed", tmp_path / "out.h5", "abc", reversed(KEYS))
    roots.write(tmp_path, root)
    ((path, found),) = roots.read(tmp_path)
    assert (found.stage, found.output, found.sha256) == (root.stage, root.output, "abc")
    assert found.since == root.since
    assert list(found.keys) == KEYS
    assert len(found.keys) == 300
    assert KEYS[7] in found.keys
    assert found.name == root.name
    path.unlink()
    assert list(found.keys) == []


def test_a_root_is_json_whatever_its_keys_say(tmp_path: Path) -> None:
    odd = ['a "quoted" key', "a\nline", "ünïcode", ""]
    roots.write(tmp_path, begun(odd))
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["keys"] == sorted(odd)
    ((_, found),) = roots.read(tmp_path)
    assert list(found.keys) == sorted(odd)


def test_a_root_of_nothing(tmp_path: Path) -> None:
    roots.write(tmp_path, begun([]))
    ((path, found),) = roots.read(tmp_path)
    assert json.loads(path.read_text())["keys"] == []
    assert list(found.keys) == []


def test_roots_written_before_keys_had_lines_are_read(tmp_path: Path) -> None:
    old = {"stage": "caption", "output": "o", "sha256": None, "keys": KEYS[:3], "since": "then"}
    (tmp_path / "old.json").write_text(json.dumps(old))
    ((_, found),) = roots.read(tmp_path)
    assert list(found.keys) == KEYS[:3]


def test_a_root_that_was_cut_short_is_none(tmp_path: Path) -> None:
    roots.write(tmp_path, begun(KEYS))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-200])
    assert list(roots.read(tmp_path)) == []


def test_a_finished_output_takes_away_its_own_beginnings_alone(tmp_path: Path) -> None:
    roots.write(tmp_path, begun(KEYS))
    roots.write(tmp_path, begun(KEYS[10:20]))
    roots.write(tmp_path, begun([*KEYS[:5], "f" * 64]))
    roots.write(tmp_path, begun(KEYS, "another.h5"))  # of a recipe that is asked the same
    roots.finish(tmp_path, Root.of("embed", Path("out.h5"), "abc", KEYS))
    left = [(found.output, found.sha256, [*found.keys]) for _, found in roots.read(tmp_path)]
    assert sorted(left, key=str) == [
        ("another.h5", None, KEYS),
        ("out.h5", "abc", KEYS),
        ("out.h5", None, [*KEYS[:5], "f" * 64]),
    ]
