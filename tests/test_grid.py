"""Contact sheets, also very large and very odd ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fvcli.atlas.grid import BACKGROUND, SHEET_WIDTH_PX, Cell, _lay_out, draw_grid

RED = np.full((224, 224, 3), (200, 30, 30), np.uint8)


def cells(count: int, status: str = "done") -> Iterator[Cell]:
    for i in range(count):
        yield Cell(str(i), status, RED if status in {"done", "dead"} else None)


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
    cell = Cell("a very long class name that never ends, and goes on", "done", RED)
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
    sheet = draw_grid((Cell(str(i), "done", pixels) for i in range(5)), 5, shape, "t")
    assert sheet.ndim == 3


def test_grey_pictures() -> None:
    pixels = np.full((224, 224, 1), 90, np.uint8)
    sheet = draw_grid(iter([Cell("0", "done", pixels)]), 1, (224, 224), "t", columns=1)
    assert (sheet[60:200, 60:200] == 90).all()
