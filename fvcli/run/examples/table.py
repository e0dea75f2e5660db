"""Tables of text, one row a line, with tabs between the columns.

Names of files may have any letter in them. A backslash, a tab and the end of a line are written as Python
writes them, and what is no text in UTF-8 as the number of its byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

MEANT = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}  # by the letter behind a backslash
ESCAPES = str.maketrans({letter: f"\\{behind}" for behind, letter in MEANT.items()})


def write_table(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the content of a table."""
    lines = ["\t".join(_written(str(cell)) for cell in row) + "\n" for row in rows]
    return "".join(lines).encode("utf-8", "backslashreplace")


def read_table(content: bytes) -> Iterator[list[str]]:
    """Yield the rows of a table."""
    for line in content.decode("utf-8", "replace").split("\n"):
        if line:
            yield [_read(cell) for cell in line.split("\t")]


def _written(cell: str) -> str:
    return cell.translate(ESCAPES)


def _read(cell: str) -> str:
    if "\\" not in cell:
        return cell
    letters, found = iter(cell), []
    for letter in letters:
        behind = next(letters, "") if letter == "\\" else ""
        found.append(letter if letter != "\\" else MEANT.get(behind, letter + behind))
    return "".join(found)
