"""Names of exported pictures: every disk, every CI system's upload and every web page takes them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from fvcli.spec.file_names import DIGITS, MAX_UNIT_BYTES, folded, safe_name


def export_names(paths: Iterable[str]) -> dict[str, str]:
    """Return where each unit's picture is exported to, without suffix, by the unit's path.

    A name stays as it is where it can. Where it cannot, or where disks that ignore capitals would take it for
    another, a sum of the unit's path is added. So a name never depends on the order of the units.

    Args:
        paths: job/unit, whatever characters are in it.
    """
    names = {path: "/".join(map(_safe, path.split("/"))) for path in paths}
    count = Counter(folded(name) for name in names.values())
    return {
        path: name if name == path and count[folded(name)] == 1 else f"{name}-{_sum(path)}"
        for path, name in names.items()
    }


def _safe(part: str) -> str:
    return part if _is_safe(part) else safe_name(PurePath(f"{part}.png"))


def _is_safe(part: str) -> bool:
    """Tell whether a name needs no change: short, of letters, digits, dots, dashes and underscores."""
    if not part or not part[0].isalnum() or part != unicodedata.normalize("NFC", part):
        return False
    letters = (one in "._-" or one.isalnum() or unicodedata.category(one)[0] == "M" for one in part)
    return all(letters) and len(part.encode()) <= MAX_UNIT_BYTES


def _sum(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:DIGITS]
