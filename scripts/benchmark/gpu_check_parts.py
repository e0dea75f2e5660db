"""The parts of a check of a GPU. Each runs processes of its own, and notes each result at once.

A part is a function that takes what is at hand and the seconds that it may take. It returns why it is not
complete, or an empty string.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.gpu_check_run import NO_GPU, QUIET, Ended, Results, Sizes, fvcli, lines_of
from benchmark.units import MODEL

QUICKSTART = Path("configs/quickstart.yaml")
CPU_SHARE = 0.4  # of the time for scores
NVIDIA_SMI = ("name", "memory.total", "driver_version", "compute_mode", "power.limit")


@dataclass(frozen=True)
class Hand:
    """What is at hand: the folder of the check, its sizes and its results."""

    folder: Path
    sizes: Sizes
    results: Results

    def fresh(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


Part = Callable[[Hand, float], str]


def nvidia_facts() -> list[dict[str, str]]:
    """Return what nvidia-smi says of each GPU; nothing where it is not there."""
    command = ["nvidia-smi", f"--query-gpu={','.join(NVIDIA_SMI)}", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(", ") for line in listed.stdout.splitlines() if line]
    return [dict(zip(NVIDIA_SMI, row, strict=False)) for row in rows]


def look_at_device(hand: Hand, limit_s: float) -> str:
    """Note what TensorFlow computes on, and its versions."""
    folder, ended = hand.fresh("device"), Ended()
    command = [sys.executable, "-m", "benchmark.gpu_check_device"]
    for facts in lines_of(command, folder / "log.txt", limit_s, ended):
        hand.results.note(device=facts)
    return ended.said(folder / "log.txt")


# ---- scores of the GPU against those of the CPU


def scores_part(name: str, *options: str) -> Part:
    """Return a part that renders the same units on both and compares the scores of the saved pictures.

    Args:
        name: ``default``, or what the options make of it.
        options: Of ``fvcli render``, on the GPU. The CPU renders once for all such parts.
    """

    def part(hand: Hand, limit_s: float) -> str:
        cpu, wrong, left_s = hand.folder / "scores-cpu", [], limit_s
        if name == "default":
            said, took_s = _render_scores(hand, "cpu", NO_GPU, CPU_SHARE * limit_s)
            wrong, left_s = [f"CPU: {said}"] if said else [], limit_s - took_s
        said, _ = _render_scores(hand, name, {}, left_s, *options)
        folder = hand.folder / f"scores-{name}"
        compared = _compared(_sidecars(cpu), _sidecars(folder), folder / "log.txt")
        hand.results.note(scores={**hand.results.data.get("scores", {}), name: compared})
        return "; ".join([*wrong, *([said] if said else [])])

    return part


def _render_scores(
    hand: Hand, name: str, environment: Mapping[str, str], limit_s: float, *options: str
) -> tuple[str, float]:
    """Render; return what went wrong, and the seconds that it took."""
    folder, ended = hand.fresh(f"scores-{name}"), Ended()
    command = fvcli("render", QUICKSTART, "-o", folder / "run", *hand.sizes.scores, *options)
    _drain(command, folder / "log.txt", limit_s, ended, environment)
    return ended.said(folder / "log.txt"), ended.seconds


def _drain(
    command: list[str], log: Path, limit_s: float, ended: Ended, environment: Mapping[str, str]
) -> None:
    for _ in lines_of(command, log, limit_s, ended, {**QUIET, **environment}):
        pass


def _sidecars(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the sidecars of a folder's run, whole or not, by unit."""
    units = folder / "run" / "units"
    paths = sorted(units.rglob("*.json"))
    return {str(path.relative_to(units).with_suffix("")): json.loads(path.read_text()) for path in paths}


def _compared(cpu: Mapping[str, Any], gpu: Mapping[str, Any], log: Path) -> dict[str, Any]:
    differences = {
        unit: relative_difference(gpu[unit]["score"]["saved"], cpu[unit]["score"]["saved"])
        for unit in cpu
        if unit in gpu and gpu[unit]["score"] and cpu[unit]["score"]
    }
    values = list(differences.values())
    by_size = sorted(abs(value) for value in values)
    return {
        "cpu_units": len(cpu),
        "gpu_units": len(gpu),
        "compared": len(values),
        "relative_difference": differences,
        "worst": by_size[-1] if by_size else None,
        "median": median(by_size) if by_size else None,
        "mean_signed": sum(values) / len(values) if values else None,
        "statuses": {"cpu": _statuses(cpu), "gpu": _statuses(gpu)},
        "ascents": sorted({(s["batch"]["size"], s["batch"]["planned_size"]) for s in gpu.values()}),
        "out_of_memory": re.findall(r"out of memory.*", log.read_text(errors="replace")),
        "devices": sorted({sidecar["device"] for sidecar in gpu.values()}),
    }


