"""How much quicker several workers on a CPU are than one: units a minute, in interleaved runs."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmark.measured import run_measured
from benchmark.tools import ToolError, last_lines
from benchmark.units import MODEL

LAYER, SIZE_PX, STEPS = "block6_expand_bn", 112, 128
WAYS = {
    "one worker, one thread": ("--workers", "1", "--threads", "1"),
    "two workers, one thread each": ("--workers", "2", "--threads", "1"),
}


def workers(out: Path, units: int, repeats: int) -> str:
    """Render the same units in each way in turn, several times; return a table of units a minute and ratios.

    Raises:
        ToolError: A render failed, or two ways made other pictures.
    """
    folder = out / "workers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = {"name": "units", "layer": LAYER, "channels": list(range(units))}
    render = {"size_px": SIZE_PX, "steps": STEPS, "early_stop": 0}
    (folder / "spec.yaml").write_text(json.dumps({"model": MODEL, "render": render, "jobs": [job]}))
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for repeat in range(repeats):
        for number, (way, options) in enumerate(WAYS.items()):
            rates[way].append(_rate(folder, f"{repeat}-{number}", options))
        _compare(folder, repeat)
    text = _table(rates)
    (folder / "workers.json").write_text(json.dumps(rates, indent=1))
    (folder / "table.md").write_text(text)
    return text


def _rate(folder: Path, name: str, options: tuple[str, ...]) -> float:
    """Render; return units a minute, as the notes of workers tell: while they rendered."""
    run, log = folder / name, folder / f"{name}.log"
    words = [sys.executable, "-m", "fvcli", "render", str(folder / "spec.yaml"), "-o", str(run), *options]
    if run_measured(words, log).code:
        raise ToolError(last_lines(log.read_text(errors="replace")))
    notes: list[dict[str, Any]] = [json.loads(path.read_text()) for path in (run / "workers").glob("*.json")]
    return sum(60.0 * note["done"] / note["busy_s"] for note in notes)


def _compare(folder: Path, repeat: int) -> None:
    """Raise ToolError if the ways of a repeat made other pictures."""
    runs = [folder / f"{repeat}-{number}" for number in range(len(WAYS))]
    pictures = [
        {path.relative_to(run): path.read_bytes() for path in run.glob("units/**/*.png")} for run in runs
    ]
    if any(other != pictures[0] for other in pictures[1:]):
        raise ToolError("the pictures differ")


def _table(rates: dict[str, list[float]]) -> str:
    first, *_ = rates
    lines = [
        f"| {LAYER} at {SIZE_PX} px | units a minute | ratio: median (least to most) |",
        "| --- | --- | --- |",
    ]
    for way, found in rates.items():
        ratios = sorted(a / b for a, b in zip(found, rates[first], strict=True))
        said = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"| {way} | {statistics.median(found):.1f} | {said} |")
    return "\n".join(lines) + "\n"
