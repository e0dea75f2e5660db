"""What is flagged, and by what thresholds."""

from __future__ import annotations

import pytest

from fvcli.run.remarks import ADVICE, SAID
from fvcli.trust.flags import (
    FLAGS,
    LEAST_CONTROLS,
    USUAL_CHANCE,
    USUAL_PATH,
    USUAL_SURVIVAL,
    Found,
    Thresholds,
    flags_of,
    thresholds_from,
)
from fvcli.trust.two_afc import Interval

SURE = Interval(0.8, 0.95)
THRESHOLDS = Thresholds(chance=0.5, path=0.3, survival=0.4, controls=(0, 0, 0))


def test_a_picture_that_passes_all_has_no_flag() -> None:
    assert flags_of(Found(strength=3.0, interval=SURE, path=0.7, survival=0.9), THRESHOLDS) == ()


@pytest.mark.parametrize(
    ("found", "flag"),
    [
        (Found(0.99, SURE, 0.7, 0.9), "weaker_than_photos"),
        (Found(3.0, Interval(0.2, 0.49), 0.7, 0.9), "not_predictive"),
        (Found(3.0, SURE, 0.29, 0.9), "other_path"),
        (Found(3.0, SURE, 0.7, 0.39), "fragile"),
        (Found(3.0, SURE, 0.7, 0.9, untrained=True), "untrained"),
    ],
)
def test_each_flag_is_raised_by_one_number(found: Found, flag: str) -> None:
    assert flags_of(found, THRESHOLDS) == (flag,)


def test_what_is_at_its_threshold_or_unknown_is_not_flagged() -> None:
    assert flags_of(Found(1.0, Interval(0.2, 0.5), 0.3, 0.4), THRESHOLDS) == ()
    assert flags_of(Found(None, None, None, None), THRESHOLDS) == ()


def test_thresholds_come_from_the_controls() -> None:
    hundred = [i / 100 for i in range(101)]
    found = thresholds_from(hundred, hundred, hundred)
    assert (found.chance, found.path, found.survival) == pytest.approx((0.5, 0.95, 0.05))
    assert found.controls == (101, 101, 101)


def test_a_path_like_that_of_other_units_is_never_enough() -> None:
    found = thresholds_from([], [0.01 * (i % 5) for i in range(100)], [])
    assert found.path == USUAL_PATH
    assert flags_of(Found(3.0, SURE, 0.05, 0.9), found) == ("other_path",)


def test_few_controls_leave_the_usual_thresholds() -> None:
    found = thresholds_from([0.9] * (LEAST_CONTROLS - 1), [], [0.8] * LEAST_CONTROLS)
    assert (found.chance, found.path) == (USUAL_CHANCE, USUAL_PATH)
    assert found.survival == pytest.approx(0.8)
    assert found.survival != USUAL_SURVIVAL
    assert found.controls == (0, 0, LEAST_CONTROLS)


def test_every_flag_is_said_in_words_with_advice() -> None:
    assert set(FLAGS) <= set(SAID)
    assert set(FLAGS) <= set(ADVICE)