def relative_difference(one: float, other: float) -> float:
    """Return by how much a score differs from another, as a share of the other's size."""
    return (one - other) / max(abs(other), 1e-6)


def _statuses(run: Mapping[str, Any]) -> dict[str, int]:
    statuses = [sidecar["status"] for sidecar in run.values()]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


# ---- pictures at once


def pictures_part(name: str, precision: str = "auto", xla: bool = True) -> Part:
    """Return a part that measures numbers of pictures at once, in one precision, with XLA or without.

    Args:
        name: ``default`` measures all numbers, others a few of them.
        precision: What the network computes in.
        xla: Whether all is compiled with XLA.
    """
    is_default = name == "default"

    def part(hand: Hand, limit_s: float) -> str:
        at_once = hand.sizes.at_once if is_default else hand.sizes.few
        asked = _asked(hand, at_once, precision=precision, xla=xla, compares_bytes=is_default)
        return _measure(hand, name, asked, limit_s)

    return part


def another_process(hand: Hand, limit_s: float) -> str:
    """Measure the first number once more, to see whether another process makes the same bytes."""
    at_once = hand.sizes.at_once[:1]
    said = _measure(hand, "again", _asked(hand, at_once), limit_s)
    pictures = hand.results.data.get("pictures", {})
    sums = [_sum_of(pictures.get(name, {}), at_once[0]) for name in ("default", "again")]
    if all(sums):
        same = {**hand.results.data.get("same_bytes", {}), "another_process": sums[0] == sums[1]}
        hand.results.note(same_bytes=same)
    return said


def _sum_of(measured: Mapping[str, Any], at_once: int) -> str | None:
    return next((row.get("sha256") for row in measured.get("rows", ()) if row["pictures"] == at_once), None)


def _asked(hand: Hand, at_once: tuple[int, ...], **more: Any) -> dict[str, Any]:
    sizes = hand.sizes
    return {
        "layer": sizes.layer,
        "size_px": sizes.size_px,
        "at_once": at_once,
        "steps": sizes.steps,
        **more,
    }


def _measure(hand: Hand, name: str, asked: Mapping[str, Any], limit_s: float) -> str:
    """Measure all numbers of pictures; one that ends its process does not end the others."""
    measured: dict[str, Any] = {"rows": []}
    pictures = {**hand.results.data.get("pictures", {}), name: measured}
    left, left_s, said = list(asked["at_once"]), limit_s, ""
    while left:
        ended = Ended()
        for line in _measured(hand, name, {**asked, "at_once": left}, left_s, ended):
            measured["rows"] += [line["row"]] if "row" in line else []
            measured |= {"facts": line["facts"]} if "facts" in line else {}
            same = {"same_bytes": line["same_bytes"]} if "same_bytes" in line else {}
            hand.results.note(pictures=pictures, **same)
        said, left_s = ended.said(hand.folder / f"pictures-{name}" / "log.txt"), left_s - ended.seconds
        if not said or ended.is_cut_off:
            return said
        known = [row["pictures"] for row in measured["rows"]]
        first, *left = [at_once for at_once in left if at_once not in known] or [0]
        measured["rows"] += [{"pictures": first, "error": said}] if first else []
        hand.results.note(pictures=pictures)
    return said


def _measured(
    hand: Hand, name: str, asked: Mapping[str, Any], limit_s: float, ended: Ended
) -> Iterator[dict[str, Any]]:
    folder = hand.fresh(f"pictures-{name}")
    command = [sys.executable, "-m", "benchmark.gpu_check_pictures", str(folder), json.dumps(asked)]
    return lines_of(command, folder / "log.txt", limit_s, ended)


# ---- workers that share the GPU


def share_device(hand: Hand, limit_s: float) -> str:
    """Render the same units with one worker, and with two that share the GPU, start-up and all."""
    count, batch_size, steps = hand.sizes.shared
    job = {"name": "units", "layer": hand.sizes.layer, "channels": f"0-{count - 1}"}
    render = {"size_px": hand.sizes.size_px, "batch_size": batch_size, "steps": steps, "early_stop": 0}
    folder = hand.fresh("sharing")
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps({"model": MODEL, "render": render, "jobs": [job]}))
    told: dict[str, Any] = {"units": count, "batch_size": batch_size, "steps": steps}
    wrong, left_s = [], limit_s
    for workers, share in ((1, 0.5), (2, 1.0)):
        log, ended = folder / f"{workers}.txt", Ended()
        how = ("--workers", str(workers), "--gpus-per-worker", f"{1 / workers:g}")
        _drain(fvcli("render", spec, "-o", folder / f"run-{workers}", *how), log, share * left_s, ended, {})
        left_s -= ended.seconds
        said = ended.said(log)
        wrong += [f"{workers} at work: {said}"] if said else []
        told[f"seconds_with_{workers}"] = None if said else ended.seconds
        hand.results.note(sharing=told)
    return "; ".join(wrong)
