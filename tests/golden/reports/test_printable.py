"""Any text as one line that everything can hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.reports.printable import printable

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("conv2d.channel-0042", "conv2d.channel-0042"),
        ("two\nlines\r\n\ttab", r"two\nlines\r\n\ttab"),
        ("a\x00\x1b[31m\x7f\x85", r"a\x00\x1b[31m\x7f\x85"),
        ("\u202eevil\u2028\u2069", r"\u202eevil\u2028\u2069"),
        ("\ud800 \udcff \uffff", r"\ud800 \udcff \uffff"),
        ("é 写真 👩‍🚀 \xa0 ~", "é 写真 👩‍🚀 \xa0 ~"),
    ],
)
def test_what_cannot_be_printed_is_spelled_out(text: str, line: str) -> None:
    assert printable(text) == line


def test_long_text_is_cut() -> None:
    assert printable("abcdef", 6) == "abcdef"
    assert printable("abcdef", 5) == "abcd…"
    assert printable("\n\n\n", 5) == r"\n\n…"  # what is spelled out counts


@given(ANY_TEXT)
def test_xml_and_utf_8_hold_it(text: str) -> None:
    line = printable(text)
    element = ET.Element("a", {"b": line})
    element.text = line
    back = ET.fromstring(ET.tostring(element, encoding="utf-8"))
    assert (back.get("b"), back.text or "") == (line, line)
    assert printable(line) == line
    assert len(line.splitlines()) <= 1
