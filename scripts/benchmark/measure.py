"""Measure one tool at one depth, or take what an earlier, stopped bench has measured.

OUT/results/<tool>/<layer>-<repeat>/ asked.json  log.txt  pictures  result.json
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np

from benchmark import fvcli_runs
from benchmark.export import export, network_at
from benchmark.measured import Usage, run_measured
from benchmark.score import high_frequency_energy, robust_score
from benchmark.tools import DEFAULT, ENVIRONMENT, Tool, ToolError, last_lines, python_of
from benchmark.units import Depth, Plan


@dataclass(frozen=True)
class Place:
    """Where in a bench something is measured."""

    tool: Tool
    depth: Depth
    repeat: int
    out: Path

    @property
    def folder(self) -> Path:
        return self.out / "results" / self.tool.name / f"{self.depth.layer}-{self.repeat}"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"


def measure(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the result at a place, measured now unless the same was asked for and finished before.

    Raises:
        ToolError: The tool failed.
    """
    asked = _asked(place, plan)
    known = place.folder / "asked.json"
    if place.result.exists() and known.exists() and json.loads(known.read_text()) == asked:
        return json.loads(place.result.read_text())
    shutil.rmtree(place.folder, ignore_errors=True)  # half a run is neither cold nor warm
    place.folder.mkdir(parents=True)
    result, usage = _render(place, plan)
    for unit in result["units"]:
        unit.update(_scores(place, unit))
    result |= {"tool": place.tool.name, "layer": place.depth.layer, "repeat": place.repeat}
    result |= {"process": asdict(usage)}
    known.write_text(json.dumps(asked))
    place.result.write_text(json.dumps(result, indent=1))
    return result


def _asked(place: Place, plan: Plan) -> dict[str, Any]:
    """List what decides a result, in the form in which JSON gives it back."""
    tool = place.tool
    asked = {
        "channels": list(place.depth.channels),
        "steps": plan.steps,
        "canvas_px": tool.canvas_px,
        "requirements": list(tool.requirements),
    }
    return asked | ({"budgets": list(plan.budgets)} if tool.name == DEFAULT else {})


def _render(place: Place, plan: Plan) -> tuple[dict[str, Any], Usage]:
    tool, depth = place.tool, place.depth
    if tool.recipe is not None:
        assert tool.canvas_px is not None
        budgets = plan.budgets if tool.recipe == "default" else ()
        return fvcli_runs.render_depth(
            tool.recipe, depth, tool.canvas_px, plan.steps, budgets, place.repeat, place.folder
        )
    job = {
        "layer": depth.layer,
        "channels": depth.channels,
        "canvas_px": tool.canvas_px,
        "steps": plan.steps,
        "batch": 1,
        "seed": place.repeat,
        "network": str(export(depth.layer, place.out / "network" / depth.layer)),
        "out": str(place.folder),
    }
    path, log = place.folder / "job.json", place.folder / "log.txt"
    path.write_text(json.dumps(job))
    usage = run_measured([python_of(tool), "-m", f"benchmark.{tool.script}", str(path)], log, ENVIRONMENT)
    if usage.code or not place.result.exists():
        raise ToolError(last_lines(log.read_text(errors="replace")) or f"it ended with {usage.code}")
    result = json.loads(place.result.read_text())
    place.result.unlink()  # it comes back with scores
    for unit in result["units"]:
        unit["own"] = True
    return result, usage


def _scores(place: Place, unit: dict[str, Any]) -> dict[str, Any]:
    pixels = np.asarray(iio.imread(place.folder / unit["picture"]))
    score = robust_score(network_at(place.depth.layer), unit["channel"], pixels)
    energy = high_frequency_energy(pixels)
    return {"score": score, "high_frequency_energy": energy, "canvas_px": pixels.shape[0]}
