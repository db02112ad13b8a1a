"""Each video's own page."""

import re
from pathlib import Path

import pytest
from stage_outputs import build, make

from stages.artifacts import timeline
from stages.artifacts.places import Places
from stages.artifacts.timeline import Timeline


def test_pages_lead_to_their_neighbours_and_back(video_pages: dict[str, str]) -> None:
    names = [f"video_{number}" for number in range(1, 6)]
    assert list(video_pages) == names
    for place, name in enumerate(names):
        links = dict(re.findall(r'<a rel="(prev|next)" href="([^"]+)"', video_pages[name]))
        expected = {}
        if place:
            expected["prev"] = f"{names[place - 1]}.html"
        if place < 4:
            expected["next"] = f"{names[place + 1]}.html"
        assert links == expected
        assert 'href="../../index.html#demo"' in video_pages[name]


def test_a_page_holds_its_own_video_and_no_other(video_pages: dict[str, str]) -> None:
    for name, html in video_pages.items():
        number = name.removeprefix("video_")
        others = {f"of video {other}." for other in range(1, 6) if str(other) != number}
        assert f"of video {number}." in html
        assert not any(other in html for other in others)
        assert html.count("<article") == 1


def test_simulated_people_are_named_on_every_page(
    video_pages: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for html in video_pages.values():
        assert "Simulated data." in html
        headings = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
        assert headings
        assert all("simulated" in heading for heading in headings)
    build(make(tmp_path, dataset="tvsum", simulated=False), monkeypatch)
    real = (tmp_path / "reports/videos/tvsum/video_1.html").read_text(encoding="utf-8")
    assert "imulated" not in real.partition("</style>")[2]


def test_where_it_erred_links_to_the_moment(video_pages: dict[str, str], page: str) -> None:
    html = video_pages["video_3"]
    frames = re.findall(r'<p class="when"><a href="#@(\d+)">', html)
    assert frames
    assert all(0 <= int(frame) < 12 for frame in frames)
    assert re.search(r'href="videos/demo/video_\d\.html#@\d+"', page)


def test_a_page_stays_light(video_pages: dict[str, str]) -> None:
    assert all(len(html.encode()) < 1e6 for html in video_pages.values())


def test_a_video_of_which_no_shot_fits_says_so_and_no_other_does(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Places(artifacts / "data/demo").timeline
    known = timeline.read(path)
    first, *rest = known.videos
    whole = first.with_shots([[0, first.n_frames - 1]], "annotations")
    timeline.write(path, Timeline(known.dataset, (whole, *rest)))
    build(artifacts, monkeypatch)
    said = {
        page.stem: "No shot fits the budget of 15 %" in page.read_text(encoding="utf-8")
        for page in (artifacts / "reports/videos/demo").iterdir()
    }
    assert {name for name, says in said.items() if says} == {first.name}
    html = (artifacts / f"reports/videos/demo/{first.name}.html").read_text(encoding="utf-8")
    assert f"the shortest shot has {first.n_frames} of {first.n_frames} frames" in html
