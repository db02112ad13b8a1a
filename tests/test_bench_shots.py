"""`llmvs bench shots`: cuts told of are counted against those that there are."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from stages import cli
from stages.benchmarking.cuts import Counts, compose, counted
from stages.errors import UserError
from stages.media import video


def test_a_cut_is_found_once_and_within_half_a_second() -> None:
    there_C = np.array([2.0, 5.0, 9.0])
    assert counted(np.array([2.4, 5.6, 9.0]), there_C) == Counts(2, 3, 3)
    assert counted(np.array([1.9, 2.1]), there_C) == Counts(1, 2, 3)
    assert counted(np.array([]), there_C) == Counts(0, 0, 3)


def plain(value: int, frames: int = 60) -> list[video.Pixels]:
    return [np.full((4, 4, 3), value, np.uint8)] * frames


def test_pieces_are_joined_at_the_cuts_hard_or_by_a_dissolve() -> None:
    images, cuts_C = compose([plain(0), plain(200)], 5, 0, np.random.default_rng(0))
    steps = np.flatnonzero(np.diff([float(image.mean()) for image in images])) + 1
    np.testing.assert_allclose(cuts_C, steps / 25)
    images, cuts_C = compose([plain(0), plain(200)], 2, 12, np.random.default_rng(0))
    levels = [float(image.mean()) for image in images]
    middle = round(float(cuts_C[0]) * 25)
    assert sorted(levels, reverse=levels[0] > 0) == levels
    assert levels[middle - 1] == pytest.approx(100, abs=20)
    assert levels[middle] == pytest.approx(100, abs=20)
    with pytest.raises(UserError, match="two clips at least"):
        compose([plain(0)], 2, 0, np.random.default_rng(0))


def test_every_way_is_measured_on_every_kind_of_film(tmp_path: Path) -> None:
    for name in ("cat", "coffee", "rocket"):
        photo = Image.fromarray(getattr(skimage.data, name)()).resize((480, 270))
        frames = [np.roll(np.asarray(photo), step, axis=1) for step in range(50)]
        video.encode(tmp_path / f"{name}.mp4", frames, 25, (480, 270))
    options = ["--clips", str(tmp_path), "--films", "1", "--pieces", "3"]
    done = CliRunner().invoke(cli.app, ["bench", "shots", *options], env={"COLUMNS": "160"})
    assert done.exception is None, done.output
    (own,) = [line for line in done.output.splitlines() if "the file's own cuts" in line]
    assert own.count("1.000, 1.000") == 3  # the demo's, the hard ones and those alike
    assert "(used)" in done.output
