"""Where everything of a figure is and how large, in pixels counted by hand.

An H of 11 px has its ink in the rows 3 to 10 of its line and begins in its second column; of 13 px in the
rows 3 to 12, of 14 px in 4 to 13, and of 19 px in 5 to 18 from the third column on. A line is as high as 1.32
times its letters.
"""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.atlas.cells import Cell
from fvcli.atlas.figure import Row, draw_figure
from tests.helpers.seen_pixels import (
    BLUE,
    GREEN,
    RED,
    bounds,
    extent,
    ink_extent,
    lettered,
    picture,
    places,
)

INK, SOFT_INK = (32, 32, 36), (102, 102, 110)
WHITE, FAINT, WARNING, EMPTY = (255, 255, 255), (140, 140, 150), (200, 80, 10), (246, 246, 247)
EDGES = 2 * 32  # margins of a figure, above and below, left and right


def row(*cells: Cell, title: str = "") -> Row:
    return Row(title, cells)


def darkest(part: np.ndarray) -> tuple[int, ...]:
    return min(map(tuple, part.reshape(-1, 3).tolist()), key=sum)


def test_texts_and_pictures_follow_one_another_from_top_to_bottom() -> None:
    """Of cells 128 px wide gaps are 6 px, titles of columns 13 px, and captions 11 px with 5 px of air."""
    cells = row(Cell(picture(), "H"), Cell(picture(colour=BLUE)))
    figure = draw_figure([cells], title="H", caption="H", columns=["H", ""], cell_px=128)
    title, columns, pictures, captions = 32, 32 + 34 + 6, 32 + 34 + 6 + 17 + 6, 95 + 128 + 5
    caption = captions + 15 + 5 + 6
    assert figure.shape == (caption + 7 + 18 + 32, EDGES + 2 * 128 + 6, 3)
    assert ink_extent(figure, 0, columns) == (title + 5, title + 19, 32 + 1, 32 + 13)
    assert ink_extent(figure, columns, pictures) == (
        columns + 3,
        columns + 13,
        32 + 59 + 1,  # 128 less 10, halved
        32 + 59 + 9,
    )
    assert extent(figure, RED) == (pictures, pictures + 128, 32, 160)
    assert extent(figure, BLUE) == (pictures, pictures + 128, 166, 294)
    assert ink_extent(figure, captions, caption) == (captions + 3, captions + 11, 32 + 59 + 1, 32 + 59 + 8)
    assert ink_extent(figure, caption) == (caption + 7 + 4, caption + 7 + 14, 32 + 1, 32 + 10)


def test_titles_are_darker_than_captions() -> None:
    """In a figure of seven cells 256 px wide letters are so large that some of their ink is full."""
    cells = [Cell(picture(256, 256), "HHH")] * 7
    figure = draw_figure([Row("", cells)], title="HHH", caption="HHH", columns=["HHH"], cell_px=256)
    top, bottom, _, _ = extent(figure, RED)
    assert figure.shape[1] == EDGES + 7 * 256 + 6 * 12
    assert darkest(figure[: 32 + 40]) == darkest(figure[top - 26 : top]) == INK
    assert darkest(figure[bottom : bottom + 30]) == darkest(figure[-60:]) == SOFT_INK
    assert darkest(draw_figure([Row("HHH", cells)], cell_px=256)[:, :100]) == INK


@pytest.mark.parametrize(
    ("cell_px", "gap", "captioned"),
    [
        (96, 6, 96 + 5 + 15 + 5),  # letters of 11 px
        (140, 7, 140 + 5 + 15 + 5),
        (168, 8, 168 + 6 + 16 + 6),  # of 12
        (200, 10, 200 + 7 + 18 + 7),  # of 14
        (256, 12, 256 + 8 + 22 + 8),  # of 17
        (400, 20, 400 + 8 + 22 + 8),
    ],
)
def test_gaps_and_captions_grow_with_the_cells(cell_px: int, gap: int, captioned: int) -> None:
    cells = row(Cell(picture(), "H"), Cell(picture(colour=BLUE)))
    figure = draw_figure([cells, row(Cell(picture(colour=GREEN)))], cell_px=cell_px)
    assert figure.shape == (EDGES + captioned + gap + cell_px, EDGES + 2 * cell_px + gap, 3)
    assert extent(figure, BLUE)[2:] == (32 + cell_px + gap, 32 + 2 * cell_px + gap)
    assert extent(figure, GREEN) == (32 + captioned + gap, 32 + captioned + gap + cell_px, 32, 32 + cell_px)


