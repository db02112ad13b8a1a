import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from stage_outputs import build, make

from stages import rows
from stages.artifacts import results
from stages.metrics import choosing_table
from stages.metrics.printed import mark, signed
from stages.metrics.tables import floor_said

HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)> & "q" \u2028'


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_nothing_on_a_page_comes_from_elsewhere(
    page: str, video_pages: dict[str, str], built: Path
) -> None:
    folder = built / "reports"
    pages = {folder / "index.html": page}
    pages |= {folder / f"videos/demo/{name}.html": html for name, html in video_pages.items()}
    for path, html in pages.items():
        for tag, attributes in Elements(html).found:
            for name in ("src", "href", "xlink:href", "action", "data"):
                value = attributes.get(name)
                if tag == "a" and name == "href" and value and not value.startswith("#"):
                    # A link to another page of the report, which is there.
                    assert (path.parent / value.partition("#")[0]).resolve() in pages
                    continue
                assert value is None or value.startswith(("#", "data:")), (tag, name, value)
        for target in re.findall(r"url\(([^)]*)\)", html):
            assert target.strip("\"'").startswith(("#", "data:image/")), target[:80]
        assert "@import" not in html
        assert "default-src 'none'" in html


def test_every_row_and_every_video_shows(page: str) -> None:
    text = " ".join(Elements(page).text)
    for title in (
        "LLMVS (q + a)",
        "query only",
        "answer only",
        "MLP, no attention",
        "LLM's own score (zero-shot)",
        "Human (pairs of users)",
        "Oracle (people's mean)",
        "Random (100 draws)",
    ):
        assert title in text
    for number in range(1, 6):
        assert f'href="videos/demo/video_{number}.html"' in page


def table_of(page: str, protocol: str) -> str:
    """From a protocol's heading to the end of its notes."""
    return page.split(f'<h4 class="protocol">Protocol {protocol} ')[1].split("</ul>")[0]


def test_each_protocol_has_a_table_that_names_it_the_headline_first(page: str) -> None:
    assert page.index("Protocol strict <small>") < page.index("Protocol official <small>")
    for protocol, videos, other in (("strict", 5, "official"), ("official", 4, "strict")):
        table = table_of(page, protocol)
        assert f"{videos} videos; 2 " in table
        assert f'aria-label="Table of results, protocol {protocol}"' in table
        assert f"demo for tests, protocol {protocol}</th>" in table
        assert f"A flag of {protocol} that readers must see." in table
        assert f"A flag of {other}" not in table
        assert table.count('<tr role="row" class="model">') == 4
        assert ("epoch chosen on the test videos: optimistic" in table) == (protocol == "official")
        assert "The paper’s own figures, by its protocol, official; for orientation only" in table


def test_figures_of_a_protocol_stand_in_its_table(page: str, built: Path) -> None:
    results = json.loads((built / "reports/results/demo/results.json").read_text(encoding="utf-8"))
    for protocol, of in results["protocols"].items():
        found = re.findall(r'<span class="mean">(.*?)</span>', table_of(page, protocol))
        expected = [row[m]["mean"] for row in of["rows"].values() for m in ("tau", "rho", "f1")]
        assert [float(text.replace("−", "-")) for text in found] == pytest.approx(
            expected, abs=5.1e-4
        )


