"""The global attention on the page: pictures of the right frames, shares beside uniform ones."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from stage_outputs import build, make

from stages.pages.report.attention import picture, shrunk


def test_a_map_is_averaged_down_and_never_up() -> None:
    map_TT = torch.rand(7, 7)
    assert torch.equal(shrunk(map_TT, 9), map_TT)
    halves = shrunk(torch.arange(16.0).reshape(4, 4), 2)
    assert halves.tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_a_picture_is_darkest_where_most_attention_goes() -> None:
    map_TT = torch.zeros(5, 5)
    map_TT[3, 1], map_TT[0, 4] = 1, 0.25
    data = picture(map_TT, 96).removeprefix("data:image/png;base64,")
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert grey.shape == (5, 5)
    assert (grey[3, 1], grey[0, 4], grey[2, 2]) == (0, 128, 255)


def test_every_video_shows_the_mean_and_every_head(video_pages: dict[str, str]) -> None:
    for html in video_pages.values():
        assert html.count('class="map"') == 1 + 2 * 2
        assert "layer 2, head 1" in html


def test_the_index_sets_shares_beside_uniform_attention(page: str) -> None:
    table = page.split("What the attention looks at")[1].split("</table>")[0]
    assert "within 3 frames<" in table
    rows = re.findall(r"<tr><td>(\d)</td><td>(\d)</td>(.*?)</tr>", table)
    assert [row[:2] for row in rows] == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    # Twelve frames, three on either side: 72 of 144 pairs.
    assert all(">.500<" in row[2] for row in rows)


def test_a_first_row_without_attention_shows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path, attention=False)
    assert "What the attention looks at" not in build(root, monkeypatch)
    html = (root / "reports/videos/demo/video_1.html").read_text(encoding="utf-8")
    assert 'class="map"' not in html