@pytest.mark.parametrize(
    ("cell_px", "height"),
    [(96, 17), (167, 17), (168, 18), (200, 21), (240, 26), (400, 26)],  # of 13, 13, 14, 16, 20 and 20 px
)
def test_titles_of_columns_and_rows_grow_with_the_cells(cell_px: int, height: int) -> None:
    gap = max(6, cell_px // 20)
    under = draw_figure([row(Cell(picture()))], columns=["H"], cell_px=cell_px)
    assert under.shape[0] == EDGES + height + gap + cell_px
    alone = draw_figure([row(title="H")], cell_px=cell_px)
    assert alone.shape[0] == EDGES + height


@pytest.mark.parametrize(
    ("cell_px", "count", "title", "caption"),
    [
        (128, 2, 25 + 9, 7 + 18),  # of 19 and 14 px
        (256, 2, 36 + 13, 10 + 26),  # of 27 and 20 px
        (200, 8, 40 + 15, 11 + 29),  # 1,670 px wide: of 30 and 22 px
        (256, 9, 46 + 17, 13 + 34),  # no larger than 35 and 26 px
    ],
)
def test_title_and_caption_grow_with_the_figure(cell_px: int, count: int, title: int, caption: int) -> None:
    rows = [row(*[Cell(picture())] * count)]
    gap = cell_px // 20
    bare = EDGES + cell_px
    assert draw_figure(rows, title="H", cell_px=cell_px).shape[0] == bare + title + gap
    assert draw_figure(rows, caption="H", cell_px=cell_px).shape[0] == bare + caption + gap
    assert draw_figure(rows, title=" ", caption="\n", cell_px=cell_px).shape[0] == bare


@pytest.mark.parametrize(
    ("facts", "inner"),
    [
        ({"title": "H"}, 128),
        ({"title": "H" * 10}, 141),  # of 19 px
        ({"caption": "H" * 20}, 208),  # of 14 px
        ({"title": "H" * 10, "caption": "H" * 20}, 208),
        ({"title": "H" * 20, "caption": "H" * 20}, 282),
        ({"title": "H" * 39}, 550),
        ({"title": "H" * 40}, 550),
        ({"caption": "H" * 54}, 550),  # 53 of them
    ],
)
def test_a_narrow_figure_is_as_wide_as_its_texts_up_to_560(facts: dict[str, str], inner: int) -> None:
    figure = draw_figure([row(Cell(picture()))], cell_px=128, **facts)
    assert figure.shape[1] == EDGES + inner
    assert extent(figure, RED)[2:] == (32, 160)


@pytest.mark.parametrize(
    ("facts", "height"),
    [
        ({"title": "H" * 47}, 25 + 9),  # 658 px
        ({"title": "H" * 48}, 50 + 9),
        ({"caption": "H" * 63}, 7 + 18),  # 653.6 px
        ({"caption": "H" * 65}, 7 + 37),
    ],
)
def test_texts_of_a_wide_figure_take_its_whole_width(facts: dict[str, str], height: int) -> None:
    """Five cells and their gaps are 664 px wide."""
    figure = draw_figure([row(*[Cell(picture())] * 5)], cell_px=128, **facts)
    assert figure.shape[:2] == (EDGES + height + 6 + 128, EDGES + 664)


def test_title_and_caption_of_a_narrow_figure_share_its_width() -> None:
    """Of 282 px the title takes all, and the caption 270 px."""
    figure = draw_figure([row(Cell(picture()))], title="H" * 20, caption="H" * 26, cell_px=128)
    assert figure.shape[:2] == (EDGES + 34 + 6 + 128 + 6 + 25, EDGES + 282)


def test_a_figure_of_words_alone_is_as_wide_as_they_are() -> None:
    assert draw_figure([], title="HH", cell_px=128).shape == (EDGES + 34, EDGES + 29, 3)
    assert draw_figure([]).shape == (EDGES, EDGES, 3)
    assert draw_figure([row(title="H")]).shape == (EDGES + 26, EDGES + 15 + 2 * 12, 3)  # of 20 px


# ---- titles of rows and columns


def test_titles_of_rows_make_room_on_the_left_and_stand_beside_the_middle_of_the_pictures() -> None:
    """The longer of them is 24 px wide; two gaps of 10 px follow it. Lines are 21 px high."""
    rows = [
        row(Cell(picture(), "H"), title="H"),
        row(Cell(picture(100, 200, BLUE)), title="HH\nH"),
        row(Cell(picture(10, 200, GREEN)), title="H\nH"),
    ]
    figure = draw_figure(rows, cell_px=200)
    left, second = 32 + 24 + 20, 32 + 232 + 10
    third = second + 100 + 10
    assert figure.shape == (third + 42 + 32, left + 200 + 32, 3)
    assert extent(figure, RED) == (32, 232, left, left + 200)
    assert extent(figure, BLUE) == (second, second + 100, left, left + 200)
    assert extent(figure, GREEN) == (third, third + 10, left, left + 200)
    names = figure[:, :left]
    assert ink_extent(names, 0, second) == (32 + 89 + 4, 32 + 89 + 16, 32 + 1, 32 + 11)
    assert ink_extent(names, second, third)[:2] == (second + 29 + 4, second + 29 + 21 + 16)
    assert ink_extent(names, third) == (third + 4, third + 21 + 16, 32 + 1, 32 + 11)


@pytest.mark.parametrize(
    ("title", "height"),
    [
        ("H" * 16, 21),  # 188 px of 192, at 16 px
        ("H" * 17, 42),
        ("\n".join("H" * 5), 106),
        ("\n".join("H" * 6), 87),  # at 11 px
    ],
)
def test_a_row_title_is_wrapped_to_twelve_letters_width_and_smaller_beyond_five_lines(
    title: str, height: int
) -> None:
    assert draw_figure([row(title=title)], cell_px=200).shape[0] == EDGES + height


@pytest.mark.parametrize(
    ("cell_px", "caption", "height"),
    [
        (128, "H" * 14, 15),  # 115 px of 122
        (128, "H" * 15, 29),
        (16, "HH", 15),  # 16 px of 22
        (16, "HHH", 29),
        (200, "\n".join("H" * 4), 74),  # at 14 px
        (200, "\n".join("H" * 5), 73),  # at 11 px
    ],
)
def test_a_caption_is_wrapped_apart_from_the_next_and_smaller_beyond_four_lines(
    cell_px: int, caption: str, height: int
) -> None:
    captioned, bare = (draw_figure([row(Cell(picture(), text))], cell_px=cell_px) for text in (caption, ""))
    air = 7 if cell_px == 200 else 5
    assert captioned.shape[0] - bare.shape[0] == air + height + air


@pytest.mark.parametrize(
    ("column", "height"),
    [
        ("H" * 16, 21),  # 188 px of 190, at 16 px
        ("H" * 17, 42),
        ("\n".join("H" * 3), 63),
        ("\n".join("H" * 4), 58),  # at 11 px
    ],
)
def test_a_column_title_is_wrapped_apart_from_the_next_and_smaller_beyond_three_lines(
    column: str, height: int
) -> None:
    figure = draw_figure([row(Cell(picture()))], columns=[column], cell_px=200)
    assert figure.shape[0] == EDGES + height + 10 + 200


def test_column_titles_end_at_one_height_over_the_middle_of_their_cells() -> None:
    rows = [row(Cell(picture()), Cell(picture(colour=BLUE)), title="H")]
    figure = draw_figure(rows, columns=["H", "", "HH\nH"], cell_px=128)
    left = 32 + 10 + 12
    assert figure.shape[:2] == (EDGES + 34 + 6 + 128, left + 3 * 128 + 2 * 6 + 32)
    first, third = figure[: 32 + 34, : left + 131], figure[: 32 + 34, left + 2 * 134 :]
    assert ink_extent(first) == (32 + 17 + 3, 32 + 17 + 13, left + 59 + 1, left + 59 + 9)
    assert ink_extent(third)[:2] == (32 + 3, 32 + 17 + 13)
    assert ink_extent(third, 0, 32 + 17)[2] == 54 + 1  # 128 less 19, halved
    assert ink_extent(third, 32 + 17)[2] == 59 + 1
    assert (figure[: 32 + 34, left + 131 : left + 2 * 134] == 255).all()


def test_columns_without_a_title_need_no_room_above() -> None:
    rows = [row(Cell(picture()))]
    figure = draw_figure(rows, columns=["", ""], cell_px=128)
    assert figure.shape[:2] == (EDGES + 128, EDGES + 2 * 128 + 6)


# ---- heights of rows, and pictures in their cells


@pytest.mark.parametrize(
    ("cells", "height"),
    [
        ([Cell(picture(8, 128))], 8),
        ([Cell(picture(8, 128)), Cell(picture(64, 128))], 64),
        ([Cell(picture(8, 128)), Cell(None)], 8),
        ([Cell(picture(8, 128)), Cell(None, status="pending")], 39),  # three lines of 13 px
        ([Cell(picture(8, 128), status="dead")], 39),
        ([Cell(picture(64, 128)), Cell(None, status="failed")], 64),
        ([Cell(None)], 100),
        ([Cell(None, status="pending")], 100),
        ([], 1),
    ],
)
def test_a_row_is_as_high_as_its_pictures_and_the_words_of_its_marks(cells: list[Cell], height: int) -> None:
    """A row without pictures is as high as the highest of the others."""
    figure = draw_figure(
        [row(Cell(picture(100, 128, BLUE))), row(*cells), row(Cell(picture(50, 128, GREEN)))], cell_px=128
    )
    assert extent(figure, BLUE)[:2] == (32, 132)
    assert extent(figure, GREEN)[0] == 32 + 100 + 6 + height + 6
    assert figure.shape[0] == EDGES + 100 + 6 + height + 6 + 50


@pytest.mark.parametrize("status", ["done", "pending", "failed"])
def test_rows_without_any_picture_are_square(status: str) -> None:
    figure = draw_figure([row(Cell(None, status=status)), row()], cell_px=128)
    assert figure.shape[:2] == (EDGES + 128 + 6 + 1, EDGES + 128)
    assert ink_extent(figure) == (32, 160, 32, 160)


def test_a_caption_stands_under_its_picture_or_under_its_mark() -> None:
    """A mark makes the row 39 px high, and pictures of 8 px are in the middle."""
    flat = picture(8, 128)
    cells = row(Cell(flat, "H"), Cell(picture(8, 128, BLUE), "H", "dead"), Cell(None, "H", "pending"))
    figure = draw_figure([cells], cell_px=128)
    assert extent(figure, RED)[:2] == (32 + 15, 32 + 23)
    assert extent(figure, BLUE)[:2] == (32 + 15, 32 + 23)
    assert ink_extent(figure[:, 32:160], 32 + 23)[:2] == (32 + 23 + 5 + 3, 32 + 23 + 5 + 11)
    for left in (32 + 134, 32 + 2 * 134):
        under = figure[:, left : left + 128]
        assert ink_extent(under, 32 + 39)[:2] == (32 + 39 + 5 + 3, 32 + 39 + 5 + 11)
    assert figure.shape[0] == EDGES + 39 + 5 + 15 + 5


@pytest.mark.parametrize("cell_px", [128, 256])
@pytest.mark.parametrize(("status", "frame"), [("pending", FAINT), ("damaged", WARNING)])
def test_a_mark_fills_its_cell_with_its_frame_and_word(
    status: str, frame: tuple[int, int, int], cell_px: int
) -> None:
    figure = draw_figure([row(Cell(picture()), Cell(None, status=status))], cell_px=cell_px)
    left = 32 + cell_px + cell_px // 20
    assert extent(figure, frame) == (32, 32 + cell_px, left, left + cell_px)
    assert extent(figure, EMPTY) == (34, 30 + cell_px, left + 2, left + cell_px - 2)
    size_px = {128: 13, 256: 20}[cell_px]
    expected = lettered(np.full_like(figure, 255), status, size_px, (left + 8, 32 + 6), frame)
    top, bottom, begin, end = bounds(~places(expected, WHITE))
    np.testing.assert_array_equal(figure[top:bottom, begin:end], expected[top:bottom, begin:end])


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((100, 150), (85, 128)),  # 85.3
        ((67, 100), (86, 128)),  # 85.8
        ((300, 150), (192, 96)),
        ((300, 101), (192, 65)),  # 64.6
        ((1, 600), (1, 128)),
        ((900, 1), (192, 1)),
    ],
)
def test_pictures_fit_into_their_cells_to_the_nearest_pixel(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    figure = draw_figure([row(Cell(picture(*shape)))], cell_px=128)
    left = 32 + (128 - size[1]) // 2
    assert extent(figure, RED) == (32, 32 + size[0], left, left + size[1])


def test_planes_fit_into_their_cell_side_by_side() -> None:
    planes = np.stack([np.full((64, 64), value, np.uint8) for value in (50, 200)], -1)
    figure = draw_figure([row(Cell(planes))], cell_px=128)
    assert figure.shape[:2] == (EDGES + 64, EDGES + 128)
    assert extent(figure, (50,) * 3) == (32, 96, 32, 96)
    assert extent(figure, (200,) * 3) == (32, 96, 96, 160)


def test_fine_stripes_become_grey_when_a_picture_is_scaled_down() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 200
    figure = draw_figure([row(Cell(stripes))], cell_px=64)
    assert np.abs(figure[40:88, 40:88].astype(int) - 100).max() <= 3


@pytest.mark.parametrize(
    ("rows", "columns", "width"),
    [
        ([row(Cell(picture(512, 512)))], 0, 256),
        ([row(*[Cell(picture(512, 512))] * 10)], 0, 184),  # 1,936 px for ten, and a twentieth for gaps
        ([row(*[Cell(picture(512, 512))] * 10, title="H")], 0, 159),  # 260 px less
        ([row(*[Cell(picture(512, 512))] * 10), row(title="H")], 0, 159),
        ([row(*[Cell(picture(512, 512))] * 30)], 0, 96),
        ([row(Cell(picture(512, 512)))], 10, 184),
        ([row(*[Cell(picture(512, 512))] * 4), row(*[Cell(None)] * 10)], 0, 184),
        ([row(Cell(picture(50, 50)))], 0, 96),
        ([row(Cell(picture(150, 150)))], 0, 150),
        ([row(Cell(picture(140, 150)))], 0, 150),
        ([row(Cell(picture(225, 150)))], 0, 150),
        ([row(Cell(picture(120, 120))), row(Cell(picture(150, 150, BLUE)))], 0, 150),
    ],
)
def test_cells_are_as_wide_as_pictures_are_and_the_figure_allows(
    rows: list[Row], columns: int, width: int
) -> None:
    _, _, left, right = extent(draw_figure(rows, columns=[""] * columns), RED)
    count = len(rows[0].cells)
    assert right - left == count * width + (count - 1) * max(6, width // 20)


def test_without_pictures_cells_are_as_wide_as_they_may_be() -> None:
    assert draw_figure([row(Cell(None))]).shape[:2] == (EDGES + 256, EDGES + 256)
    assert draw_figure([row(*[Cell(None)] * 10)]).shape[:2] == (EDGES + 184, EDGES + 10 * 184 + 9 * 9)
