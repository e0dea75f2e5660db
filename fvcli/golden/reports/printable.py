"""Names and sentences as one printable line, whatever characters they hold."""

from __future__ import annotations

import re

# Control characters, line ends, switches of the writing direction, lone surrogates and what is no character.
# XML forbids most of them even as references (XML 1.0, section 2.2); the others make a line lie about itself.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str, most: int | None = None) -> str:
    r"""Return one line that XML, JSON, UTF-8 and a terminal can hold.

    Unprintable characters are spelled out, such as \n or \x1b: two names that differ stay different.

    Args:
        text: Any.
        most: How many characters it may have; the end of a longer one becomes an ellipsis.
    """
    line = UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return line if most is None or len(line) <= most else line[: most - 1] + "…"
