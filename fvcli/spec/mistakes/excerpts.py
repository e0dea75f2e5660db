"""Show a line of a text with a caret under a place, and the lines to write instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MAX_SHOWN = 100  # characters of a line
BEFORE = 60  # of them before the caret
CUT = "…"
TAB = "→"
WRITE = "write"


def excerpt(line: str, number: int, column: int, write: Sequence[str] = ()) -> tuple[str, ...]:
    """Return lines for a terminal.

    Args:
        line: The line that is shown.
        number: Its number, from 1.
        column: Where the caret stands, from 0.
        write: What to write instead of the line.
    """
    begin = 0 if len(line) <= MAX_SHOWN else max(0, min(column - BEFORE, len(line) - MAX_SHOWN))
    shown = "".join(map(_shown, line[begin : begin + MAX_SHOWN]))
    room = sum(map(_columns, line[begin:column])) + (len(CUT) if begin else 0)
    cut = CUT if len(line) > begin + MAX_SHOWN else ""
    gutter = max(len(str(number)), len(WRITE) if write else 0)
    return (
        f"{number:>{gutter}} | {CUT if begin else ''}{shown}{cut}",
        f"{'':>{gutter}} | {' ' * room}^",
        *(f"{'' if i else WRITE:>{gutter}} | {text}" for i, text in enumerate(write)),
    )


def _shown(letter: str) -> str:
    if letter == "\t":
        return TAB
    return letter if letter.isprintable() else "?"


def _columns(letter: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1
