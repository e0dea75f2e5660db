"""What stands at a place of a sheet: the pixels that are shown, and the mark of what is not done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas.cells import Inks, mark_cell, unit_cell
from fvcli.atlas.grid import BACKGROUND, write_grids
from fvcli.media import read_picture
from fvcli.run import RunFolder
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, write_spec
from tests.helpers.seen_pixels import bounds, lettered, places

WHITE, FAINT, WARNING, GROUND = (255, 255, 255), (140, 140, 150), (251, 146, 60), (10, 60, 10)
INKS = Inks(WHITE, FAINT, WARNING)
BOX = (20, 30, 219, 149)  # left, top, right, bottom, all of them inside


def marked(status: str, box: tuple[int, int, int, int] = BOX, text_px: int = 14) -> np.ndarray:
    """Return a sheet of one colour on which a cell is marked, uint8 [180, 240, 3]."""
    sheet = Image.new("RGB", (240, 180), GROUND)
    mark_cell(sheet, status, box, INKS, text_px)
    return np.array(sheet)


@pytest.mark.parametrize(
    ("status", "colour"),
    [("pending", FAINT), ("dead", WARNING), ("failed", WARNING), ("damaged", WARNING)],
)
def test_a_mark_is_a_frame_two_pixels_wide_inside_the_cell(status: str, colour: tuple[int, int, int]) -> None:
    sheet = marked(status)
    left, top, right, bottom = BOX
    outside = np.ones(sheet.shape[:2], bool)
    outside[top : bottom + 1, left : right + 1] = False
    assert places(sheet, GROUND)[outside].all()
    frame = np.zeros(sheet.shape[:2], bool)
    frame[top : bottom + 1, left : right + 1] = True
    frame[top + 2 : bottom - 1, left + 2 : right - 1] = False
    assert places(sheet, colour)[frame].all()
    assert places(sheet, GROUND)[bottom - 2, left + 50 : right - 50].all()


@pytest.mark.parametrize("status", ["pending", "dead", "failed", "damaged"])
def test_only_what_failed_is_struck_through_from_the_top_left(status: str) -> None:
    inside = marked(status)[80:148, 22:218]  # below the word
    ys, xs = np.nonzero(~places(inside, GROUND))
    if status != "failed":
        assert len(ys) == 0
        return
    across = (xs + 22 - BOX[0]) / (BOX[2] - BOX[0])
    down = (ys + 80 - BOX[1]) / (BOX[3] - BOX[1])
    assert len(ys) > 100
    assert np.abs(across - down).max() < 0.03
    assert places(inside, WARNING)[ys, xs].all()


@pytest.mark.parametrize(
    ("status", "colour"),
    [("pending", FAINT), ("dead", WARNING), ("failed", WARNING), ("damaged", WARNING)],
)
def test_the_word_of_a_mark_stands_in_the_top_left_corner(status: str, colour: tuple[int, int, int]) -> None:
    assert_word(marked(status), status, 14, colour)


def assert_word(sheet: np.ndarray, status: str, size_px: int, colour: tuple[int, int, int]) -> None:
    """Hold that a word stands 8 px to the right of a mark's corner and 6 px below, on white."""
    expected = lettered(np.full_like(sheet, WHITE), status, size_px, (28, 36), colour)
    top, bottom, left, right = bounds(~places(expected, WHITE))
    word = np.s_[top:bottom, left:right]
    np.testing.assert_array_equal(sheet[word], expected[word])


def test_a_word_that_has_no_room_is_left_out() -> None:
    narrow = marked("damaged", (20, 30, 59, 149))
    assert not places(narrow, WHITE).any()
    assert places(narrow, WARNING)[30, 20:60].all()


