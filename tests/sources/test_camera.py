import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.sources.camera import crop, film
from stages.sources.screenplay import Move, Script, View

share = st.floats(0, 1)
side = st.integers(50, 2000)


@given(scale=st.floats(0.5, 1), x=share, y=share, photo=st.tuples(side, side))
def test_a_crop_stays_in_the_photograph_and_keeps_the_proportions(
    scale: float, x: float, y: float, photo: tuple[int, int]
) -> None:
    left, top, right, bottom = crop(View(scale, x, y), photo, (448, 336))
    assert -1e-6 <= left < right <= photo[0] + 1e-6
    assert -1e-6 <= top < bottom <= photo[1] + 1e-6
    assert abs((right - left) / (bottom - top) - 448 / 336) < 1e-6


def test_the_widest_view_takes_all_there_is_of_one_side() -> None:
    assert crop(View(1, 0.5, 0.5), (600, 300), (64, 48)) == (100, 0, 500, 300)


def test_a_move_is_slow() -> None:
    moves = (
        Move("cat", 30, View(0.9, 0, 0), View(0.9, 0.4, 0.4)),
        Move("moon", 5, *[View(1, 0, 0)] * 2),
    )
    images = [image.astype(float) for image in film(Script("x", moves), (64, 48))]
    assert len(images) == 35
    assert images[0].shape == (48, 64, 3)
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(images)]
    cut = steps[29]
    assert max(steps[:29]) < cut / 5
    assert min(steps[:29]) > 0
    assert np.abs(images[0] - images[29]).mean() > 3 * max(steps[:29])
