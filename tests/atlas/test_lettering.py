"""Text in figures: sizes and lines with literal numbers, and where letters are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fvcli.atlas.lettering import Block, set_alike, set_text


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


def test_lines_are_drawn_one_below_the_other_from_a_corner_or_centred() -> None:
    letters = Block(("H", "H"), 20)
    ys, xs = np.nonzero(inked(letters, (40, 50)))
    assert 50 <= ys.min() < 58
    assert 40 <= xs.min() < 43
    rows = np.unique(ys)
    second = rows[np.nonzero(np.diff(rows) > 1)[0][0] + 1]
    assert second - rows[0] == 26
    centred = np.nonzero(inked(letters, (40, 50), centre_px=100))[1]
    assert abs((centred.min() + centred.max()) / 2 - 89.5) <= 1
    wide = np.nonzero(inked(Block(("HHHH",), 20), (40, 50), centre_px=10))[1]
    assert 40 <= wide.min() < 43  # not to the left of its cell


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
        ("HHHHH_HHHHH", ("HHHHH_", "HHHHH")),
        ("HHH.HHH/HHH", ("HHH.HHH/", "HHH")),
    ],
)
def test_lines_are_filled_before_the_next_is_begun(text: str, lines: tuple[str, ...]) -> None:
    width = set_text("HHHHHHHH", 999, 16).width_px
    assert set_text(text, width, 16).lines == lines


def test_what_has_a_plain_spelling_is_spelled() -> None:
    letters = "\u2192 \u2190 \u00d7 \u2013 \u2014 \u2212 x\u00b2 \u2264 \u2265 \u2248 \u221e"
    assert set_text(letters, 999, 14).lines == ("-> <- x - - - x^2 <= >= ~ inf",)
    assert set_text("\u03a3 \u03b2 \u00fc \u2168", 999, 14).lines == ("sigma beta u IX",)
