"""What is odd about a finished picture."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.run.remarks import ADVICE, FLAT, SAID, remark_lines, remarks_on

ROSE = {"start": 1.0, "end": 2.0, "saved": 2.0}


def _noise(low: int = 60, high: int = 200, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(low, high, (20, 30, channels), dtype=np.uint8)


def _half_burnt(share: float, channels: int = 3) -> np.ndarray:
    pixels = _noise(channels=channels)
    rows = round(20 * share)
    pixels[:rows] = np.where(pixels[:rows] > 130, 255, 0)
    return pixels


def _with_motif(side: int, contrast: int) -> np.ndarray:
    """Return a small form on grey that changes the standard deviation as little as grey noise does."""
    pixels = np.full((96, 96, 3), 128, np.uint8)
    pixels[50 : 50 + side, 40 : 40 + side] = 128 + contrast
    assert pixels.std() < FLAT
    return pixels


def _transparent(opacity: int, colours: np.ndarray) -> np.ndarray:
    return np.dstack([colours, np.full(colours.shape[:2], opacity, np.uint8)])


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (_noise(), []),
        (_noise(channels=1), []),
        (_noise(channels=5), []),
        (_noise(125, 130), ["one_colour"]),
        (_noise(121, 136), ["one_colour"]),  # grey to the eye
        (_noise(120, 137), []),
        (_with_motif(3, 30), ["one_colour"]),
        (_with_motif(1, 120), []),
        (_with_motif(3, 60), []),
        (np.full((8, 8, 3), 255, np.uint8), ["one_colour"]),
        (np.full((8, 8, 3), 0, np.uint8), ["one_colour"]),
        (np.full((8, 8, 1), 77, np.uint8), ["one_colour"]),
        (np.broadcast_to(np.uint8([0, 128, 255]), (8, 8, 3)), ["one_colour"]),
        (_half_burnt(0.45), []),
        (_half_burnt(0.55), ["burnt"]),
        (_half_burnt(1.0, channels=1), ["burnt"]),
        (_transparent(255, _noise()), []),
        (_transparent(0, _noise()), ["one_colour"]),
        (_transparent(255, _half_burnt(1.0)), ["burnt"]),
    ],
)
def test_a_picture_that_shows_nothing(pixels: np.ndarray, found: list[str]) -> None:
    assert remarks_on(pixels, ROSE, 1) == found


def test_what_is_grey_around_a_canvas_does_not_count() -> None:
    pixels = np.full((64, 64, 3), 128, np.uint8)
    pixels[10:30, 20:50] = _half_burnt(1.0)
    assert remarks_on(pixels, ROSE, 1) == []
    canvas = {"top": 10, "left": 20, "height": 20, "width": 30}
    assert remarks_on(pixels, ROSE, 1, canvas) == ["burnt"]
    assert remarks_on(pixels, ROSE, 1, {**canvas, "top": -40, "height": 50}) == ["one_colour"]


@pytest.mark.parametrize(
    ("start", "saved", "sign", "found"),
    [
        (1.0, 2.0, 1, []),
        (2.0, 1.0, 1, ["score_fell"]),
        (2.0, 1.0, -1, []),
        (1.0, 2.0, -1, ["score_fell"]),
        (-1.0, -2.0, 1, ["score_fell"]),
        (0.0, 0.0, 1, ["score_still"]),
        (5.0, 5.0, -1, ["score_still"]),
        (5.0, 5.000001, 1, ["score_still"]),
        (-1.492262, -1.491956, 1, ["score_still"]),  # a constant channel of EfficientNet-Lite0
        (5.0, 4.999, 1, ["score_still"]),
        (2.801855, 2.839020, 1, []),  # a channel of its stem after four steps
        (5.0, 5.01, 1, []),
        (0.0, 1e-9, 1, []),
    ],
)
def test_a_score_that_did_not_rise(start: float, saved: float, sign: int, found: list[str]) -> None:
    assert remarks_on(_noise(), {"start": start, "end": saved, "saved": saved}, sign) == found


def test_units_are_told_together() -> None:
    remarks = {f"a/{i}": ["burnt"] for i in range(5)} | {"b/0": ["score_fell", "burnt"], "c/1": ["strange"]}
    assert list(remark_lines(remarks)) == [
        "most of the picture is black, white or pure colours: a/0, a/1, a/2 and 3 more units "
        "(lower optimizer.learning_rate, or take fewer steps)",
        "the score fell below its start: b/0 (lower optimizer.learning_rate, or the weight of penalties)",
        "strange: c/1",
    ]
    assert SAID.keys() == ADVICE.keys()
