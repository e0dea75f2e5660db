"""Contact sheets, also very large and very odd ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.atlas import grid, grid_paths, write_grids
from fvcli.atlas.cells import Cell
from fvcli.atlas.grid import BACKGROUND, draw_grid
from fvcli.atlas.grid_layout import SHEET_WIDTH_PX, lay_out
from fvcli.run import RunFolder
from tests.helpers.painting import paint
from tests.helpers.running import SMALL_SPEC, write_spec

RED = np.full((224, 224, 3), (200, 30, 30), np.uint8)


def cells(count: int, status: str = "done") -> Iterator[Cell]:
    for i in range(count):
        yield Cell(RED if status in {"done", "dead"} else None, str(i), status)


def test_each_picture_is_in_its_place_unscaled() -> None:
    layout = lay_out([("", 6)], (224, 224), "title", 3)
    sheet = draw_grid(cells(6), 6, (224, 224), "title", columns=3)
    assert sheet.shape == (layout.size[1], layout.size[0], 3)
    for i in range(6):
        x = 16 + i % 3 * layout.step[0]
        y = layout.top_px + i // 3 * layout.step[1]
        assert (sheet[y : y + 224, x : x + 224] == RED).all()
        assert (sheet[y : y + 224, x + 224 : x + 224 + 8] == BACKGROUND).all()


PLAIN = [(200, 30, 30), (30, 200, 30), (30, 40, 200), (190, 190, 20), (20, 190, 190)]
# Of three columns of pictures 64 x 128: where cells begin, counted by hand.
LEFT, TOP, ACROSS, DOWN = 16, 40, 128 + 8, 64 + 20 + 8


def plain(colour: tuple[int, int, int], height: int = 64, width: int = 128) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def box_of(sheet: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of a colour, which must fill all between."""
    ys, xs = np.nonzero((sheet == np.uint8(colour)).all(-1))
    top, bottom, left, right = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    assert len(ys) == (bottom - top) * (right - left), "it has holes"
    return int(top), int(bottom), int(left), int(right)


def test_cells_stand_in_rows_from_left_to_right() -> None:
    sheet = draw_grid((Cell(plain(colour)) for colour in PLAIN), 5, (64, 128), "t", columns=3)
    assert sheet.shape == (40 + 2 * DOWN - 8 + 16, 16 + 3 * ACROSS - 8 + 16, 3)
    for i, colour in enumerate(PLAIN):
        y, x = TOP + i // 3 * DOWN, LEFT + i % 3 * ACROSS
        assert box_of(sheet, colour) == (y, y + 64, x, x + 128)
    assert (sheet[TOP + DOWN :, LEFT + 2 * ACROSS :] == BACKGROUND).all()  # where the sixth would be


@pytest.mark.parametrize("captioned", range(5))
def test_a_caption_stands_under_its_own_cell(captioned: int) -> None:
    cells = [Cell(plain(colour), "Ag" * (i == captioned)) for i, colour in enumerate(PLAIN)]
    without = [Cell(plain(colour)) for colour in PLAIN]
    sheets = [draw_grid(some, 5, (64, 128), "t", columns=3) for some in (cells, without)]
    ys, xs = np.nonzero((sheets[0] != sheets[1]).any(-1))
    y, x = TOP + captioned // 3 * DOWN + 64, LEFT + captioned % 3 * ACROSS
    assert y + 2 <= ys.min() < ys.max() < y + 20
    assert x <= xs.min() < x + 4
    assert xs.max() < x + 40


@pytest.mark.parametrize(
    ("shape", "size"), [((400, 800), (128, 256)), ((320, 240), (320, 240)), ((40, 20), (192, 96))]
)
def test_pictures_are_fitted_in_proportion(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """Larger ones become 256 wide, and very narrow ones 96."""
    sheet = draw_grid([Cell(plain(PLAIN[0], *shape))], 1, shape, "t")
    top, bottom, left, right = box_of(sheet, PLAIN[0])
    assert (bottom - top, right - left) == size
    assert left == 16


FAINT, WARNING, EMPTY = (140, 140, 150), (251, 146, 60), (48, 48, 53)


@pytest.mark.parametrize(
    ("status", "has_picture", "frame", "middle"),
    [
        ("done", True, PLAIN[1], PLAIN[1]),
        ("dead", True, WARNING, PLAIN[1]),
        ("failed", False, WARNING, WARNING),  # it is struck through
        ("pending", False, FAINT, EMPTY),
        ("damaged", False, WARNING, EMPTY),
    ],
)
def test_only_the_cell_that_is_not_done_is_marked(
    status: str, has_picture: bool, frame: tuple[int, int, int], middle: tuple[int, int, int]
) -> None:
    cells = [Cell(plain(colour), "x") for colour in PLAIN]
    cells[1] = Cell(plain(PLAIN[1]) if has_picture else None, "x", status)
    sheet = draw_grid(cells, 5, (64, 128), "t", columns=3)
    left = LEFT + ACROSS
    assert tuple(sheet[TOP, left + 100]) == tuple(sheet[TOP + 63, left + 100]) == frame
    assert tuple(sheet[TOP + 50, left]) == tuple(sheet[TOP + 50, left + 127]) == frame
    assert tuple(sheet[TOP + 32, left + 64]) == middle
    assert tuple(sheet[TOP + 50, left + 64]) == (middle if status != "failed" else EMPTY)
    for i in (0, 2, 3, 4):
        y, x = TOP + i // 3 * DOWN, LEFT + i % 3 * ACROSS
        assert box_of(sheet, PLAIN[i]) == (y, y + 64, x, x + 128)


def test_a_thousand_units_stay_readable() -> None:
    layout = lay_out([("", 1000)], (224, 224), "a thousand")
    assert len(list(layout.corners())) == 1000
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
    ("most", "files", "titles"),
    [
        (6, ["edges.png", "textures.png"], ["Edges", "Textures"]),
        (5, ["edges.png", "textures.png"], ["Edges", "Textures"]),  # the sheet is full
        (
            4,
            ["edges.png", "edges-2.png", "textures.png"],
            ["Edges (1 of 2)", "Edges (2 of 2)", "Textures"],
        ),
    ],
)
def test_a_job_has_as_many_sheets_as_its_units_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, files: list[str], titles: list[str]
) -> None:
    monkeypatch.setattr(grid, "CELLS_A_SHEET", most)
    drawn: list[tuple[str, int]] = []

    def draw(cells: Iterator[Cell], count: int, shape: object, title: str, **how: object) -> np.ndarray:
        drawn.append((title, len(list(cells))))
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(grid, "draw_grid", draw)
    titled = ["jobs.edges.title=Edges", "jobs.textures.title=Textures"]
    plan = plan_of_spec(str(write_spec(tmp_path)), titled).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        for unit in plan.units:
            paint(run, unit)
        assert write_grids(run) == grid_paths(run) == [run.path / "grids" / name for name in files]
    assert [title for title, _ in drawn] == titles
    assert sum(count for _, count in drawn) == len(plan.units)
