"""A row's feed changes with the files that it is fed, and with no other."""

from pathlib import Path

import pytest
import yaml

from stages.artifacts import features, feed
from stages.artifacts.feed import Feed
from stages.errors import UserError
from stages.feeds import feeds

ROOT = Path(__file__).parents[1]
MODELS = {
    "reads": {"inputs": ["query", "answer"]},
    "sees": {"inputs": ["image"]},
    "both": {"inputs": ["image", "sentence"]},
}
ENTRIES = {name: {"title": name, "kind": "vasnet", **entry} for name, entry in MODELS.items()}


def params(path: Path, **rows: dict[str, list[str]]) -> None:
    """With three rows, and a recipe that trains some of them otherwise."""
    train = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]["demo"]["train"]
    recipe = {"train": train | {"models": rows}}
    path.write_text(yaml.safe_dump({"models": ENTRIES, "datasets": {"mine": recipe}}))


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    params(Path("params.yaml"))
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "embeddings.h5").write_bytes(b"states")
    features.write(folder / "image.h5", ())
    return folder


def found(inputs: Path) -> dict[str, Feed]:
    feeds(dataset="mine", inputs=inputs, out=Path("feeds"))
    return {name: feed.read(Path(f"feeds/{name}.json")) for name in MODELS}


def test_a_file_that_appears_is_news_to_the_rows_that_are_fed_it_alone(inputs: Path) -> None:
    before = found(inputs)
    files = {path.name: path.read_bytes() for path in Path("feeds").iterdir()}
    assert before["reads"].files.keys() == {"embeddings.h5"}
    assert before["both"].left_out is not None
    assert "`sentence`, which it is fed, is lacking: the sentences stage" in before["both"].left_out
    features.write(inputs / "sentence.h5", ())
    after = found(inputs)
    assert after["both"].left_out is None
    assert after["both"].files.keys() == {"image.h5", "sentence.h5"}
    for name in ("reads.json", "sees.json"):
        assert (Path("feeds") / name).read_bytes() == files[name]


def test_a_file_that_changes_is_news_to_the_rows_that_are_fed_it_alone(inputs: Path) -> None:
    before = found(inputs)
    (inputs / "embeddings.h5").write_bytes(b"other states")
    after = found(inputs)
    assert after["reads"] != before["reads"]
    assert after["sees"] == before["sees"]


def test_a_recipe_may_feed_a_row_what_its_entry_does_not_say(inputs: Path) -> None:
    params(Path("params.yaml"), reads={"inputs": ["image"]})
    after = found(inputs)
    assert after["reads"].files == after["sees"].files


def test_why_a_stage_made_nothing_is_why_a_row_lacks_it(inputs: Path) -> None:
    features.write_left_out(inputs / "sentence.h5", "nobody asked")
    assert found(inputs)["both"].lacks == {"sentence": "nobody asked"}


def test_a_file_that_is_no_feed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    with pytest.raises(UserError, match=r"mine\.json not found; run the feeds stage"):
        feed.read(path)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"mine\.json: not what feeds writes"):
        feed.read(path)
