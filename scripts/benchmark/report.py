"""Tables of a bench: the headline, all tools, fvcli's curve."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmark import score
from benchmark.headline import Unit, by_sample, finals, geometric_mean, ratios
from benchmark.tools import DEFAULT, PLAIN, TOOLS

Results = Sequence[Mapping[str, Any]]


def markdown(results: Results) -> str:
    """Return everything as Markdown."""
    parts = [
        "# CPU time for the same score",
        "The other tool's CPU seconds a unit over those that fvcli's default recipe needs until its picture\n"
        "scores as much. Where it never does, its longest run counts instead.",
        _table(_HEADLINE, [_headline_row(results, name) for name in _names(results) if name != DEFAULT]),
        "# All tools",
        "Medians over units; score with quartiles; noise is the share of spectral power above a quarter\n"
        "cycle a pixel.",
        _table(_TOOLS, [_tool_row(results, name) for name in _names(results)]),
        "# fvcli's default recipe with other numbers of steps",
        _table(_CURVE, _curve_rows(results)),
    ]
    return "\n\n".join(parts) + "\n"


def as_data(results: Results, plan: Mapping[str, Any], failures: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that was measured, and what of it makes the headline."""
    views = {
        name.lower(): getattr(score, name) for name in ("VIEWS", "SEED", "DEGREES", "SCALES", "SHIFT_PX")
    }
    return {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "plan": plan,
        "views": views,
        "headline": {
            name: [{**asdict(ratio), "ratio": ratio.ratio} for ratio in ratios(results, name)]
            for name in _names(results)
            if name != DEFAULT
        },
        "results": list(results),
        "failures": dict(failures),
    }


def relative_scores(results: Results, tool: str) -> list[float]:
    """Return a tool's final scores as shares of the plain baseline's for the same unit."""
    plain = finals(results, PLAIN)
    return [unit["score"] / plain[s]["score"] for s, unit in finals(results, tool).items() if s in plain]


def _names(results: Results) -> list[str]:
    present = {result["tool"] for result in results}
    return [tool.name for tool in TOOLS if tool.name in present]


# ---- rows

_HEADLINE = ("compared with", "geometric mean", "min", "median", "max", "units", "not reached")
_TOOLS = (
    *("tool", "version", "canvas px", "steps", "score", "relative", "CPU s a unit", "wall s a unit"),
    *("start-up s", "peak MB", "noise"),
)
_CURVE = ("steps", "relative score (mean)", "CPU s a unit", "noise")


def _headline_row(results: Results, name: str) -> list[str]:
    found = ratios(results, name)
    if not found:
        return [name, *["-"] * 6]
    values = [ratio.ratio for ratio in found]
    figures = (geometric_mean(values), min(values), statistics.median(values), max(values))
    missed = [ratio for ratio in found if not ratio.reached]
    where = ", ".join(f"{ratio.layer}:{ratio.channel}" for ratio in missed)
    return [
        name,
        *(f"{figure:.2f}x" for figure in figures),
        str(len(found)),
        f"{len(missed)}" + (f" ({where})" if missed else ""),
    ]


def _tool_row(results: Results, name: str) -> list[str]:
    mine = [result for result in results if result["tool"] == name]
    units = list(finals(results, name).values())
    scores = [unit["score"] for unit in units]
    low, _, high = statistics.quantiles(scores, n=4, method="inclusive") if len(scores) > 1 else scores * 3
    relative = relative_scores(results, name)
    return [
        name,
        next(iter(mine[0]["versions"].values())),
        str(units[0]["canvas_px"]),
        " to ".join(str(steps) for steps in sorted({units[0]["steps"], units[-1]["steps"]})),
        f"{statistics.median(scores):.2f} ({low:.2f} to {high:.2f})",
        f"{statistics.median(relative):.2f}" if relative else "-",
        f"{_median(units, 'cpu_seconds'):.2f}",
        f"{_median(units, 'wall_seconds'):.2f}",
        f"{statistics.median(result['startup_seconds'] for result in mine):.1f}",
        f"{max(result['process']['peak_rss_mb'] for result in mine):.0f}",
        f"{_median(units, 'high_frequency_energy'):.3f}",
    ]


def _curve_rows(results: Results) -> list[list[str]]:
    plain = finals(results, PLAIN)
    at: dict[tuple[bool, int], list[tuple[Unit, float | None]]] = {}
    for sample, units in by_sample(results, DEFAULT).items():
        for unit in units:
            share = unit["score"] / plain[sample]["score"] if sample in plain else None
            at.setdefault((unit["own"], 0 if unit["own"] else unit["steps"]), []).append((unit, share))
    rows = []
    for (is_own, steps), points in sorted(at.items()):
        units = [unit for unit, _ in points]
        shares = [share for _, share in points if share is not None]
        rows.append(
            [
                "the recipe's own" if is_own else str(steps),
                f"{statistics.fmean(shares):.2f}" if shares else "-",
                f"{_median(units, 'cpu_seconds'):.2f}",
                f"{_median(units, 'high_frequency_energy'):.3f}",
            ]
        )
    return rows


def _median(units: Sequence[Unit], key: str) -> float:
    return statistics.median(unit[key] for unit in units)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as stream:
            return next(line.split(":", 1)[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
