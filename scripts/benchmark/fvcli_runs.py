"""Render with fvcli's own command: write a spec, run it, read the sidecars."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.measured import Usage, run_measured
from benchmark.tools import ENVIRONMENT, ToolError, last_lines
from benchmark.units import MODEL, Depth, unit_name
from fvcli import __version__

WARM_JOB, WARM_STEPS = "warm", 8
OWN = "own"  # the job with the recipe's own number of steps


def render_spec(spec: Mapping[str, Any], folder: Path, *options: str) -> Usage:
    """Run ``fvcli render`` on a spec; the run is at folder/run.

    Raises:
        ToolError: It failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec, indent=1))  # JSON is YAML
    return render_file(path, folder, *options)


def render_file(spec: Path, folder: Path, *options: str) -> Usage:
    command = [sys.executable, "-m", "fvcli", "render", str(spec), "-o", str(folder / "run"), *options]
    usage = run_measured(command, folder / "log.txt", ENVIRONMENT)
    if usage.code:
        raise ToolError(last_lines((folder / "log.txt").read_text(errors="replace")))
    return usage


def only(units: Iterable[str]) -> list[str]:
    """Return the options that restrict a render to units, job/unit each."""
    return [part for unit in units for part in ("--only", unit)]


def sidecars(folder: Path, job: str) -> list[dict[str, Any]]:
    paths = sorted((folder / "run" / "units" / job).glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def warm_job(layer: str, steps: int) -> dict[str, Any]:
    """Return a job that goes first and is not counted: what a process compiles once is start-up.

    It has a unit for every core, because all units that begin while one compiles are charged for it.
    """
    return {"name": WARM_JOB, "layer": layer, "channels": f"0-{(os.cpu_count() or 1) - 1}", "steps": steps}


def render_depth(
    recipe: str,
    depth: Depth,
    canvas_px: int,
    steps: int | None,
    budgets: Iterable[int],
    seed: int,
    out: Path,
) -> tuple[dict[str, Any], Usage]:
    """Render a depth's channels as one batch, with the recipe's own steps and others, in one process.

    Args:
        recipe, depth, canvas_px, seed, out: What, how, and where to.
        steps: Instead of the recipe's own, which may depend on the depth.
        budgets: Other numbers of steps.
    """
    counted: dict[str, dict[str, int]] = {OWN: {} if steps is None else {"steps": steps}}
    counted |= {f"steps-{number}": {"steps": number} for number in budgets}
    render = {"recipe": recipe, "size_px": canvas_px, "seed": seed, "batch_size": len(depth.channels)}
    what = {"layer": depth.layer, "channels": list(depth.channels)}
    spec = {
        "model": MODEL,
        "render": render,
        "jobs": [
            warm_job(depth.layer, WARM_STEPS),
            *({"name": name, **number, **what} for name, number in counted.items()),
        ],
    }
    usage = render_spec(spec, out)
    units = [
        {**_unit(side), "steps": side["planned_steps"], "own": job == OWN}
        for job in counted
        for side in sidecars(out, job)
    ]
    rendering = sum(unit["wall_seconds"] for unit in units)
    resolved = json.loads((out / "run" / "plan.json").read_text())["programs"][0]["settings"]
    result = {
        "settings": {key: value for key, value in resolved.items() if key != "steps"},
        "versions": {"fvcli": __version__},
        "startup_seconds": usage.wall_seconds - rendering,
        "units": units,
    }
    return result, usage


def _unit(side: Mapping[str, Any]) -> dict[str, Any]:
    channel = side["unit"]["channel"]
    return {
        "channel": channel,
        "steps_taken": side["steps"],
        "cpu_seconds": side["cpu_seconds"],
        "wall_seconds": side["seconds"],
        "picture": f"run/units/{side['job']}/{unit_name(channel)}.png",
    }
