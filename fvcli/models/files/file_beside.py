"""Find the other half of a model that was saved as two files: its architecture and its weights."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

WORD = re.compile(r"[^\W_]+")


def file_beside(path: Path, endings: Collection[str]) -> Path | None:
    """Return the only file in a path's folder that may belong to it.

    That is the one whose name begins with the same word, or the only one of its kind.

    Args:
        path: A file.
        endings: What the other's name ends in, such as ``.h5``.
    """
    found = [other for other in path.parent.iterdir() if other.suffix in endings and other != path]
    alike = [other for other in found if _first_word(other) == _first_word(path)]
    if len(alike) == 1:
        return alike[0]
    return found[0] if len(found) == 1 else None


def _first_word(path: Path) -> str:
    word = WORD.search(path.name)
    return word[0].lower() if word else path.name
