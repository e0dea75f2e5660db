"""results.json: everything that a comparison found, as data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fvcli.golden.reports.picture_paths import seen_from
from fvcli.golden.results import Comparison
from fvcli.run.atomic import write_atomic


def write_results(comparison: Comparison, path: Path) -> None:
    """Write all that was found as JSON, in ASCII.

    Numbers that are not finite become null. Pictures are named as seen from the folder of the file.

    Raises:
        FvcliError: The file cannot be written.
    """
    write_data(comparison.to_dict(), path, sides=("golden", "run"))


def write_data(found: Mapping[str, Any], path: Path, sides: Sequence[str]) -> None:
    """Write what was found of units as JSON, in ASCII.

    Args:
        found: Plain data, with ``units``. Numbers that are not finite become null.
        path: The file; pictures are named as seen from its folder.
        sides: What a unit's sides are called, each of which has a picture, or None.

    Raises:
        FvcliError: The file cannot be written.
    """
    data = plain(found)
    for unit in data["units"]:
        for side in (unit[name] for name in sides):
            if side["picture"] is not None:
                side["picture"] = seen_from(path.parent, side["picture"])
    write_atomic(path, (json.dumps(data, indent=1, allow_nan=False) + "\n").encode("ascii"))


def plain(value: Any) -> Any:
    """Return what JSON can hold: NumPy's numbers as Python's, and null for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