def test_curves_and_videos_say_which_protocol_they_are_under(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = build(make(tmp_path, protocols=("official", "strict")), monkeypatch)
    for html, headline in ((page, "strict"), (other, "official")):
        assert f"Protocol {headline}. Mean squared error" in html
        assert f"Models under the protocol {headline}." in html
        assert html.index(f"Protocol {headline} <small>") == min(
            match.start() for match in re.finditer(r"Protocol \w+ <small>", html)
        )


def test_one_protocol_alone_has_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = build(make(tmp_path, protocols=("official",)), monkeypatch)
    assert html.count('<table class="results"') == 1
    assert "<dt>Protocol</dt>" in html
    assert "strict" not in " ".join(Elements(html.split("<main")[1]).text).split("What the run")[0]


def test_the_steps_from_strict_to_official_stand_in_a_table_of_their_own(
    page: str, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = results.read(built / "reports/results/demo")
    assert found.choosing is not None
    section = page.split('id="demo:choosing"')[1].split("</section>")[0]
    rows_of = dict(
        re.findall(r'scope="row">(.*?)</th>(.*?)</tr>', unescape(section), flags=re.DOTALL)
    )
    assert list(rows_of) == [row.title for row in found.rows.values()]
    for name, steps in found.choosing.items():
        cells = re.findall(r'data-label="([^"]*)">(.*?)</td>', rows_of[found.rows[name].title],
                           flags=re.DOTALL)  # fmt: skip
        texts = {label: " ".join(Elements(cell).text) for label, cell in cells}
        for protocol in ("strict", "official"):
            tau = found.protocols[protocol].rows[name].tau.mean
            assert texts[f"{protocol} τ"] == mark(tau)
        assert texts["videos"].startswith(signed(steps.videos.mean))
        assert steps.training is not None
        assert texts["training"].startswith(signed(steps.training.mean))
        if steps.epoch is None:
            assert texts["epoch"] == "–"
        else:
            words = " ".join(texts["epoch"].split())
            assert words == f"{signed(steps.epoch.mean)} .001 to .234 ±.012 others +.056 by ρ +.021"
    assert choosing_table.CHAIN in unescape(section)
    assert choosing_table.OTHERS in unescape(section)
    assert choosing_table.OTHERWISE in unescape(section)
    alone = build(make(tmp_path, protocols=("official",)), monkeypatch)
    assert choosing_table.TITLE not in alone


def test_figures_of_the_paper_stand_only_in_cells_marked_as_the_papers(page: str) -> None:
    cells = re.findall(r'<td role="cell" class="([^"]*)"[^>]*>\s*(.*?)</td>', page, re.DOTALL)
    theirs = {text.strip() for classes, text in cells if "theirs" in classes.split()}
    for printed in rows.PRINTED:
        for figure in printed.figures:
            assert f"{figure.tau:.3f}"[1:] in theirs
            assert f"{figure.rho:.3f}"[1:] in theirs
    assert "The paper’s own figures, by its protocol, official; for orientation only" in page
    titles = dict(re.findall(r'<th role="rowheader" scope="row">([^<†]*?)( †)?</th>', page))
    assert titles["VASNet"] == " †"
    assert titles["CSTA"] == ""


def test_on_a_dataset_of_the_paper_only_its_column_stands_beside_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = build(make(tmp_path, benchmark="SumMe", simulated=False, scores=False), monkeypatch)
    assert "for orientation only" not in html
    assert "SumMe τ" in html
    assert "TVSum τ" not in html


def test_a_name_alone_makes_no_dataset_of_the_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = build(make(tmp_path, dataset="summer-holiday", simulated=False), monkeypatch)
    assert "for orientation only" in html


def test_where_constant_scores_earn_something_a_sentence_says_so_once_in_each_table(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path, benchmark="SumMe", simulated=False, scores=False)
    path = root / "reports/results/demo"
    measured, by_video = results.read(path)
    marks = {
        name: floor_said(measured.benchmark or measured.title, band.rows)
        for name, band in measured.protocols.items()
    }
    # evaluate says it among the flags, for the terminal.
    protocols = {
        name: band.model_copy(update={"flags": (marks[name], *band.flags)})
        for name, band in measured.protocols.items()
    }
    results.write(path, measured.model_copy(update={"protocols": protocols}), by_video)
    html = build(root, monkeypatch)
    said = [unescape(text) for text in re.findall(r'<p class="floor">(.*?)</p>', html)]
    assert said == list(marks.values())
    assert html.count("has a floor that is not zero") == 2
    for name, band in measured.protocols.items():
        assert band.floor is not None
        assert f"τ {mark(band.floor.tau)} ρ {mark(band.floor.rho)}" in marks[name]
    assert '<p class="floor">' not in page
    svg = (root / "reports/figures/demo-agreement.svg").read_text(encoding="utf-8")
    assert "dashed: constant scores" in svg


def test_a_row_that_has_collapsed_is_marked_and_its_flag_shown(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = build(make(tmp_path, collapsed="mlp"), monkeypatch)
    for protocol in ("strict", "official"):
        table = table_of(html, protocol)
        headers = re.findall(r'<th role="rowheader" scope="row">(.*?)</th>', table)
        assert [header for header in headers if ">collapsed</span>" in header] == [
            header for header in headers if header.startswith("MLP, no attention")
        ]
        assert "<li>MLP, no attention: has collapsed.</li>" in table
    assert ">collapsed</span>" not in page


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("annotations", "the annotations’ own"),
        ("field", "the field’s published shots"),
        ("kts", "own segmentation"),
    ],
)
def test_it_says_where_the_shots_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: Any, said: str
) -> None:
    html = build(make(tmp_path, origin=origin), monkeypatch)
    assert f"<dt>Shots</dt><dd>{said}</dd>" in html
    assert (f"8 shots ({said})" in html) == (origin != "annotations")