@pytest.mark.parametrize(
    ("bottom", "text_px", "size_px"),
    [
        (149, 14, 14),
        (149, 20, 20),
        (54, 20, 10),  # 24 px less 14
        (54, 9, 9),
        (51, 20, 8),  # no smaller than 8
        (48, 20, 8),
    ],
)
def test_in_flat_cells_the_word_is_smaller(bottom: int, text_px: int, size_px: int) -> None:
    assert_word(marked("pending", (20, 30, 219, bottom), text_px), "pending", size_px, FAINT)


@pytest.mark.parametrize(
    ("right", "bottom", "has_word"), [(87, 149, True), (86, 149, False), (219, 47, True), (219, 46, False)]
)
def test_a_word_is_written_if_it_fits_with_the_ground_around_it(
    right: int, bottom: int, has_word: bool
) -> None:
    """At 14 px "pending" takes 55 columns from 28 on, and four follow; at 8 px 11 rows from 36."""
    assert places(marked("pending", (20, 30, right, bottom)), WHITE).any() == has_word


def test_a_word_has_four_pixels_of_ground_at_its_sides_and_a_line_of_ground() -> None:
    """At 14 px the letters take the rows 39 to 53 and the columns 28 to 82; a line is 18 px high."""
    ground = places(marked("pending"), WHITE)
    assert bounds(ground) == (36, 55, 24, 88)
    assert ground[36:39, 24:88].all()
    assert ground[36:55, 24:28].all()


def test_the_strike_is_a_line_from_corner_to_corner() -> None:
    struck = places(marked("failed", (20, 30, 119, 129)), WARNING)[60:127, 22:118]  # below the word
    for y, row in enumerate(struck, 60 - 30):
        assert (np.nonzero(row)[0] + 22 - 20).tolist() == [y - 1, y, y + 1]


@pytest.mark.parametrize("box", [BOX, (20, 30, 69, 149), (20, 30, 219, 49), (20, 30, 35, 45)])
@pytest.mark.parametrize("status", ["pending", "dead", "failed", "damaged"])
def test_a_mark_does_not_leave_its_cell(status: str, box: tuple[int, int, int, int]) -> None:
    sheet = marked(status, box, 12)
    sheet[box[1] : box[3] + 1, box[0] : box[2] + 1] = GROUND
    assert places(sheet, GROUND).all()


# ---- cells of a run

TOP, ACROSS, DOWN = 40, 96 + 8, 96 + 15 + 8  # of sheets with two columns of cells 96 px wide


def test_a_cell_says_what_became_of_its_unit(tmp_path: Path) -> None:
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    edges = plan.units[:5]
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        for unit, value, status in zip(
            edges, (11, 22, 33, 44), ("done", "dead", "failed", "done"), strict=False
        ):
            paint(run, unit, value, status)
    run.png(edges[3]).write_bytes(b"x" * run.png(edges[3]).stat().st_size)
    cells = [unit_cell(run, unit) for unit in edges]
    assert [cell.status for cell in cells] == ["done", "dead", "failed", "damaged", "pending"]
    assert [cell.caption for cell in cells] == [unit.label for unit in edges] == list("01234")
    values = [None if cell.pixels is None else set(cell.pixels.ravel().tolist()) for cell in cells]
    assert values == [{11}, {22}, None, None, None]


def test_a_contact_sheet_of_a_run_has_its_units_in_order(tmp_path: Path) -> None:
    """Pictures of 8 x 8 px are shown as large as the spec says pictures are: 96 wide, 64 is too small."""
    plan = plan_of_spec(str(write_spec(tmp_path)), ["output.grid.columns=2"]).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        for i, unit in enumerate(plan.units[:5]):
            paint(run, unit, 100 + 10 * i)
        path, *others = write_grids(run)
    assert others == []  # nothing of the other job is there yet
    sheet = read_picture(path)
    places = [(TOP + row * DOWN, 16 + column * ACROSS) for row in range(3) for column in range(2)]
    middles = [tuple(sheet[y + 48, x + 48]) for y, x in places]
    assert middles[:5] == [(value,) * 3 for value in (100, 110, 120, 130, 140)]
    assert middles[5] == BACKGROUND
