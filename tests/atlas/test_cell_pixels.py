"""The pixels of a cell: planes, opacity, and the part of a picture that was optimised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas.cells import _seen, as_shown, checkerboard, unit_cell
from fvcli.run import RunFolder
from tests.helpers.painting import paint
from tests.helpers.picture_files import noise
from tests.helpers.running import SMALL_SPEC, write_spec


def counted(planes: int) -> np.ndarray:
    """Return a picture of 2 x 3 pixels; the one at y, x of plane i has the value 10 i + 3 y + x."""
    y, x = np.indices((2, 3))
    return np.stack([10 * i + 3 * y + x for i in range(planes)], -1).astype(np.uint8)


MOSAICS = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[0, 1, 2, 10, 11, 12], [3, 4, 5, 13, 14, 15]],
    4: [
        [0, 1, 2, 10, 11, 12],
        [3, 4, 5, 13, 14, 15],
        [20, 21, 22, 30, 31, 32],
        [23, 24, 25, 33, 34, 35],
    ],
    5: [
        [0, 1, 2, 10, 11, 12, 20, 21, 22],
        [3, 4, 5, 13, 14, 15, 23, 24, 25],
        [30, 31, 32, 40, 41, 42, 0, 0, 0],
        [33, 34, 35, 43, 44, 45, 0, 0, 0],
    ],
    6: [
        [0, 1, 2, 10, 11, 12, 20, 21, 22],
        [3, 4, 5, 13, 14, 15, 23, 24, 25],
        [30, 31, 32, 40, 41, 42, 50, 51, 52],
        [33, 34, 35, 43, 44, 45, 53, 54, 55],
    ],
}


@pytest.mark.parametrize("planes", MOSAICS)
def test_planes_are_shown_from_left_to_right_then_down(planes: int) -> None:
    assert as_shown(counted(planes)).tolist() == MOSAICS[planes]


def test_colours_are_shown_as_they_are() -> None:
    np.testing.assert_array_equal(as_shown(counted(3)), counted(3))


def test_a_checkerboard_begins_white_and_has_squares_of_eight_pixels() -> None:
    board = checkerboard(np.zeros((17, 20, 4), np.uint8))
    assert board.shape == (17, 20, 3)
    light, dark = [255] * 3, [232] * 3
    row = [light] * 8 + [dark] * 8 + [light] * 4
    assert board[0].tolist() == board[7].tolist() == board[16].tolist() == row
    assert board[8].tolist() == board[15].tolist() == [dark] * 8 + [light] * 8 + [dark] * 4


@pytest.mark.parametrize(
    ("colour", "opacity", "on_light", "on_dark"),
    [
        ((10, 20, 30), 255, (10, 20, 30), (10, 20, 30)),
        ((10, 20, 30), 0, (255, 255, 255), (232, 232, 232)),
        ((50, 50, 200), 100, (175, 175, 233), (161, 161, 219)),  # 174.6 and 233.4; 160.6 and 219.5
        ((255, 255, 255), 1, (255, 255, 255), (232, 232, 232)),  # 232.1
    ],
)
def test_colours_lie_on_the_checkerboard_by_their_opacity(
    colour: tuple[int, int, int],
    opacity: int,
    on_light: tuple[int, int, int],
    on_dark: tuple[int, int, int],
) -> None:
    shown = checkerboard(np.full((1, 16, 4), (*colour, opacity), np.uint8))
    assert shown[0].tolist() == [list(on_light)] * 8 + [list(on_dark)] * 8


@pytest.mark.parametrize(
    ("canvas", "rows", "columns"),
    [
        (None, (0, 100), (0, 200)),
        ((40, 90, 20, 20), (40, 60), (80, 120)),
        ((-5, 190, 20, 20), (0, 20), (160, 200)),
        ((95, -30, 20, 20), (80, 100), (0, 40)),
        ((-40, -40, 180, 180), (0, 100), (0, 200)),
        ((30, 20, 10, 100), (10, 60), (20, 120)),  # half as high as the picture, because half as wide
        ((10, 60, 20, 21), (10, 30), (50, 90)),  # 19 columns more: ten to the left, nine to the right
        ((30, 20, 29, 29), (30, 59), (5, 63)),
    ],
)
def test_what_was_optimised_is_cut_out_in_the_proportions_of_the_picture(
    canvas: tuple[int, int, int, int] | None, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """The canvas, or of one that sticks out what is inside, and enough around it."""
    pixels = noise(100, 200)
    place = canvas and dict(zip(("top", "left", "height", "width"), canvas, strict=True))
    np.testing.assert_array_equal(_seen(pixels, place), pixels[slice(*rows), slice(*columns)])


# ---- cells of a run


def opened(folder: Path, *overrides: str) -> RunFolder:
    plan = plan_of_spec(str(write_spec(folder)), overrides).plan
    with RunFolder.begin(folder / "run", plan, SMALL_SPEC) as run:
        return run


@pytest.mark.parametrize("planes", [2, 4, 5])
def test_a_cell_shows_planes_as_a_grey_mosaic(tmp_path: Path, planes: int) -> None:
    run = opened(tmp_path)
    paint(run, run.plan.units[0], pixels=counted(planes))
    shown = unit_cell(run, run.plan.units[0]).pixels
    assert shown is not None
    np.testing.assert_array_equal(shown, np.array(MOSAICS[planes])[..., None])


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("overrides", [[], ["render.parameterization={kind: fourier, alpha: true}"]])
def test_a_cell_shows_grey_and_colours_as_they_are(tmp_path: Path, planes: int, overrides: list[str]) -> None:
    """Also of units whose pictures have an opacity at the end."""
    run = opened(tmp_path, *overrides)
    paint(run, run.plan.units[0], pixels=counted(planes))
    shown = unit_cell(run, run.plan.units[0]).pixels
    assert shown is not None
    np.testing.assert_array_equal(shown, counted(planes))


def test_a_cell_shows_opacity_as_a_checkerboard(tmp_path: Path) -> None:
    run = opened(tmp_path, "jobs.textures.parameterization={kind: fourier, alpha: true}")
    pixels = np.full((4, 16, 4), (50, 50, 200, 100), np.uint8)
    texture = run.plan.units[-1]  # the units of the other job have no opacity
    paint(run, texture, pixels=pixels)
    shown = unit_cell(run, texture).pixels
    assert shown is not None
    assert shown.tolist() == [[[175, 175, 233]] * 8 + [[161, 161, 219]] * 8] * 4


@pytest.mark.parametrize("step", [None, 4])
def test_a_cell_shows_what_was_optimised_at_the_end_and_at_every_step(
    tmp_path: Path, step: int | None
) -> None:
    run = opened(tmp_path)
    canvas = {"top": 4, "left": 9, "height": 6, "width": 6}  # of 24 rows and 36 columns
    paint(run, run.plan.units[0], extras=["step-0004.png"], pixels=noise(24, 36), canvas=canvas)
    shown = unit_cell(run, run.plan.units[0], step).pixels
    assert shown is not None
    np.testing.assert_array_equal(shown, noise(24, 36)[4:10, 7:16])
