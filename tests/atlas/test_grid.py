"""Contact sheets, also very large and very odd ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fvcli.atlas.cells import Cell, _seen
from fvcli.atlas.grid import BACKGROUND, SHEET_WIDTH_PX, _lay_out, draw_grid

RED = np.full((224, 224, 3), (200, 30, 30), np.uint8)


def cells(count: int, status: str = "done") -> Iterator[Cell]:
    for i in range(count):
        yield Cell(RED if status in {"done", "dead"} else None, str(i), status)


def test_each_picture_is_in_its_place_unscaled() -> None:
    layout = _lay_out(6, (224, 224), 3, True)
    sheet = draw_grid(cells(6), 6, (224, 224), "title", columns=3)
    assert sheet.shape == (layout.size[1], layout.size[0], 3)
    for i in range(6):
        x = 16 + i % 3 * layout.step[0]
        y = layout.top_px + i // 3 * layout.step[1]
        assert (sheet[y : y + 224, x : x + 224] == RED).all()
        assert (sheet[y : y + 224, x + 224 : x + 224 + 8] == BACKGROUND).all()


def test_a_thousand_units_stay_readable() -> None:
    layout = _lay_out(1000, (224, 224), None, True)
    assert layout.columns * layout.rows >= 1000
    assert layout.size[0] <= SHEET_WIDTH_PX
    assert layout.width_px >= 96
    assert layout.label_px >= 11
    sheet = draw_grid(cells(1000), 1000, (224, 224), "a thousand")
    assert sheet.shape[1] == layout.size[0]


@pytest.mark.parametrize("status", ["dead", "failed", "pending", "damaged"])
def test_cells_that_are_not_done_look_different(status: str) -> None:
    done = draw_grid(cells(1), 1, (224, 224), "t")
    other = draw_grid(cells(1, status), 1, (224, 224), "t")
    assert (done != other).any()


def test_marks_differ_between_dead_failed_and_pending() -> None:
    sheets = [draw_grid(cells(1, status), 1, (224, 224), "t") for status in ("dead", "failed", "pending")]
    assert (sheets[0] != sheets[1]).any()
    assert (sheets[1] != sheets[2]).any()


def test_without_labels_rows_are_closer() -> None:
    with_labels = draw_grid(cells(4), 4, (224, 224), "t", columns=2)
    without = draw_grid(cells(4), 4, (224, 224), "t", columns=2, labels=False)
    assert without.shape[0] < with_labels.shape[0]


def test_long_labels_stay_in_their_cell() -> None:
    cell = Cell(RED, "a very long class name that never ends, and goes on", "done")
    sheet = draw_grid(iter([cell]), 1, (224, 224), "t")
    assert (sheet[:, 16 + 224 :] == BACKGROUND).all()


def test_a_sheet_is_as_wide_as_its_title() -> None:
    title = "a title that is longer than the only cell of this sheet is wide"
    short, long = (draw_grid(cells(1), 1, (224, 224), text) for text in ("t", title))
    assert long.shape[1] > short.shape[1] == 2 * 16 + 224
    assert (long[:50, -16:] == BACKGROUND).all()


@pytest.mark.parametrize("shape", [(64, 640), (640, 64), (33, 47)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    sheet = draw_grid((Cell(pixels, str(i)) for i in range(5)), 5, shape, "t")
    assert sheet.ndim == 3


def test_grey_pictures() -> None:
    pixels = np.full((224, 224, 1), 90, np.uint8)
    sheet = draw_grid(iter([Cell(pixels, "0")]), 1, (224, 224), "t", columns=1)
    assert (sheet[60:200, 60:200] == 90).all()


@pytest.mark.parametrize(
    ("canvas", "rows", "columns"),
    [
        (None, (0, 100), (0, 200)),
        ((40, 90, 20, 20), (40, 60), (80, 120)),
        ((-5, 190, 20, 20), (0, 20), (160, 200)),
        ((-40, -40, 180, 180), (0, 100), (0, 200)),
    ],
)
def test_a_cell_shows_what_was_optimised_in_the_proportions_of_the_picture(
    canvas: tuple[int, int, int, int] | None, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """The canvas, or of one that sticks out what is inside, and enough around it."""
    pixels = np.random.default_rng(0).integers(0, 255, (100, 200, 3), np.uint8)
    place = canvas and dict(zip(("top", "left", "height", "width"), canvas, strict=True))
    np.testing.assert_array_equal(_seen(pixels, place), pixels[slice(*rows), slice(*columns)])
