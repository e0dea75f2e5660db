"""Count what a run has, from its files alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcli.plan import Unit
from fvcli.run import lock
from fvcli.run.folder import RunFolder

STATES = ("done", "dead", "failed", "running", "lost", "pending")


@dataclass(frozen=True)
class RunStatus:
    """The state of every unit, in the plan's order.

    done, dead, failed: it has a sidecar that says so. running: its batch was begun and a process holds
    the folder. lost: its batch was begun, and no process is left. pending: the rest.
    """

    path: Path
    states: tuple[tuple[Unit, str, str | None], ...]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(state for _, state, _ in self.states)
        return {state: found[state] for state in STATES}

    def job_counts(self) -> dict[str, dict[str, int]]:
        jobs: dict[str, Counter[str]] = {}
        for unit, state, _ in self.states:
            jobs.setdefault(unit.job, Counter())[state] += 1
        return {job: {state: found[state] for state in STATES} for job, found in jobs.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        notable = [
            {"unit": unit.path, "status": state, "error": error}
            for unit, state, error in self.states
            if state in {"dead", "failed", "lost"}
        ]
        units = len(self.states)
        return {
            "run": str(self.path),
            "units": units,
            **self.counts,
            "jobs": self.job_counts(),
            "notable": notable,
        }


def run_status(run: RunFolder) -> RunStatus:
    """Recompute the state of every unit from the files of the run."""
    held = lock.is_held(run.path)
    batch_of = {i: number for number, batch in enumerate(run.plan.batches) for i in batch}
    begun = {number for number, attempts in run.attempts().items() if _is_open(attempts[-1])}
    states = []
    for i, unit in enumerate(run.plan.units):
        sidecar = run.sidecar(unit)
        if sidecar is not None:
            states.append((unit, sidecar.status, sidecar.error))
        elif batch_of[i] in begun:
            states.append((unit, "running" if held else "lost", None))
        else:
            states.append((unit, "pending", None))
    return RunStatus(run.path, tuple(states))


def _is_open(attempt: Path) -> bool:
    """Tell whether an attempt began and never ended."""
    try:
        return json.loads(attempt.read_text())["outcome"] is None
    except (OSError, ValueError, KeyError, TypeError):
        return True


def missing_units(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> dict[int, int]:
    """Count the wanted units that each batch still lacks; leave out batches that lack none."""
    lacking = {
        number: sum(not run.is_finished(unit) for unit in run.plan.units_of(number, wanted))
        for number in batches
    }
    return {number: count for number, count in lacking.items() if count}
