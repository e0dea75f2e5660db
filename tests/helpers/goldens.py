"""Painted runs to be compared and accepted, and networks that say what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fvcli.app.plan_spec import plan_of_spec
from fvcli.plan import Unit
from fvcli.run import RunFolder, write_fingerprint
from tests.helpers.painting import paint
from tests.helpers.running import write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 16}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-5}
  - {name: textures, layer: block1_expand_bn, channels: [3, 17]}
"""
EDGES = [f"edges/channel-{i:04d}" for i in range(6)]
TEXTURES = ["textures/channel-0003", "textures/channel-0017"]
UNITS = [*EDGES, *TEXTURES]
HERE = {
    "versions": {"python": "3.11.1", "tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.0"},
    "cpu": {"machine": "x86_64", "name": "Abacus 9", "instructions": ["avx2"]},
    "device": {"kind": "cpu", "name": "cpu", "onednn": True, "xla": ""},
}
ELSEWHERE = {**HERE, "cpu": {**HERE["cpu"], "name": "Abacus 10"}}
SIDE_PX = 16


def noise(seed: int, side_px: int = SIDE_PX) -> np.ndarray:
    """Return pixels that no other seed has, uint8 [side, side, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)


def pixels_of(path: str) -> np.ndarray:
    """Return the pixels that a unit is painted with where nothing is said."""
    return noise(UNITS.index(path) if path in UNITS else sum(path.encode()))


@dataclass
class Painted:
    """How a unit is painted; what is not said is as ``painted_run`` has it."""

    pixels: np.ndarray | None = None
    saved: float = 10.0
    trace: Sequence[float] = (1.0, 2.0, 3.0)
    status: str = "done"


def painted_run(
    folder: Path,
    name: str = "run",
    units: Mapping[str, Painted] | None = None,
    *,
    text: str = SPEC,
    sets: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    fingerprint: Mapping[str, Any] | None = None,
) -> Path:
    """Make a run of a spec whose units are painted.

    Args:
        folder: Where.
        name: Of the run's folder.
        units: How some units are painted, by job/unit.
        text: The spec.
        sets: What is overridden in it.
        leave_out: Units that are not rendered.
        fingerprint: Of the computer.
    """
    planned = plan_of_spec(str(write_spec(folder, text, f"{name}.yaml")), sets)
    with RunFolder.begin(folder / name, planned.plan, planned.text, planned.facts) as run:
        computer = write_fingerprint(run.path, HERE if fingerprint is None else fingerprint)
        for unit in run.plan.units:
            if unit.path in leave_out:
                continue
            how = (units or {}).get(unit.path, Painted())
            pixels = pixels_of(unit.path) if how.pixels is None else how.pixels
            paint(
                run,
                unit,
                status=how.status,
                pixels=pixels,
                saved=how.saved,
                trace=how.trace,
                fingerprint=computer,
            )
    return folder / name


@dataclass(frozen=True)
class Said:
    """What a network says of a picture."""

    score: float
    textures: tuple[np.ndarray, ...] = (np.ones((2, 4)),)


@dataclass
class Oracle:
    """A network that answers as a test says.

    score, textures: Of a unit and pixels.
    asked: The units that it was asked about, two for each pair.
    """

    score: Callable[[Unit, np.ndarray], float] = lambda unit, pixels: 10.0
    textures: Callable[[Unit, np.ndarray], tuple[np.ndarray, ...]] = lambda unit, pixels: (np.ones((2, 4)),)
    asked: list[str] = field(default_factory=list)

    def judge(self, units: Sequence[Unit], pixels: Sequence[np.ndarray]) -> list[Said]:
        self.asked += [unit.path for unit in units]
        pairs = zip(units, pixels, strict=True)
        return [Said(self.score(unit, picture), self.textures(unit, picture)) for unit, picture in pairs]
