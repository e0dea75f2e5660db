"""What is wrong with a spec, as values, so that everything can be said at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fvcli.errors import CONTINUED, UsageError

CUTOFF = 0.5  # of likeness, from 0 to 1
KeyPath = tuple[str | int, ...]  # keys and positions in lists, from the top


@dataclass(frozen=True)
class Problem:
    """A mistake at a place of the spec; an empty path is the document as a whole.

    column: In its line, from 1; 0 where only the line is known.
    excerpt: Lines that show the place, and what to write instead.
    """

    path: KeyPath
    message: str
    column: int = 0
    excerpt: tuple[str, ...] = ()


class SpecError(UsageError):
    """Every mistake that was found in a spec: a line each, and below it what shows the place, indented."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def is_there(data: Any, path: Sequence[str | int]) -> bool:
    """Tell whether plain data has something at a path."""
    holder, last = value_at(data, path[:-1]), path[-1]
    if isinstance(holder, list):
        return isinstance(last, int) and last < len(holder)
    return isinstance(holder, dict) and last in holder


def value_at(data: Any, path: Sequence[str | int]) -> Any:
    """Return what plain data has at a path, None if there is nothing."""
    for part in path:
        if not is_there(data, (part,)):
            return None
        data = data[part]
    return data


def dotted(path: KeyPath) -> str:
    """Write a path as people write it: jobs[0].channels."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def with_excerpt(sentence: str, excerpt: Iterable[str]) -> str:
    """Write a sentence, and below it the lines that show the place."""
    return "\n".join([one_line(sentence), *(f"{CONTINUED}{one_line(line)}" for line in excerpt)])


def one_line(text: str) -> str:
    """Write what would break a line, or do worse to a terminal, as an escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a suggestion in brackets, or the other remark, or nothing; with a leading space."""
    near = nearest(word, known)
    if near is not None:
        return f" (did you mean {near}?)"
    return f" ({otherwise})" if otherwise else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is written most like another one: apart from capitals, dashes and spaces."""
    plain = {_plain(name): name for name in reversed(list(known))}
    near = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=CUTOFF)
    return plain[near[0]] if near else None


def _plain(word: str) -> str:
    return re.sub(r"[-\s.]+", "_", word.strip()).casefold()
