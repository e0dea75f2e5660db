"""Comparisons with small pictures, as reports get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fvcli.golden.results import Comparison, Drift, Gate, Side, Status, UnitResult
from tests.helpers.picture_files import noise, save

LIMITS = {"score": 0.2, "texture": 0.2, "structure": 0.3}
VALUES = {"rms": 23.43, "structure": 0.65, "texture": 0.374, "score": -0.05}
WHY = {
    "error": "run: a.png is damaged",
    "missing": "the run does not have it",
    "diff": "texture 37.4 % apart (limit 20 %)",
    "new": "the golden does not have it",
    "close": "other pixels, within all limits",
    "match": "the same pixels",
}

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'`><img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; {{ 7 * 7 }} {% raw %}",
    "line\u2028paragraph\u2029nul\x00bell\x07",
    "\N{PILE OF POO} \u202eright to left \u0627\u0644\u0639 \u4e2d\u6587",
    "\\u003c/script> ${alert(1)} javascript:alert(1)",
]


def write_picture(path: Path, colour: tuple[int, int, int], height: int = 8, width: int = 8) -> str:
    """Write a picture of one colour; return its path."""
    return str(save(path, np.full((height, width, 3), colour, np.uint8)))


def write_noise(path: Path, seed: int, side_px: int = 16) -> str:
    """Write a picture that cannot be compressed; return its path."""
    return str(save(path, noise(side_px, side_px, seed)))


def unit_result(path: str, status: Status, golden: str | None, run: str | None, **more: Any) -> UnitResult:
    """Return what was found of a unit: its two pictures, and values as its status has them."""
    job, unit = path.split("/", 1)
    gates: dict[str, Gate] = {"diff": "texture", "match": "pixels"}
    measured = {"values": VALUES, "limits": LIMITS, "excess": 1.87} if status in {"diff", "close"} else {}
    fields = {
        "label": f"label of {unit}",
        "layer": "mixed4a",
        "gate": gates.get(status),
        "why": WHY.get(status, ""),
        "golden": Side(golden, "a" * 16, "done", 32, 4.5, None, 0.2, (8, 8, 3)),
        "run": Side(run, "b" * 16, "done", 32, 4.25, None, 0.3, (8, 8, 3)),
        **measured,
        **more,
    }
    return UnitResult(path=path, job=job, unit=unit, status=status, **fields)


def hostile_unit(name: str, golden: str, run: str) -> UnitResult:
    """Return a unit all of whose texts are one that tries to break out of the page."""
    return UnitResult(
        path=f"{name}/{name}",
        job=name,
        unit=name,
        label=f"label {name}",
        layer=f"layer {name}",
        status="diff",
        why=name,
        values={name: 1.0},
        limits={name: 0.5},
        settings=[name],
        golden=Side(golden, key=name, status=name),
        run=Side(run, key=name, status=name),
    )


def comparison(*units: UnitResult, **more: Any) -> Comparison:
    """Return a comparison; its drift is within the limit."""
    fields = {"drift": Drift(len(units), 0.001, 0.02), **more}
    return Comparison("goldens/lite0", "runs/nightly", units, **fields)
