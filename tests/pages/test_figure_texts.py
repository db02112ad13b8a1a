"""No text of a figure is cut off at an edge, whatever its dataset is called."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from matplotlib.figure import Figure
from stage_outputs import build, make

from stages.artifacts import results
from stages.pages.report import figures
from stages.pages.svg import SIMULATED, drawn_as, titled, width

PARAMS = Path(__file__).parents[2] / "params.yaml"
TITLES = [of["title"] for of in yaml.safe_load(PARAMS.read_text())["datasets"].values()]
SVG = "http://www.w3.org/2000/svg"
LONGEST = max(TITLES, key=len)


def outside(svg: str) -> list[str]:
    """The texts of a figure that reach beyond it, in the widest font that it names."""
    root = ElementTree.fromstring(svg)
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    found = []
    for text in root.iter(f"{{{SVG}}}text"):
        style = dict(re.findall(r"([\w-]+): ([^;]+)", text.attrib["style"]))
        size = float(style["font-size"].removesuffix("px"))
        said = "".join(text.itertext())
        long = width(said, size, style.get("font-weight", "normal"))
        start = long * {"start": 0, "middle": -0.5, "end": -1}[style.get("text-anchor", "start")]
        # one line is turned about its place; of several each is moved to it
        *turned, x, y = map(float, re.findall(r"-?[\d.]+", text.attrib["transform"]))
        if any(turned):  # a quarter, to read upwards
            inside = y - start - long >= 0 and y - start <= high and x - size >= 0 and x <= wide
        else:
            inside = x + start >= 0 and x + start + long <= wide and y - size >= 0 and y <= high
        if not inside:
            found.append(said)
    return found


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a dataset with the longest title that a recipe has."""
    root = make(tmp_path_factory.mktemp("named"))
    for folder in (root / "reports/results").iterdir():
        measured, by_video = results.read(folder)
        results.write(folder, measured.model_copy(update={"title": LONGEST}), by_video)
    with pytest.MonkeyPatch.context() as monkeypatch:
        build(root, monkeypatch)
    return root


def test_figures_that_stand_alone_hold_all_their_texts(named: Path) -> None:
    drawn = sorted((named / "reports/figures").iterdir())
    assert len(drawn) >= 4
    for path in drawn:
        svg = path.read_text(encoding="utf-8")
        assert LONGEST.split()[0] in svg
        assert outside(svg) == [], path.name


def test_so_do_those_set_into_the_page(named: Path) -> None:
    page = (named / "reports/index.html").read_text(encoding="utf-8")
    drawn = re.findall(r'<svg viewBox[^>]*class="figure".*?</svg>', page, re.DOTALL)
    assert drawn
    for svg in drawn:
        assert outside(svg.replace("<svg ", f'<svg xmlns="{SVG}" xmlns:xlink="x" ', 1)) == []


@pytest.mark.parametrize("benchmark", ["SumMe", "TVSum"])
def test_so_does_the_dot_plot_of_a_dataset_of_the_paper(named: Path, benchmark: str) -> None:
    (folder,) = (named / "reports/results").iterdir()
    measured, _ = results.read(folder)
    floor = results.Floor(tau=0.1, rho=0.1)
    protocols = {
        name: of.model_copy(update={"floor": floor}) for name, of in measured.protocols.items()
    }
    of_paper = measured.model_copy(update={"benchmark": benchmark, "protocols": protocols})
    assert outside(figures.agreement(of_paper)) == []


def headed(title: str, inches: float, simulated: bool = False) -> tuple[Figure, str]:
    figure = Figure(figsize=(inches, 3))
    titled(figure, title, simulated, 0.55 if simulated else 0.35)
    return figure, drawn_as(figure)


def test_a_long_title_is_set_in_lines_and_the_figure_grows_by_them() -> None:
    short, _ = headed("A title", 4.4)
    assert short.get_figheight() == 3
    assert [text.get_text() for text in short.texts] == ["A title"]
    long, svg = headed(f"Scores against people’s: {LONGEST}", 4.4)
    (text,) = long.texts
    assert text.get_text().count("\n") == 1
    assert text.get_text().split() == f"Scores against people’s: {LONGEST}".split()
    assert long.get_figheight() == pytest.approx(3 + 1.2 * 10.5 / 72)
    assert outside(svg) == []


@pytest.mark.parametrize("inches", [2.5, 4.4, 7.6])
def test_the_warning_stands_whole_below_the_title(inches: float) -> None:
    figure, svg = headed(f"Learning curves: {LONGEST}, protocol strict", inches, simulated=True)
    title, warning = figure.texts
    assert warning.get_text().split() == SIMULATED.split()
    assert warning.get_window_extent().y1 <= title.get_window_extent().y0
    assert outside(svg) == []