def test_the_files_that_were_judged_are_named_with_their_sums(page: str) -> None:
    assert '<th scope="row">data/demo/timeline.h5</th><td><code>0123456789abcdef</code>' in page


def test_simulated_people_are_named_wherever_their_figures_show(page: str) -> None:
    assert '<div class="simulated" role="note">' in page
    for heading in (
        "Agreement with people", "Learning curves", "Scores against people’s", "Video by video"
    ):  # fmt: skip
        assert re.search(rf'<h3[^>]*>{heading} <span class="tag">simulated</span></h3>', page)
    articles = page.split("<article")[1:]
    assert all('<span class="tag">simulated</span>' in article for article in articles)


def test_real_people_are_not_called_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = build(make(tmp_path, dataset="tvsum", simulated=False), monkeypatch)
    assert 'class="tag"' not in html
    assert 'class="simulated"' not in html


def test_the_same_artifacts_give_the_same_bytes(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(make(tmp_path), monkeypatch)
    files = [
        path.relative_to(built)
        for place in ("index.html", "figures", "videos")
        for path in [built / "reports" / place, *(built / "reports" / place).rglob("*")]
        if path.is_file()
    ]
    assert len(files) == 1 + 4 + 5
    for path in files:
        assert (tmp_path / path).read_bytes() == (built / path).read_bytes(), path


def test_a_hostile_caption_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = build(make(tmp_path, caption=lambda video, frame: HOSTILE), monkeypatch)
    of_video = (tmp_path / "reports/videos/demo/video_2.html").read_text(encoding="utf-8")
    for each in (html, of_video):
        elements = Elements(each).found
        assert [tag for tag, _ in elements].count("script") == 2  # the data and the page's own
        assert not any("onerror" in attributes for _, attributes in elements)
        assert "\u2028" not in each.split('class="data">')[1].split("</script>")[0]


def test_without_javascript_tables_curves_and_a_caption_are_there(page: str) -> None:
    static = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert static.count('<path class="curve s-people"') >= 1 + 5  # one video, and a line of each
    assert static.count('<path class="curve s-1"') >= 1 + 5
    assert static.count('<p class="caption">Frame') == 1
    # Learning curves, one a model; split by split; scores against people's.
    assert static.count('class="figure"') == 4 + 1 + 1


def test_ids_are_unique(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Elements(page).found if "id" in attributes]
    own = [name for name in ids if name and not re.fullmatch(r"[pm][0-9a-f]{10}", name)]
    assert len(own) == len(set(own))
