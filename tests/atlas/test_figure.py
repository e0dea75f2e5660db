"""Figures: every picture in its place, every word on the page."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.atlas.cells import Cell, checkerboard
from fvcli.atlas.figure import MARGIN_PX, Row, draw_figure
from fvcli.atlas.lettering import SMALLEST_PX, set_alike, set_text
from tests.helpers.seen_pixels import BLUE, GREEN, RED, VIOLET, YELLOW, extent, picture, places

LONG = "Slightly positive activation examples, drawn from a data set of photographs that nobody chose by hand"
NAME = "mixed4d_3x3_bottleneck_pre_relu/conv:139"
WHITE = 255


def strip(count: int, colour: tuple[int, ...] = RED, **facts: str) -> Row:
    return Row(facts.get("title", ""), [Cell(picture(colour=colour))] * count)


def margins_are_white(figure: np.ndarray) -> bool:
    frame = np.ones(figure.shape[:2], bool)
    frame[MARGIN_PX // 2 : -MARGIN_PX // 2, MARGIN_PX - 1 : 1 - MARGIN_PX] = False
    return bool((figure[frame] == WHITE).all())


def test_pictures_stand_side_by_side_unscaled() -> None:
    figure = draw_figure([strip(4), strip(2, BLUE)])
    assert places(figure, RED).sum() == 4 * 128 * 128
    assert places(figure, BLUE).sum() == 2 * 128 * 128
    assert extent(figure, RED)[1] < extent(figure, BLUE)[0]
    assert extent(figure, RED)[2] == extent(figure, BLUE)[2] == MARGIN_PX
    assert figure.shape[1] == extent(figure, RED)[3] + MARGIN_PX
    assert margins_are_white(figure)


# Of cells 128 px wide: a margin of 32, and gaps of 6 between columns and between rows.
LEFT, TOP, STEP = 32, 32, 128 + 6
FAINT, WARNING = (140, 140, 150), (200, 80, 10)
EMPTY, FRAME = (246, 246, 247), (214, 214, 219)


def test_cells_stand_in_rows_from_left_to_right() -> None:
    colours = ((RED, BLUE, GREEN), (YELLOW, VIOLET))
    rows = [Row("", [Cell(picture(colour=colour)) for colour in row]) for row in colours]
    figure = draw_figure(rows, cell_px=128)
    assert figure.shape == (2 * TOP + 2 * 128 + 6, 2 * LEFT + 3 * 128 + 2 * 6, 3)
    for y, row in enumerate(colours):
        for x, colour in enumerate(row):
            top, left = TOP + y * STEP, LEFT + x * STEP
            assert extent(figure, colour) == (top, top + 128, left, left + 128)


def test_pictures_are_centred_in_their_cells_and_as_high_as_half_as_much_again() -> None:
    sizes = {RED: (64, 128), BLUE: (128, 64), GREEN: (300, 100)}
    row = Row("", [Cell(picture(*size, colour)) for colour, size in sizes.items()])
    figure = draw_figure([row], cell_px=128)
    assert extent(figure, RED) == (TOP + 64, TOP + 128, LEFT, LEFT + 128)  # 128 wide, 64 high
    assert extent(figure, BLUE) == (TOP, TOP + 192, LEFT + STEP + 16, LEFT + STEP + 112)  # 96 x 192
    assert extent(figure, GREEN) == (TOP, TOP + 192, LEFT + 2 * STEP + 32, LEFT + 2 * STEP + 96)


@pytest.mark.parametrize("captioned", [0, 1, 2])
def test_a_caption_stands_under_its_own_cell(captioned: int) -> None:
    cells = [Cell(picture(), "Ag" * (i == captioned)) for i in range(3)]
    figure = draw_figure([Row("", cells)], cell_px=128)
    ink = np.nonzero((figure[TOP + 128 : -TOP] < WHITE).any((0, 2)))[0]
    middle = LEFT + captioned * STEP + 64
    assert abs((ink.min() + ink.max()) / 2 - middle) < 3
    assert ink.max() - ink.min() < 64


@pytest.mark.parametrize(
    ("status", "has_picture", "frame", "middle"),
    [
        ("done", True, GREEN, GREEN),
        ("dead", True, WARNING, GREEN),
        ("failed", False, WARNING, WARNING),  # it is struck through
        ("pending", False, FAINT, EMPTY),
        ("damaged", False, WARNING, EMPTY),
        ("done", False, FRAME, EMPTY),
    ],
)
def test_only_the_cell_that_is_not_done_is_marked(
    status: str, has_picture: bool, frame: tuple[int, ...], middle: tuple[int, ...]
) -> None:
    there = picture(colour=GREEN) if has_picture else None
    cells = [Cell(picture()), Cell(there, status=status), Cell(picture(colour=BLUE))]
    figure = draw_figure([Row("", cells)], cell_px=128)
    left = LEFT + STEP
    for y, x in ((TOP, left + 100), (TOP + 127, left + 100), (TOP + 90, left), (TOP + 90, left + 127)):
        assert tuple(figure[y, x]) == frame
    assert tuple(figure[TOP + 64, left + 64]) == middle
    assert tuple(figure[TOP + 90, left + 64]) == (middle if status != "failed" else EMPTY)
    assert extent(figure, RED) == (TOP, TOP + 128, LEFT, LEFT + 128)
    assert extent(figure, BLUE) == (TOP, TOP + 128, LEFT + 2 * STEP, LEFT + 2 * STEP + 128)


def test_titles_and_captions_cover_no_picture_and_stay_on_the_page() -> None:
    rows = [
        Row(text, [Cell(picture(), caption=text), Cell(picture(colour=BLUE), caption=NAME)])
        for text in (LONG, NAME, "", "a\nb")
    ]
    figure = draw_figure(rows, title=LONG * 3, caption=LONG * 9, columns=[LONG, NAME * 3])
    assert places(figure, RED).sum() == places(figure, BLUE).sum() == 4 * 128 * 128
    assert margins_are_white(figure)


def test_each_text_is_where_it_belongs() -> None:
    bare = draw_figure([strip(2)], cell_px=128)
    top, bottom, left, _ = extent(bare, RED)
    for facts in ({"title": "a title"}, {"columns": ["one", "two"]}):
        assert extent(draw_figure([strip(2)], **facts), RED)[0] > top
    assert extent(draw_figure([strip(2, title="a row")]), RED)[2] > left
    captioned = draw_figure([strip(2)], caption="a caption")
    assert extent(captioned, RED) == extent(bare, RED)
    assert (captioned[bottom + 1 :] < WHITE).any()


def test_column_titles_are_centred_over_their_columns() -> None:
    figure = draw_figure([strip(3)], columns=["one", "", "three"])
    top, _, left, _ = extent(figure, RED)
    ink = np.nonzero((figure[:top] < WHITE).any((0, 2)))[0]
    first = ink[ink < left + 128]
    assert abs((first.min() + first.max()) / 2 - (left + 64)) < 3
    assert not ((ink > left + 128) & (ink < left + 2 * 128)).any()


def test_a_narrow_figure_has_room_for_its_title() -> None:
    short, long = (
        draw_figure([Row("", [Cell(picture(96, 96))])], title=text) for text in ("t", "A much longer title")
    )
    assert short.shape[1] == 96 + 2 * MARGIN_PX < long.shape[1]
    assert short.shape[0] == long.shape[0]  # on one line
    endless = draw_figure([Row("", [Cell(picture(96, 96))])], title=LONG, caption=LONG * 5)
    assert long.shape[1] < endless.shape[1] < 800
    assert margins_are_white(endless)


@pytest.mark.parametrize("count", [1, 4, 6, 10, 14])
@pytest.mark.parametrize("title", ["", LONG])
def test_a_figure_stays_within_its_width(count: int, title: str) -> None:
    large = Row(title, [Cell(picture(512, 512))] * count)
    figure = draw_figure([large])
    assert figure.shape[1] <= 2000
    _, _, left, right = extent(figure, RED)
    assert 96 * count <= right - left <= 270 * count


def test_small_pictures_are_not_blown_up_and_a_given_width_is_kept() -> None:
    assert places(draw_figure([strip(1)]), RED).sum() == 128 * 128
    assert places(draw_figure([strip(1)], cell_px=200), RED).sum() == 200 * 200


@pytest.mark.parametrize(("height", "width"), [(64, 128), (120, 80), (1000, 100), (3, 400)])
def test_pictures_keep_their_proportions(height: int, width: int) -> None:
    figure = draw_figure([Row("", [Cell(picture(height, width)), Cell(picture(128, 128, BLUE))])])
    top, bottom, left, right = extent(figure, RED)
    assert (right - left) * height == pytest.approx((bottom - top) * width, abs=max(height, width))
    other = extent(figure, BLUE)
    assert (top + bottom) / 2 == pytest.approx((other[0] + other[1]) / 2, abs=1)
    assert right <= other[2]


def test_a_row_is_as_high_as_its_pictures() -> None:
    flat, square = (draw_figure([Row("", [Cell(picture(h, 128))] * 2)]) for h in (32, 128))
    assert square.shape[0] - flat.shape[0] == 128 - 32


@pytest.mark.parametrize("status", ["dead", "failed", "pending", "damaged"])
@pytest.mark.parametrize("pixels", [picture(), picture(4, 128), None])
def test_cells_that_are_not_done_are_marked_within_their_place(
    status: str, pixels: np.ndarray | None
) -> None:
    rows = [Row("", [Cell(picture(colour=BLUE)), Cell(pixels, status=status), Cell(picture(colour=BLUE))])]
    figure = draw_figure(rows)
    assert (figure != draw_figure([Row("", [rows[0].cells[0], Cell(pixels), rows[0].cells[2]])])).any()
    assert places(figure, BLUE).sum() == 2 * 128 * 128


@pytest.mark.parametrize("cell_px", [16, 32, 64])
def test_marks_do_not_leave_cells_that_are_very_small(cell_px: int) -> None:
    rows = [Row("", [Cell(None, status="pending"), Cell(picture(colour=BLUE))])]
    assert places(draw_figure(rows, cell_px=cell_px), BLUE).sum() == cell_px**2


def test_marks_tell_dead_failed_and_pending_apart() -> None:
    sheets = [draw_figure([Row("", [Cell(None, status=s)])]) for s in ("done", "dead", "failed", "pending")]
    assert len({sheet.tobytes() for sheet in sheets}) == 4


def test_an_empty_cell_is_framed() -> None:
    figure = draw_figure([Row("", [Cell(None), Cell(picture())])])
    _, _, left, _ = extent(figure, RED)
    assert (figure[MARGIN_PX, MARGIN_PX : MARGIN_PX + 128] < WHITE).all()
    assert (figure[:, MARGIN_PX + 128 : left] == WHITE).all()


@pytest.mark.parametrize("rows", [[], [Row("", [])], [Row("alone", [])], [Row("a", []), strip(1)]])
def test_figures_without_pictures(rows: list[Row]) -> None:
    assert draw_figure(rows).shape[2] == 3
    assert margins_are_white(draw_figure(rows, title="title", caption="caption", columns=["one"]))


def test_grey_pictures() -> None:
    assert places(draw_figure([strip(1, (90,))]), (90, 90, 90)).sum() == 128 * 128


def test_squares_keep_their_size_when_pictures_are_scaled() -> None:
    figure = draw_figure([Row("", [Cell(picture(400, 400, (*RED, 0)))])], cell_px=96)
    inside = figure[MARGIN_PX : MARGIN_PX + 96, MARGIN_PX : MARGIN_PX + 96]
    np.testing.assert_array_equal(inside, checkerboard(picture(96, 96, (0, 0, 0, 0))))


@given(text=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=200))
@settings(max_examples=60)
def test_wrapping_loses_no_letter(text: str) -> None:
    for block in [set_text(text, 90, 14), *set_alike([text, "short"], 90, 14, 3)[:1]]:
        assert "".join(block.lines).replace(" ", "") == "".join(text.split())
        assert block.width_px <= 90


def test_texts_side_by_side_have_one_size_and_get_smaller_before_they_get_long() -> None:
    short, long = set_alike(["one", LONG], 200, 20, lines=4)
    assert short.size_px == long.size_px < 20
    assert len(long.lines) <= 4
    just_fits = set_alike(["one", "one\ntwo"], 200, 20, lines=2)
    assert [(block.lines, block.size_px) for block in just_fits] == [(("one",), 20), (("one", "two"), 20)]
    endless = set_alike([LONG * 9], 200, 20, lines=4)[0]
    assert endless.size_px == SMALLEST_PX
    assert len(endless.lines) > 4


def test_lines_are_of_about_one_length_and_words_stay_whole() -> None:
    block = set_alike(["Layer 4d, unit 503 to layer 5a, unit 791"], 250, 18, lines=4)[0]
    assert block.lines == ("Layer 4d, unit 503", "to layer 5a, unit 791")
    assert set_alike(["a bottleneck"], 120, 20, lines=4)[0].lines == ("a bottleneck",)


def test_names_are_broken_where_they_have_joints() -> None:
    assert set_text(NAME, 170, 14).lines == ("mixed4d_3x3_bottleneck_", "pre_relu/conv:139")
