"""Numbers as they are written, and charts as paths."""

from __future__ import annotations

import re

import pytest

from fvcli.atlas.site.charts import HEIGHT, MOST_POINTS, WIDTH, curve, histogram, number

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "unknown"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
        (0, "0"),
        (-0.0, "0"),
        (1, "1.00"),
        (-1, f"{MINUS}1.00"),
        (12.345, "12.3"),
        (1234.5, "1,230"),
        (999.6, "1,000"),
        (9_999_999, "10,000,000"),
        (12_345_678, "1.23e+07"),
        (0.00012345, "0.000123"),
        (0.0000012345, f"1.23e{MINUS}06"),
        (-1e-300, f"{MINUS}1.00e{MINUS}300"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, said: str) -> None:
    assert number(value) == said


def numbers_of(path: str) -> list[tuple[float, float]]:
    found = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", path)]
    return list(zip(found[::2], found[1::2], strict=True))


def test_a_curve_goes_from_the_left_bottom_to_the_right_top() -> None:
    chart = curve([1, 2, 3], 20)
    assert chart is not None
    assert numbers_of(chart.path) == [(0, HEIGHT), (WIDTH / 2, HEIGHT / 2), (WIDTH, 0)]
    assert chart[1:] == ("0", "20", "3.00", "1.00")


def test_a_flat_curve_is_a_line_and_one_score_is_none() -> None:
    flat = curve([2.0, 2.0], 1)
    assert flat is not None
    assert {y for _, y in numbers_of(flat.path)} == {HEIGHT}
    assert curve([], -1) is None
    assert curve([1.0], 0) is None
    assert curve([1.0, float("nan"), 2.0], 2) is None


def test_a_long_curve_keeps_its_ends_and_few_points() -> None:
    chart = curve([float(i) for i in range(100_001)], 100_000)
    assert chart is not None
    points = numbers_of(chart.path)
    assert (points[0], points[-1]) == ((0, HEIGHT), (WIDTH, 0))
    assert len(points) <= MOST_POINTS + 2


def test_bars_are_as_high_as_the_roots_of_counts() -> None:
    chart = histogram([4, 0, 1], [0.0, 1.0, 2.0, 3.0])
    assert chart is not None
    bars = re.findall(r"M([\d.]+) 120v-([\d.]+)h([\d.]+)V120z", chart.path)
    assert [tuple(map(float, bar)) for bar in bars] == [(0, 120, 132.5), (266.7, 60, 132.5)]
    assert chart[1:] == ("0", "3.00", "4", "0")


def test_a_rare_value_is_seen_and_none_is_no_chart() -> None:
    chart = histogram([10**9, 1], [0.0, 1.0, 2.0])
    assert chart is not None
    assert "v-1.5h" in chart.path
    assert histogram([0, 0], [0.0, 1.0, 2.0]) is None
    assert histogram([], []) is None
    assert histogram([1], [0.0, float("nan")]) is None
