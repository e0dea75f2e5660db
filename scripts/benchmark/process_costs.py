"""What a process of fvcli costs beside its steps: start-up, memory, and whether large runs are cheaper."""

from __future__ import annotations

import json
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.fvcli_runs import render_file, render_spec, sidecars, warm_job
from benchmark.units import MODEL

LAYER = "block6_expand_bn"
SIZE_PX = 112
STEPS = 24
MANY, FEW, MOST = 64, 8, 200  # units in a run
MOST_STEPS = 4  # memory does not depend on steps
QUICKSTART = Path("configs/quickstart.yaml")
QUICKSTART_JOB = "block4-textures"


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds a unit, and the peak memory of the largest process."""

    cpu: float
    wall: float
    peak_rss_mb: float


def throughput(out: Path) -> str:
    """Render the same 64 units as one run and as eight, each once with and once without start-up counted."""
    costs = {}
    for warm in (False, True):  # in turn, so that drift hits both alike
        costs["one", warm] = _render(out, 1, MANY, warm)
        costs["eight", warm] = _render(out, MANY // FEW, FEW, warm)
    most = _render(out, 1, MOST, False, MOST_STEPS)
    one, eight = costs["one", False], costs["eight", False]
    lines = [
        f"| {MANY} units of {LAYER} at {SIZE_PX} px, {STEPS} steps | CPU s a unit | wall s a unit |",
        "| --- | --- | --- |",
    ]
    for warm, said in ((False, "whole processes"), (True, "without start-up")):
        single, split = costs["one", warm], costs["eight", warm]
        lines += [
            f"| one run, {said} | {single.cpu:.3f} | {single.wall:.3f} |",
            f"| {MANY // FEW} runs of {FEW}, {said} | {split.cpu:.3f} | {split.wall:.3f} |",
            f"| ratio | {single.cpu / split.cpu:.2f} | {single.wall / split.wall:.2f} |",
        ]
    peaks = {FEW: eight, MANY: one, MOST: most}
    said = ", ".join(f"{units} units {cost.peak_rss_mb:.0f} MB" for units, cost in peaks.items())
    text = "\n".join(lines) + f"\n\nPeak memory: {said}\n"
    data = {f"{name}{'-warm' if warm else ''}": vars(cost) for (name, warm), cost in costs.items()}
    _write(out / "throughput", text, data | {"most": vars(most)})
    return text


def startup(out: Path, count: int = 5) -> str:
    """Time ``fvcli render`` on one batch of the quickstart's spec, cut to its first step."""
    usages = []
    for i in range(count):
        folder = out / "startup-runs" / str(i)
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--set", "render.steps=1", "--only", f"{QUICKSTART_JOB}/*")
        usages.append(render_file(QUICKSTART, folder, *options))
    wall, cpu = ([getattr(usage, key) for usage in usages] for key in ("wall_seconds", "cpu_seconds"))
    text = (
        f"Start to the end of a run of one batch and one step, {count} times: "
        f"{statistics.median(wall):.2f} s wall ({min(wall):.2f} to {max(wall):.2f}), "
        f"{statistics.median(cpu):.2f} s CPU\n"
    )
    _write(out / "startup", text, {"wall_seconds": wall, "cpu_seconds": cpu})
    return text


def _render(out: Path, runs: int, units: int, warm: bool, steps: int = STEPS) -> Cost:
    """Render runs of so many units; warm: after a batch that is not counted, and only what sidecars count."""
    cpu = wall = peak = 0.0
    for i in range(runs):
        folder = out / "throughput-runs" / f"{units}{'-warm' if warm else ''}-{i}"
        shutil.rmtree(folder, ignore_errors=True)
        usage = render_spec(_spec(i * units, units, warm, steps), folder)
        peak = max(peak, usage.peak_rss_mb)
        if warm:
            sides = sidecars(folder, "units")
            cpu += sum(side["cpu_seconds"] for side in sides)
            wall += sum(side["seconds"] for side in sides)
        else:
            cpu, wall = cpu + usage.cpu_seconds, wall + usage.wall_seconds
    return Cost(cpu / (runs * units), wall / (runs * units), peak)


def _spec(first: int, units: int, warm: bool, steps: int) -> dict[str, Any]:
    jobs = [{"name": "units", "layer": LAYER, "channels": f"{first}-{first + units - 1}", "steps": steps}]
    if warm:
        jobs.insert(0, warm_job(LAYER, 1))
    return {"model": MODEL, "render": {"size_px": SIZE_PX}, "jobs": jobs}


def _write(stem: Path, text: str, data: dict[str, Any]) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".md").write_text(text)
    stem.with_suffix(".json").write_text(json.dumps(data, indent=1))
