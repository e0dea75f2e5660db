"""Count what a run has, from its files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcli.plan import Unit
from fvcli.run import lock
from fvcli.run.attempts import is_open
from fvcli.run.finished import all_finished
from fvcli.run.folder import RunFolder
from fvcli.run.sidecar import Sidecar

DAMAGED, NEWER = "damaged", "newer"
STATES = ("done", "dead", "failed", DAMAGED, NEWER, "running", "lost", "pending")
NOTABLE = {"dead", "failed", DAMAGED, NEWER, "lost"}


@dataclass(frozen=True)
class RunStatus:
    """The state of every unit, in the plan's order, with the reason of those that are notable.

    done, dead, failed: it has a sidecar that says so. damaged: it is done or dead, but its files are not
    those that were written; only where they were checked. newer: a newer fvcli wrote its sidecar. running:
    its batch was begun and a process holds the folder. lost: its batch was begun, and no process is left.
    pending: the rest.

    others: how many finished pictures of other specs stand in the folder of units, which a render keeps.
    """

    path: Path
    states: tuple[tuple[Unit, str, str | None], ...]
    others: int = 0

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
            if state in NOTABLE
        ]
        units = len(self.states)
        return {
            "run": str(self.path),
            "units": units,
            **self.counts,
            "of_other_specs": self.others,
            "jobs": self.job_counts(),
            "notable": notable,
        }


def run_status(run: RunFolder, damage: Mapping[str, str] | None = None) -> RunStatus:
    """Recompute the state of every unit from the files of the run.

    Args:
        run: The run.
        damage: What is wrong with units' files, by job/unit, where they were checked.
    """
    held = lock.is_held(run.path)
    batch_of = {i: number for number, batch in enumerate(run.plan.batches) for i in batch}
    begun = {number for number, attempts in run.attempts().items() if is_open(attempts[-1])}
    states = []
    for i, unit in enumerate(run.plan.units):
        state, reason = _recorded(run, unit, damage or {})
        if state is None:
            in_flight = batch_of[i] in begun
            state = ("running" if held else "lost") if in_flight else "pending"
        states.append((unit, state, reason))
    planned = {(unit.path, unit.key) for unit in run.plan.units}
    others = [one for one in all_finished(run.units).values() if (one.path, one.key) not in planned]
    return RunStatus(run.path, tuple(states), sum(isinstance(one.sidecar, Sidecar) for one in others))


def _recorded(run: RunFolder, unit: Unit, damage: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return what a unit's files say of it, if they say anything."""
    if unit.path in damage:
        return DAMAGED, damage[unit.path]
    sidecar = run.sidecar(unit)
    if sidecar is not None:
        return sidecar.status, sidecar.error
    newer = run.newer_sidecar(unit)
    return (None, None) if newer is None else (NEWER, newer.said)


def missing_units(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> dict[int, int]:
    """Count the wanted units that each batch still lacks; leave out batches that lack none."""
    lacking = {
        number: sum(not run.is_finished(unit) for unit in run.plan.units_of(number, wanted))
        for number in batches
    }
    return {number: count for number, count in lacking.items() if count}
