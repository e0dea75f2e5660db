"""Count what a run has, from its files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcli.plan import Unit
from fvcli.run.finished import all_finished, is_as_told, journal_records
from fvcli.run.folder import RunFolder
from fvcli.run.listing import list_units
from fvcli.run.sidecar import NewerSidecar
from fvcli.run.work.attempts import DIED, latest_attempts, read_attempt
from fvcli.run.work.notes import read_notes, seems_alive

DAMAGED, NEWER = "damaged", "newer"
STATES = ("done", "dead", "failed", DAMAGED, NEWER, "running", "lost", "pending")
NOTABLE = {"dead", "failed", DAMAGED, NEWER, "lost"}


@dataclass(frozen=True)
class RunStatus:
    """The state of every unit, in the plan's order, with the reason of those that are notable.

    done, dead, failed: it has a sidecar that says so. damaged: it is done or dead, but its files are not
    those that were written; only where they were checked. newer: a newer fvcli wrote its sidecar.
    running: a worker that seems to live has claimed it. lost: the worker that had claimed it is gone.
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
    look = Look(run)
    under_way = _under_way(run)
    states = []
    for batch, positions in enumerate(run.plan.batches):
        begun = under_way.get(batch)
        for place, i in enumerate(positions):
            unit = run.plan.units[i]
            state, reason = _recorded(look, unit, damage or {})
            if state is None:
                state = begun[1] if begun and (begun[0] is None or place in begun[0]) else "pending"
            states.append((i, (unit, state, reason)))
    states.sort(key=lambda pair: pair[0])
    return RunStatus(run.path, tuple(state for _, state in states), look.others())


def _under_way(run: RunFolder) -> dict[int, tuple[frozenset[int] | None, str]]:
    """Return batches that were begun and not ended: which of their units, and running or lost."""
    found: dict[int, tuple[frozenset[int] | None, str]] = {}
    alive = {note.id for note in read_notes(run.path) if seems_alive(run.path, note)}
    for batch, number in latest_attempts(run.path).items():
        attempt = read_attempt(run.path, batch, number)
        if attempt.is_open or attempt.outcome == DIED:
            state = "running" if attempt.is_open and attempt.worker in alive else "lost"
            found[batch] = None if attempt.units is None else frozenset(attempt.units), state
    return found


class Look:
    """What the files of a run say of its units, each file looked at once."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._listing = list_units(run.units)
        self._records = journal_records(run.path)

    def status(self, unit: Unit) -> str | None:
        """Return done, dead or failed, or None if a sidecar does not say so."""
        record = self._records.get(unit.path)
        if record is not None and record.key == unit.key and is_as_told(record, self._listing):
            return record.status
        if self._listing.size(unit.path, "json") is None:
            return None
        sidecar = self._run.sidecar(unit)
        return sidecar.status if sidecar is not None else None

    def newer(self, unit: Unit) -> NewerSidecar | None:
        """Return what a newer fvcli wrote about a unit, if one did."""
        is_there = self._listing.size(unit.path, "json") is not None
        return self._run.newer_sidecar(unit) if is_there else None

    def error(self, unit: Unit) -> str | None:
        sidecar = self._run.sidecar(unit)
        return sidecar.error if sidecar is not None else None

    def others(self) -> int:
        """Return how many finished pictures of other specs stand in the folder of units."""
        planned = {unit.path: unit.key for unit in self._run.plan.units}
        found = all_finished(self._run.units, self._records, self._listing)
        return sum(one.key is not None and planned.get(path) != one.key for path, one in found.items())


def _recorded(look: Look, unit: Unit, damage: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return what a unit's files say of it, if they say anything."""
    if unit.path in damage:
        return DAMAGED, damage[unit.path]
    status = look.status(unit)
    if status is not None:
        return status, look.error(unit) if status in NOTABLE else None
    newer = look.newer(unit)
    return (None, None) if newer is None else (NEWER, newer.said)
