"""labels.tsv: names that people give to units, which the atlas shows and searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fvcli.errors import CONTINUED, UsageError, some_lines

LABELS = "labels.tsv"  # in the run
MAX_LENGTH = 300
NAMED = 8  # mistakes that an error names


@dataclass(frozen=True)
class Label:
    """A name that somebody gave to a unit, and what they say of it."""

    name: str
    note: str = ""


def read_labels(path: Path | None) -> Mapping[tuple[str, str], Label]:
    """Return the names in a file, by layer and number (or job and unit).

    Each line has a layer, a channel or class number, a name, and if you like a note, with tabs between them.
    Empty lines and those that begin with # are passed over.

    Args:
        path: The file; None: no names.

    Raises:
        UsageError: It cannot be read, or some lines are not of that form, which are all named.
    """
    if path is None:
        return {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text in UTF-8"
        raise UsageError(f"{path}: {reason}", "give a file of lines: layer, number and name") from error
    found: dict[tuple[str, str], Label] = {}
    lines_of: dict[tuple[str, str], int] = {}
    wrong = []
    for number, line in _lines(text):
        parts = [part.strip() for part in line.split("\t")]
        mistake = _mistake(parts, lines_of)
        if mistake:
            wrong.append(f"{path}:{number}: {mistake}")
            continue
        place = labelled(*parts[:2])
        found[place] = Label(*parts[2:4])
        lines_of[place] = number
    if wrong:
        said = f"\n{CONTINUED}".join(some_lines(wrong, "line", NAMED))
        raise UsageError(said, "write: layer, number, name and perhaps a note, with tabs between them")
    return found


def labelled(layer: str, number: str) -> tuple[str, str]:
    """Return what a unit is found by: 7 and 0007 are the same number."""
    return layer, str(int(number)) if number.isascii() and number.isdigit() else number


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _mistake(parts: list[str], lines_of: Mapping[tuple[str, str], int]) -> str:
    if not 3 <= len(parts) <= 4:
        return f"{len(parts)} columns, not 3 or 4"
    if not all(parts[:3]):
        return "a layer, a number or a name is empty"
    if any(len(part) > MAX_LENGTH for part in parts):
        return f"longer than {MAX_LENGTH} characters"
    if (place := labelled(*parts[:2])) in lines_of:
        return f"{' '.join(place)} has a name already, in line {lines_of[place]}"
    return ""
