"""What is wrong with a spec, as values, so that everything can be said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from fvcli.errors import UsageError

KeyPath = tuple[str | int, ...]  # keys and positions in lists, from the top


@dataclass(frozen=True)
class Problem:
    """A mistake at a place of the spec; an empty path is the document as a whole."""

    path: KeyPath
    message: str


class SpecError(UsageError):
    """Every mistake that was found in a spec, one a line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def dotted(path: KeyPath) -> str:
    """Write a path as people write it: jobs[0].channels."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def one_line(text: str) -> str:
    """Write what would break a line, or do worse to a terminal, as an escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a suggestion in brackets, or the other remark, or nothing; with a leading space."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    if near:
        return f" (did you mean {near[0]}?)"
    return f" ({otherwise})" if otherwise else ""
