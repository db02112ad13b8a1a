"""A dataset's pages show what it has, and leave no hole where it has nothing."""

import json
import re
from pathlib import Path

import pytest
from stage_outputs import build, make
from test_index import Elements

LEARNING, ATTENTION = "Learning curves", "What the attention looks at"


def made(root: Path, given: str) -> tuple[str, str]:
    """The index, and the page of a video."""
    make(root, given=given, videos=3)
    with pytest.MonkeyPatch.context() as monkeypatch:
        index = build(root, monkeypatch)
    return index, (root / "reports/videos/demo/video_2.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["captions", "embeddings", "scores"])
def pages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, str, str]:
    """What was given, the root, the index, and the page of a video."""
    root = tmp_path_factory.mktemp(request.param)
    return request.param, root, *made(root, request.param)


def body(html: str) -> str:
    """Without style and script."""
    return re.sub(r"<(style|script).*?</\1>", "", html, flags=re.DOTALL)


def test_without_videos_there_are_no_pictures_and_no_room_for_them(
    pages: tuple[str, Path, str, str],
) -> None:
    _, root, *htmls = pages
    assert not (root / "data/demo/frames.h5").exists()
    for html in htmls:
        shown = body(html)
        assert "data:image/webp" not in html
        assert 'class="lane strip"' not in shown
        assert 'class="still' not in shown
        assert '<span class="name">Frames</span>' not in shown
        assert 'class="inspector bare"' in shown
        assert '<li class="moment bare">' in shown
    assert "data:image/jpeg" not in (root / "reports/figures/demo-video.svg").read_text()


def test_words_show_where_there_are_words(pages: tuple[str, Path, str, str]) -> None:
    given, _, *htmls = pages
    for html in htmls:
        shown = body(html)
        for part in ('class="caption"', 'class="reply"', 'class="said"'):
            assert (part in shown) == (given == "captions"), part
        assert ("The language model replied" in shown) == (given == "captions")
        data = json.loads(html.split('class="data">')[1].split("</script>")[0])
        assert (data["captions"] is None) == (data["replies"] is None) == (given != "captions")
        assert data["images"] is None
        assert len(data["times"]) == len(data["picks"]) == 12


def test_what_was_trained_shows_how_it_learnt(pages: tuple[str, Path, str, str]) -> None:
    given, root, index, video = pages
    trained = given != "scores"
    assert (f">{LEARNING}" in index) == trained
    assert (":learning" in index) == trained
    assert ("split by split" in index) == trained
    assert (ATTENTION in index) == trained
    assert ('class="map"' in video) == trained
    assert (root / "reports/figures/demo-learning.svg").exists() == trained
    if not trained:
        said = " ".join(Elements(body(index)).text).split("What the run was")[0]
        assert "seed" not in said
        assert "epoch" not in said


def test_the_rows_are_those_that_there_are(pages: tuple[str, Path, str, str]) -> None:
    given, _, index, video = pages
    for html in (index, video):
        titles = re.findall(r'data-row="([^"]+)"', body(html))
        rows = 2 if given == "scores" else 4
        asked = ["s-zero-shot"] if given == "captions" else []
        assert titles == ["s-people", *(f"s-{row}" for row in range(1, rows + 1)), *asked]
    assert (">ours<" in index) == (given == "scores")
    assert ("MLP, no attention" in body(index)) == (given != "scores")


def test_every_place_on_the_page_that_is_linked_to_is_there(
    pages: tuple[str, Path, str, str],
) -> None:
    for html in pages[2:]:
        ids = {attributes.get("id") for _, attributes in Elements(html).found}
        for target in re.findall(r'href="#([^"@]+)"', html):
            assert target in ids


def test_a_dataset_says_what_was_given(pages: tuple[str, Path, str, str]) -> None:
    given, _, index, _ = pages
    assert f"<dt>Given</dt><dd>{given}</dd>" in index
    assert ("<dt>Language model</dt>" in index) == (given == "captions")
