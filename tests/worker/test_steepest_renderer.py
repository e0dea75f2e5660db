"""Directions in which a picture would move first, on a network that reads colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.picture_files import save
from tests.helpers.red_and_blue import (
    BLUE,
    HEIGHT,
    NOTHING,
    RED,
    WIDTH,
    Make,
    channels,
    outcomes_of,
    rendered,
    save_network,
    save_of_one_pixel,
)

# Where red and blue lead in decorrelated colours: rows of K K^T, where K is the published factor.
OF_RED = np.array(
    [0.26**2 + 0.09**2 + 0.02**2, 0.26 * 0.27 - 0.02 * 0.05, 0.26 * 0.27 - 0.09**2 + 0.02 * 0.03]
)
OF_BLUE = np.array([OF_RED[2], 0.27**2 - 0.05 * 0.03, 0.27**2 + 0.09**2 + 0.03**2])


def test_the_steepest_direction_of_red_is_red(renderer: Make, photo: str) -> None:
    """Only red rises, by the root of 3 where a step is 1/255 over three colours."""
    made = renderer(channels(RED, BLUE, NOTHING, steepest="l2", pictures=photo))
    outcomes, shares = rendered(made, size=4)
    assert outcomes is not None
    assert shares == [1.0]
    assert len(outcomes) == 3
    for outcome, channel, start in zip(outcomes, (RED, BLUE), (51 / 255, 102 / 255), strict=False):
        assert outcome.start == pytest.approx(start, abs=1e-6)
        assert outcome.end - outcome.start == pytest.approx(np.sqrt(3) / 255, abs=1e-6)
        assert outcome.saved == pytest.approx(1.0)
        others = [0, 2] if channel == BLUE else [2, 0]
        assert [int(outcome.pixels[0, 0, c]) for c in others] == [128, 255]
        assert (outcome.silent, outcome.finite, outcome.steps) == (False, True, 1)
        assert not outcome.transparent
    nothing = outcomes[2]
    assert (nothing.start, nothing.end, nothing.silent, nothing.finite) == (0.0, 0.0, True, True)
    assert (nothing.saved, set(np.unique(nothing.pixels))) == (0.0, {128})


@pytest.mark.parametrize(
    ("metric", "direction"),
    [("l2", [1, 0, 0.5]), ("l_inf", [1, 0, 1]), ("spatial", [1, 0, 0.5]), ("full", OF_RED + OF_BLUE / 2)],
)
def test_a_direction_is_that_of_its_metric(
    renderer: Make, photo: str, metric: str, direction: list[float]
) -> None:
    """Of red and half of blue, the same everywhere: the step has a length of 1/255, whatever its metric."""
    terms = [
        {"kind": "channel", "channel": RED},
        {"kind": "channel", "channel": BLUE, "weight": 0.5},
    ]
    job = {"name": "a", "layer": "conv", "objective": {"kind": "sum", "terms": terms}}
    (outcome,) = outcomes_of(renderer(job | {"steepest": metric, "pictures": photo}))
    colours = np.array(direction, float)
    rise = (colours[0] + 0.5 * colours[2]) / np.sqrt((colours**2).mean()) / 255
    assert outcome.start == pytest.approx(0.4, abs=1e-6)
    assert outcome.end - outcome.start == pytest.approx(rise, abs=1e-6)
    shown = np.floor(127.5 + 127.5 * colours / colours.max() + 0.5)
    assert np.abs(outcome.pixels - shown).max() <= 1


def test_the_opposite_direction_lowers_a_score(renderer: Make, photo: str) -> None:
    made = renderer(channels(RED, steepest="l_inf", pictures=photo, sign="negative"))
    (outcome,) = outcomes_of(made)
    assert outcome.start == pytest.approx(-0.2, abs=1e-6)
    assert outcome.end - outcome.start == pytest.approx(np.sqrt(3) / 255, abs=1e-6)
    assert outcome.pixels[0, 0].tolist() == [0, 128, 128]
    assert outcome.saved == 0.0


@pytest.mark.parametrize(("metric", "spreads"), [("l2", False), ("spatial", True)])
def test_a_neuron_moves_its_pixels_where_it_is(
    renderer: Make, photo: str, metric: str, spreads: bool
) -> None:
    """Around row 8 and column 3; in Fourier coordinates what is around them goes along."""
    place = {"kind": "neuron", "row": 8, "column": 3}
    job = {"name": "a", "layer": "wide", "channels": [0], "objective": place, "steepest": metric}
    (outcome,) = outcomes_of(renderer(job | {"pictures": photo}))
    red = outcome.pixels[..., 0].astype(int) - 128
    assert (red[6:11, 1:6] > 60).all()
    assert (np.abs(red).sum() > 2 * red[6:11, 1:6].sum()) == spreads
    assert red[:3, 12:].max() < 60
    if not spreads:
        length = np.sqrt(HEIGHT * WIDTH * 3 / 25)  # of a step over 25 numbers of all
        assert outcome.end - outcome.start == pytest.approx(length / 255, abs=1e-6)


def test_each_unit_has_the_direction_of_its_own_picture(renderer: Make, tmp_path: Path) -> None:
    """The gradient of red times blue is blue where red is, and red where blue is."""
    for name, colour in (("a", (51, 0, 102)), ("b", (102, 0, 0))):
        save(tmp_path / f"{name}.png", np.full((HEIGHT, WIDTH, 3), colour, np.uint8))
    terms = [{"kind": "channel", "channel": RED}, {"kind": "channel", "channel": BLUE}]
    job = {"name": "a", "layer": "conv", "objective": {"kind": "product", "terms": terms}}
    pictures = [str(tmp_path / f"{name}.png") for name in "ab"]
    first, second = outcomes_of(renderer(job | {"steepest": "l2", "pictures": pictures}), size=3)
    assert (first.start, second.start) == pytest.approx((0.2 * 0.4, 0.0), abs=1e-6)
    assert first.pixels[0, 0].tolist() == [255, 128, 191]
    assert second.pixels[0, 0].tolist() == [128, 128, 255]


def test_a_picture_is_brought_to_the_size_of_the_network(renderer: Make, tmp_path: Path, photo: str) -> None:
    """A network of 6 x 10 pixels, whose class is red in the upper left: four pixels of the picture."""
    made = renderer(
        {"name": "a", "layer": "classes", "channels": [1], "steepest": "l2", "pictures": photo},
        model=save_of_one_pixel(tmp_path / "fixed.keras"),
        input_px=None,
    )
    (outcome,) = outcomes_of(made)
    assert outcome.start == pytest.approx(0.2, abs=1e-6)
    assert np.argwhere(outcome.pixels[..., 0] > 130).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_direction_that_is_no_number_is_told(renderer: Make, tmp_path: Path, photo: str) -> None:
    job = channels(RED, NOTHING, steepest="l2", pictures=photo)
    made = renderer(job, model=save_network(tmp_path / "broken.keras", nothing=np.nan))
    red, nothing = outcomes_of(made, size=2)
    assert (red.finite, red.silent, nothing.finite, nothing.silent) == (True, False, False, False)
