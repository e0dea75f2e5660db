"""What Keras, TensorFlow and other readers say went wrong, in a line that can be shown."""

from __future__ import annotations

import re

MOST = 240  # characters
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal
BOLD = re.compile(r"\x1b\[1m(.+?)\x1b\[0m", re.S)  # what of its errors Keras prints so
PLACE = re.compile(r"\{\{.*?\}\}\s*")  # where in a graph of its own TensorFlow was
NO_REASON = "Exception encountered"  # begins a line of Keras's that only says where


def reason_of(error: BaseException) -> str:
    """Return the line of an error that tells why, or its kind where it says nothing."""
    bold = BOLD.search(str(error))
    text = " ".join(bold[1].split()) if bold else str(error)
    lines = (printable(PLACE.sub("", COLOUR.sub("", line)).strip()) for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith(NO_REASON)), type(error).__name__)


def printable(text: str) -> str:
    """Return text as it may be shown: no more than a line of it, and nothing that a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= MOST else f"{shown[:MOST]}..."
