"""What older versions of fvcli wrote beside a picture, brought up to what this one reads.

    1   no planned_steps, canvas and cpu_seconds, at first no png_bytes either
    2   no extras
    3   no trace and no fingerprint
    4   this one

A step for each version, and none is ever taken away. What a version may leave out has its default here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]

SCHEMA_VERSION = 4

# Keys without which a sidecar still says what its picture is, and what they mean where they are left out.
OPTIONAL: Mapping[str, Any] = {
    **{
        "label": "",
        "canvas": None,
        "score": None,
        "png_bytes": None,
        "error": None,
        "extras": [],
        "trace": [],
        "fingerprint": "",
        "remarks": [],
        "diversity": None,
    },
    **{"seconds": 0.0, "cpu_seconds": 0.0, "batch": {}, "attempt": 1, "device": "unknown"},
}


def upgraded(data: Mapping[str, Any]) -> Data:
    """Return the data of a sidecar as this version writes it.

    Raises:
        KeyError: It is of no version that ever was, or lacks what it cannot do without.
    """
    found = dict(data)
    for version in range(found["schema_version"], SCHEMA_VERSION):
        found = {**UPGRADES[version](found), "schema_version": version + 1}
    return {**OPTIONAL, **found}


def _from_1(data: Data) -> Data:
    return {"planned_steps": data["steps"], **data}


def _from_2(data: Data) -> Data:
    return {"extras": [], **data}


def _from_3(data: Data) -> Data:
    return {"trace": [], "fingerprint": "", **data}


UPGRADES: Mapping[int, Callable[[Data], Data]] = {1: _from_1, 2: _from_2, 3: _from_3}
