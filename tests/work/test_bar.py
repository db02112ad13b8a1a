"""What the progress bar says."""

import io

from rich.console import Console

from stages.work.bar import Counted, progress


def shown(clock: list[float], unit: str | None, costs: list[int]) -> str:
    """The bar when all but the last of the costs are done, a second each."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    bar = progress(console)
    bar.get_time = lambda: clock[0]
    row = Counted(bar, "videos", len(costs), sum(costs), unit)
    for cost in costs[:-1]:
        clock[0] += 1
        row.advance(cost)
    console.print(bar.get_renderable())
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_things_are_counted_and_the_rate_is_in_the_unit_of_their_cost() -> None:
    said = shown([0.0], "frames", [4000, 4000, 4000, 1000, 7000])
    assert "4/5" in said
    assert "3,000 frames/s" in said  # over the last three seconds
    assert "0:00:03" in said  # 7,000 frames are left


def test_without_a_unit_the_rate_is_of_the_things_themselves() -> None:
    said = shown([0.0], None, [1, 1, 1])
    assert "2/3" in said
    assert "1.0/s" in said


def test_a_rate_outlives_a_minute_without_news() -> None:
    clock = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    bar = progress(console)
    bar.get_time = lambda: clock[0]
    row = Counted(bar, "videos", 4, 40_000, "frames")
    for _ in range(3):
        clock[0] += 90
        row.advance(9000)
    assert bar.tasks[0].speed == 100
