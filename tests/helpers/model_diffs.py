"""How two networks differ, as diff.html gets it."""

from __future__ import annotations

from typing import Any

from fvcli.golden.model_diff import ModelDiff, OneSide, UnitDiff


def one_side(picture: str, shared: float | None = 0.25, **more: Any) -> OneSide:
    fields = {"noise": 1.0, "own": 9.0, "other": 3.0, "rank": 3, **more}
    return OneSide(picture, shared=shared, **fields)


def unit_diff(path: str, a: OneSide, b: OneSide, changed: float = 0.75, **more: Any) -> UnitDiff:
    job, unit = path.split("/", 1)
    fields = {"label": f"label of {unit}", "layer": "mixed4a", "ranked": 16, **more}
    return UnitDiff(path, job, unit, changed=changed, a=a, b=b, **fields)


def hostile_diff(name: str, a: OneSide, b: OneSide) -> UnitDiff:
    """Return a unit all of whose texts are one that tries to break out of the page."""
    return UnitDiff(f"{name}/{name}", name, name, f"label {name}", f"layer {name}", 0.5, a, b)


def model_diff(*units: UnitDiff, **more: Any) -> ModelDiff:
    fields = {
        "a": "runs/before",
        "b": "runs/after",
        "model_a": "lite0",
        "model_b": "lite0 (tuned.h5)",
        **more,
    }
    return ModelDiff(units=units, **fields)
