"""What a page's script is told, as JSON that is short and safe inside HTML."""

from __future__ import annotations

import json
from typing import Any

from fvcli.golden.model_diff import UnitDiff
from fvcli.golden.reports.page_pictures import Placed
from fvcli.golden.results import UnitResult

# In a script block only "<" can end it or begin a comment. The others are escaped to be on the safe side.
UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", ord("'"): "\\u0027"}


def safe_json(data: Any) -> str:
    """Write JSON that can stand in a script block: ASCII only, and nothing in it can end the block."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE)


def name_data(unit: UnitResult | UnitDiff) -> dict[str, str]:
    """Return how a unit is called; what would only say a name again is empty."""
    return {
        "path": unit.path,
        "job": unit.job,
        "unit": unit.unit,
        "label": "" if unit.label == unit.unit else unit.label,
        "layer": "" if unit.layer == unit.job else unit.layer,
    }


def picture_data(picture: Placed) -> dict[str, Any]:
    """Return where a picture is and how large, or why there is none."""
    if picture.lack:
        return {"lack": picture.lack}
    at = picture.url if picture.number is None else picture.number
    return {"at": at, "w": picture.width_px, "h": picture.height_px}


def without_nothing(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty, false or None, so that the data of many units stay short."""
    return {name: value for name, value in data.items() if value not in ("", [], None, False)}
