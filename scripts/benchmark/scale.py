"""What a run of very many units costs beside rendering: time and peak memory of each step, in order.

A step is a function in ``STEPS`` that runs in a process of its own. It yields the name of what it has done
after each part of it, so that the parts are timed. No step renders or loads TensorFlow.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.measured import run_measured
from benchmark.tools import ToolError, last_lines
from benchmark.units import MODEL

if TYPE_CHECKING:
    from fvcli.plan import Unit
    from fvcli.run import RunFolder
    from fvcli.run.sidecar import Record

UNITS = 1_000_000
WIDE = ("block4_expand_bn", "block5_expand_bn", "block6_expand_bn")  # layers
VARIANTS = 256  # of a job at most
WORKERS = 64
SPEC, RUN = "spec.yaml", "run"


def spec_of(units: int) -> dict[str, Any]:
    """Return a spec of so many units, in several jobs and many programs: directions, channels, groups."""
    from fvcli.models import ModelChoice, describe

    width = {node.name: node.channels for node in describe(ModelChoice(MODEL)).nodes}
    a_variant = sum(width[layer] for layer in WIDE)
    variants = max(1, min(VARIANTS, 2 * units // 5 // a_variant))
    each, groups = units // 6, units // 40
    jobs = [
        {
            "name": "channels",
            "layer": WIDE,
            "channels": "all",
            "variants": [{"name": f"seed-{seed}", "seed": seed} for seed in range(variants)],
        },
        _directions("directions", WIDE[:2], each),
        _directions("groups", WIDE[:1], groups) | {"diversity": {"count": 4}},
    ]
    rest = units - variants * a_variant - 2 * each - 4 * groups
    return {"model": MODEL, "render": {"size_px": 64}, "jobs": [*jobs, _directions("rest", WIDE[2:], rest)]}


def _directions(name: str, layers: tuple[str, ...], count: int) -> dict[str, Any]:
    return {
        "name": name,
        "layer": layers,
        "objective": "direction",
        "vectors": [{"random": f"0-{count - 1}"}],
    }


# ---- steps


def begin(folder: Path) -> Iterator[str]:
    """Make the plan and write the run folder, or find that it is there already."""
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.run import RunFolder

    planned = plan_of_spec(str(folder / SPEC), ())
    yield f"validate and plan {len(planned.plan.units)} units, {len(planned.plan.programs)} programs"
    with RunFolder.begin(folder / RUN, planned.plan, planned.text, planned.facts):
        yield "begin the run folder"


def read_batch(folder: Path) -> Iterator[str]:
    """Read the plan as a worker does that renders one batch."""
    from fvcli.run import RunFolder

    yield "start"
    run = RunFolder.read(folder / RUN)
    yield "read the plan's head"
    units = run.plan.units_of(len(run.plan.batches) // 2)
    yield f"read a batch of {len(units)} units"


def finish(folder: Path) -> Iterator[str]:
    """Write what workers would: files of units, attempts and journals. Pictures are empty."""
    from fvcli.run import RunFolder
    from fvcli.run.work.attempts import DONE, Attempt, end_attempt
    from fvcli.run.work.journal import Journal
    from fvcli.run.work.rounds import latest_round

    run = RunFolder.read(folder / RUN)
    round_ = latest_round(run.path)
    assert round_ is not None
    journals = [Journal(run.path, f"worker-{i}", round_) for i in range(WORKERS)]
    for batch in range(len(run.plan.batches)):
        records = [_write_unit(run, unit) for unit in run.plan.units_of(batch)]
        journals[batch % WORKERS].add(batch, 1.0, records)
        end_attempt(run.path, Attempt(batch, 1, f"worker-{batch % WORKERS}"), DONE)
    yield f"write {len(run.plan.units)} units as {WORKERS} workers would"


def _write_unit(run: RunFolder, unit: Unit) -> Record:
    from fvcli.run.sidecar import Record

    text = _sidecar(unit)
    for place, content in ((run.png(unit), b""), (run.json(unit), text)):
        try:
            place.write_bytes(content)
        except FileNotFoundError:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    time_ns = run.json(unit).stat().st_mtime_ns
    return Record(unit.stem, unit.key, "done", {"png": 0, "json": len(text)}, time_ns)


def _sidecar(unit: Unit) -> bytes:
    """Return a sidecar as long as most are."""
    told = {
        "key": unit.key,
        "job": unit.job,
        "label": unit.label,
        "layer": unit.layer,
        "unit": dict(unit.unit),
    }
    return json.dumps({"schema_version": 4, **told, "filling": "x" * 700}).encode()


def start_worker(folder: Path) -> Iterator[str]:
    """Start a worker up to its first claim, but for TensorFlow and the model."""
    from fvcli.run import RunFolder
    from fvcli.run.work.queue import WorkQueue
    from fvcli.run.work.rounds import latest_round

    with RunFolder.join(folder / RUN) as run:
        yield "join the run"
        round_ = latest_round(run.path)
        assert round_ is not None
        assert run.presence is not None
        queue = WorkQueue(run, round_, run.presence.id)
        yield "see what is left"
        claim = queue.take()
        if claim is not None:
            queue.give_back(claim)
        yield "claim a batch" if claim else "find nothing to claim"


def status(folder: Path) -> Iterator[str]:
    """Tell the state of every unit."""
    from fvcli.app.read_status import read_status

    yield "start"
    found = read_status(folder / RUN)
    yield f"status: {found.counts['done']} done, {found.left} left"


def prepare(folder: Path) -> Iterator[str]:
    """Ask for what a run lacks, as fvcli prepare and fvcli render do when they begin."""
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.app.prepare_run import prepare_run

    planned = plan_of_spec(str(folder / SPEC), ())
    yield "plan"
    made = prepare_run(planned, folder / RUN)
    yield f"prepare {made.units} units in {made.batches} batches"


STEPS: Mapping[str, Callable[[Path], Iterator[str]]] = {
    "begin a new run": begin,
    "begin it again": begin,
    "read one batch": read_batch,
    "prepare": prepare,
    "start a worker": start_worker,
    "status of a new run": status,
    "finish all": finish,
    "status of a finished run": status,
    "start a worker on a finished run": start_worker,
    "prepare again": prepare,
}


def scale(out: Path, units: int = UNITS) -> str:
    """Measure every step for a run of so many units; return a table.

    Raises:
        ToolError: A step failed.
    """
    folder = out / "scale"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / SPEC).write_text(json.dumps(spec_of(units)))  # JSON is YAML
    results = {step: _measured(step, folder) for step in STEPS}
    (folder / "scale.json").write_text(json.dumps(results, indent=1))
    lines = ["| step | wall s | CPU s | peak MB |", "| --- | --- | --- | --- |"]
    for step, result in results.items():
        whole = f"**{step}**", *(result[name] for name in ("wall_seconds", "cpu_seconds", "peak_rss_mb"))
        for name, wall, cpu, peak_mb in (whole, *result["parts"]):
            lines.append(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak_mb:.0f} |")
    return "\n".join(lines) + "\n"


def _measured(step: str, folder: Path) -> dict[str, Any]:
    log = folder / f"{step.replace(' ', '-')}.log"
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as this process finds modules
    usage = run_measured([sys.executable, "-m", "benchmark.scale", step, str(folder)], log, found)
    text = log.read_text(errors="replace")
    if usage.code:
        raise ToolError(last_lines(text))
    parts = [json.loads(line) for line in text.splitlines() if line.startswith("[")]
    return {**asdict(usage), "parts": parts}


def _run_step(step: str, folder: Path) -> None:
    """Run a step; print a line for each part: name, wall and CPU seconds, and the peak of memory so far."""
    import resource

    wall, cpu = time.perf_counter(), time.process_time()
    for part in STEPS[step](folder):
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        taken = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps([part, *taken, peak_mb]), flush=True)
        wall, cpu = time.perf_counter(), time.process_time()


if __name__ == "__main__":
    _run_step(sys.argv[1], Path(sys.argv[2]))
