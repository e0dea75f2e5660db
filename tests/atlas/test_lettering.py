"""Text in figures: sizes and lines with literal numbers, and where letters are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fvcli.atlas.lettering import Block, set_alike, set_text
from tests.helpers.seen_pixels import bounds


def inked(block: Block, corner: tuple[int, int], **options: int) -> np.ndarray:
    """Where something is drawn on a white sheet: bool [200, 300]."""
    sheet = Image.new("RGB", (300, 200), (255, 255, 255))
    block.draw(sheet, corner, (200, 30, 30), **options)
    return (np.asarray(sheet) != 255).any(-1)


def test_text_of_as_many_lines_as_are_allowed_keeps_its_size() -> None:
    three = set_alike(["a\nb\nc", "one"], 200, 20, lines=3)
    assert [(block.lines, block.size_px) for block in three] == [(("a", "b", "c"), 20), (("one",), 20)]
    four = set_alike(["a\nb\nc\nd", "one"], 200, 20, lines=3)
    assert [(len(block.lines), block.size_px) for block in four] == [(4, 11), (1, 11)]
    assert set_alike([], 200, 20, lines=3) == []


def test_text_gets_no_smaller_than_it_must() -> None:
    """Eight letters that are as wide as their size allows: the first size that fits is taken."""
    width = set_text("HHHH", 999, 15).width_px
    block = set_alike(["HHHH HHHH"], width, 20, lines=2)[0]
    assert (block.lines, block.size_px) == (("HHHH", "HHHH"), 15)


def test_a_block_is_as_high_as_its_lines() -> None:
    assert [Block(("x",) * n, 20).height_px for n in range(4)] == [0, 26, 53, 79]
    assert Block((), 20).width_px == 0
    assert Block(("a", "longer", "b"), 20).width_px == Block(("longer",), 20).width_px > 0


@pytest.mark.parametrize(
    ("text", "size_px", "width_px"),
    [("H", 20, 15), ("HH", 20, 30), ("HHHHHHHH", 20, 119), ("HHHHHHHH", 16, 95), ("H", 13, 10), ("", 20, 0)],
)
def test_letters_take_their_true_width_and_lines_the_next_whole_pixel(
    text: str, size_px: int, width_px: int
) -> None:
    """An H is 0.741 of its size wide."""
    assert Block((text,), size_px).width_px == width_px


def test_lines_are_drawn_one_below_the_other_from_a_corner() -> None:
    """An H of 20 px has its ink in the rows 5 to 19 and the columns 1 to 12; lines are 26.4 px apart."""
    ink = inked(Block(("H", "HHH", "H"), 20), (40, 50))
    assert bounds(ink) == (50 + 5, 50 + 53 + 20, 40 + 1, 40 + 30 + 13)
    rows = np.nonzero(ink.any(1))[0] - 50
    assert rows.tolist() == [*range(5, 20), *range(26 + 5, 26 + 20), *range(53 + 5, 53 + 20)]


def test_each_line_is_centred_in_the_width_that_is_given() -> None:
    """Of 100 px a line 15 wide leaves 85, and one 45 wide leaves 55; one that is too wide begins left."""
    ink = inked(Block(("H", "HHH"), 20), (40, 50), centre_px=100)
    assert bounds(ink[:75]) == (55, 70, 40 + 42 + 1, 40 + 42 + 13)
    assert bounds(ink[75:])[2:] == (40 + 27 + 1, 40 + 27 + 30 + 13)
    assert bounds(inked(Block(("HHH",), 20), (40, 50), centre_px=30))[2] == 40 + 1
    assert bounds(inked(Block(("HHH",), 20), (40, 50), centre_px=47))[2] == 40 + 1 + 1


@pytest.mark.parametrize(("size_px", "bottom"), [(11, 14), (14, 18), (20, 25)])
def test_what_reaches_below_the_line_is_not_cut_off(size_px: int, bottom: int) -> None:
    """A g ends 0.24 of its size below the baseline, which is 11, 14 and 20 px below the top of its line."""
    assert bounds(inked(Block(("gg",), size_px), (0, 0)))[1] == bottom


def test_what_reaches_out_of_the_place_of_a_line_is_not_cut_off() -> None:
    """An f of 20 px is 6.88 px wide and its ink ends at 7.74; a j begins 1.1 px before its place."""
    assert Block(("f",), 20).width_px == 7
    assert bounds(inked(Block(("f",), 20), (10, 0)))[3] == 10 + 8
    assert bounds(inked(Block(("j",), 20), (10, 0)))[2] == 10 - 2


def test_letters_have_the_ink_that_is_asked_for() -> None:
    sheet = Image.new("RGB", (60, 60), (255, 255, 255))
    Block(("H",), 40).draw(sheet, (5, 5), (200, 30, 30))
    assert (np.asarray(sheet) == (200, 30, 30)).all(-1).any()
    assert ((np.asarray(sheet) == (200, 30, 30)) | (np.asarray(sheet) >= (200, 30, 30))).all()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("\n", ("",)),
        ("a\n\nb", ("a", "", "b")),
        ("  a   b  ", ("a b",)),
        ("HHH HHH HHH", ("HHH HHH", "HHH")),
        ("HHHHHHHHHH", ("HHHHHHHH", "HH")),
        ("a HHHHHHHHHHH", ("a HHHHHH", "HHHHH")),
        ("HHH.HHH/HHH", ("HHH.HHH/", "HHH")),
        *((f"HHHHH{joint}HHHHH", (f"HHHHH{joint}", "HHHHH")) for joint in "-_/.,:"),
        ("HHHHH=HHHHH", ("HHHHH=HH", "HHH")),  # no joint
        ("_HHHHHHHHH", ("_HHHHHHH", "HH")),
        ("HHH_HHHHHHHHHH", ("HHH_HHHH", "HHHHHH")),  # the second part is too long by itself
        ("HHHHHHHHHH HH HH", ("HHHHHHHH", "HH HH HH")),  # words go on behind a broken one
        ("HHHHH HHH", ("HHHHH", "HHH")),
        ("a HHHHHHHH", ("a", "HHHHHHHH")),
        ("HH\r\nHH", ("HH", "HH")),
        ("HH\tHH", ("HH HH",)),
    ],
)
def test_lines_are_filled_before_the_next_is_begun(text: str, lines: tuple[str, ...]) -> None:
    width = set_text("HHHHHHHH", 999, 16).width_px
    assert set_text(text, width, 16).lines == lines


def test_a_part_that_just_fits_into_a_line_is_not_broken() -> None:
    width = set_text("HHHHHHH_", 999, 16).width_px
    assert set_text("a HHHHHHH_HHH", width, 16).lines == ("a", "HHHHHHH_", "HHH")
    assert set_text("a HHHHHHH_HHH", width - 1, 16).lines == ("a HHHHHH", "H_HHH")


def test_letters_that_are_too_wide_for_a_line_have_one_each_and_none_is_empty() -> None:
    assert set_text("HH\nH", 5, 16).lines == ("H", "H", "H")


def test_lines_are_balanced_without_more_of_them() -> None:
    """At full width they would be of ten letters and of two."""
    width = set_text("HHHH HH HH", 999, 16).width_px
    assert set_text("HHHH HH HH HH", width, 16).lines == ("HHHH HH HH", "HH")
    balanced, short = set_alike(["HHHH HH HH HH", "HH HH"], width, 16, lines=2)
    assert (balanced.lines, short.lines) == (("HHHH HH", "HH HH"), ("HH HH",))


def test_lines_are_balanced_as_long_as_no_word_breaks() -> None:
    """Two lines would have room in six letters' width, but the first word is of eight."""
    width = set_text("HHHHHHHHH", 999, 16).width_px
    assert set_alike(["HHHHHHHH HH"], width, 16, lines=2)[0].lines == ("HHHHHHHH", "HH")
    assert set_alike(["HHHHHHHHHHHH"], width, 11, lines=2)[0].lines == ("HHHHHHHHHHHH",)


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_the_longest_text_decides_the_size_of_all(lines: int) -> None:
    texts = ["H", "H\n" * (lines + 1), "H\nH"]
    assert [block.size_px for block in set_alike(texts, 200, 13, lines=lines)] == [11] * 3
    assert [block.size_px for block in set_alike(texts, 200, 13, lines=lines + 1)] == [13] * 3
