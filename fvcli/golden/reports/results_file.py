"""results.json: everything that a comparison found, as data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from fvcli.errors import UsageError
from fvcli.golden.reports.picture_paths import seen_from
from fvcli.golden.results import RESULTS_VERSION, STATUSES, Comparison
from fvcli.run.atomic import write_atomic

HINT = "give a results.json that fvcli compare --report wrote"
KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("fvcli", "golden", "run", "verdict", "networks"), str),
    **dict.fromkeys(("allow_new",), bool),
    **dict.fromkeys(("could_not_tell", "remarks", "units"), list),
    **dict.fromkeys(("counts", "tolerances"), dict),
    "drift": (dict, type(None)),
}
UNIT_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("path", "job", "unit", "label", "layer", "status", "why"), str),
    **dict.fromkeys(("values", "limits", "golden", "run"), dict),
}


def write_results(comparison: Comparison, path: Path) -> None:
    """Write all that was found as JSON, in ASCII.

    Numbers that are not finite become null. Pictures are named as seen from the folder of the file.

    Raises:
        FvcliError: The file cannot be written.
    """
    data = plain(comparison.to_dict())
    for unit in data["units"]:
        for side in (unit["golden"], unit["run"]):
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


def read_results(path: Path) -> dict[str, Any]:
    """Return the data of a results.json.

    Raises:
        UsageError: It cannot be read, is damaged, or a newer fvcli wrote it.
    """
    try:
        data = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", HINT) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a readable results file ({error})", HINT) from error
    version = data.get("version") if isinstance(data, dict) else None
    if type(version) is int and version > RESULTS_VERSION:
        what = f"a newer fvcli wrote it (format {version}; this one reads {RESULTS_VERSION})"
        raise UsageError(f"{path}: {what}", "upgrade fvcli")
    damage = "no results of a comparison" if type(version) is not int or version < 1 else _damage(data)
    if damage:
        raise UsageError(f"{path}: damaged ({damage})", HINT)
    return dict(data)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _damage(data: Mapping[str, Any]) -> str | None:
    """Say the first thing that is wrong with the data of a version that can be read."""
    for key, kind in KINDS.items():
        if key not in data or not isinstance(data[key], kind):
            return f"{key} is missing or of another kind"
    for number, unit in enumerate(data["units"]):
        if not isinstance(unit, dict):
            return f"units[{number}] is no object"
        for key, kind in UNIT_KINDS.items():
            if not isinstance(unit.get(key), kind):
                return f"units[{number}].{key} is missing or of another kind"
        if unit["status"] not in STATUSES:
            return f"units[{number}].status is none of {', '.join(STATUSES)}"
    return None
