"""Count what a run has, from its files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fvcli.plan.without_cycles import without_cycles
from fvcli.run.folder import RunFolder
from fvcli.run.look import NEWER, look_at
from fvcli.run.sidecar import DONE
from fvcli.run.work.attempts import DIED, Attempt, latest_attempts, read_attempt
from fvcli.run.work.journal import rounds_left
from fvcli.run.work.notes import IN_ORDER, WORKER, Note, read_notes, seems_alive
from fvcli.run.work.rounds import read_rounds

DAMAGED = "damaged"
STATES = ("done", "dead", "failed", DAMAGED, NEWER, "running", "lost", "pending")
NOTABLE = {"dead", "failed", DAMAGED, NEWER, "lost"}
NOT_TOLD = {"process", "argv", "beat", "beat_s"}
ORDER = ("running", "lost", "pending", "done")  # of states, for a batch that has units of several
OPEN = {"running", "lost", "pending"}


class Notable(NamedTuple):
    """A unit about which there is something to say: its job/unit, its state and the reason."""

    unit: str
    status: str
    error: str | None


@dataclass(frozen=True)
class WorkerState:
    """What is known of a worker: its note, and whether it seems to live."""

    note: Note
    is_alive: bool

    def to_dict(self) -> dict[str, Any]:
        note = self.note
        told = {key: value for key, value in asdict(note).items() if key not in NOT_TOLD}
        rate = round(note.units_a_minute, 2)
        host, pid = note.process.get("host"), note.process.get("pid")
        return {**told, "host": host, "pid": pid, "alive": self.is_alive, "units_a_minute": rate}


@dataclass(frozen=True)
class RunStatus:
    """The state of every unit.

    done, dead, failed: it has a sidecar that says so. damaged: it is done or dead, but its files are not
    those that were written; only where they were checked. newer: a newer fvcli wrote its sidecar.
    running: a worker that seems to live has claimed it. lost: the worker that had claimed it is gone.
    pending: the rest.

    jobs: How many units of each job have each state.
    batches: How many batches are done, running, lost and pending.
    notable: Units that are dead, failed, damaged, newer or lost, in the plan's order.
    remarks: What is odd about pictures that are done, by job/unit; see ``fvcli.run.remarks``.
    workers: All that ever were, oldest first.
    twice: How many units were rendered although another worker had finished them.
    others: how many finished pictures of other specs stand in the folder of units, which a render keeps.
    is_asked: Whether workers that are started now find something to do.
    """

    path: Path
    jobs: Mapping[str, Mapping[str, int]]
    batches: Mapping[str, int]
    notable: tuple[Notable, ...] = ()
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    workers: tuple[WorkerState, ...] = ()
    twice: int = 0
    others: int = 0
    is_asked: bool = True

    @property
    def counts(self) -> dict[str, int]:
        return {state: sum(job[state] for job in self.jobs.values()) for state in STATES}

    @property
    def units(self) -> int:
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """How many units are not rendered yet."""
        return sum(self.counts[state] for state in OPEN)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: all that was asked for is rendered, and nobody is at work."""
        return not self.left or not (self.is_asked or any(worker.is_alive for worker in self.workers))

    @property
    def deaths(self) -> int:
        """How many workers ended without being told to."""
        return sum(not worker.is_alive and worker.note.ended not in IN_ORDER for worker in self.workers)

    @property
    def units_a_minute(self) -> float:
        """What the living workers render, as their notes tell."""
        return sum(worker.note.units_a_minute for worker in self.workers if worker.is_alive)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        rate = self.units_a_minute
        return {
            "run": str(self.path),
            "units": self.units,
            **self.counts,
            "of_other_specs": self.others,
            "rendered_twice": self.twice,
            "units_a_minute": round(rate, 2),
            "seconds_left": round(60 * self.left / rate, 1) if rate else None,
            "batches": dict(self.batches),
            "jobs": {job: dict(states) for job, states in self.jobs.items()},
            "workers": [worker.to_dict() for worker in self.workers],
            "notable": [one._asdict() for one in self.notable],
            "remarks": {unit: list(kinds) for unit, kinds in self.remarks.items()},
        }


def run_status(run: RunFolder, damage: Mapping[str, str] | None = None) -> RunStatus:
    """Recompute the state of every unit from the files of the run.

    Args:
        run: The run.
        damage: What is wrong with units' files, by job/unit, where they were checked.
    """
    with without_cycles():  # of a million units the search for them would take longer than all the rest
        return _run_status(run, damage or {})


def _run_status(run: RunFolder, damage: Mapping[str, str]) -> RunStatus:
    look = look_at(run)
    workers = tuple(_workers(run))
    places = list(run.plan.places())
    states: list[str | None] = [look.state(place) for place in places]
    has_others = sum(state is not None for state in states) < look.results
    batches = _fill_in(run, states, {worker.note.id for worker in workers if worker.is_alive})
    jobs: dict[str, Counter[str]] = {job.name: Counter() for job in run.plan.jobs}
    notable, remarks = [], {}
    for place, state in zip(places, states, strict=True):
        assert state is not None  # it was filled in
        found = DAMAGED if damage and place.path in damage else state
        jobs[place.job][found] += 1
        if found == DONE and (odd := look.remarks(place)):
            remarks[place.path] = odd
        if found in NOTABLE:
            reason = damage[place.path] if found == DAMAGED else look.reason(place)
            notable.append(Notable(place.path, found, reason))
    return RunStatus(
        run.path,
        {job: {state: found[state] for state in STATES} for job, found in jobs.items()},
        {state: batches[state] for state in ("done", "running", "lost", "pending")},
        tuple(notable),
        remarks,
        workers,
        look.twice,
        look.others(places) if has_others else 0,
        any(OPEN & jobs_of.keys() for jobs_of in jobs.values()) and _is_asked(run),
    )


def unit_states(run: RunFolder, damage: Mapping[str, str]) -> list[str]:
    """Return the state of every unit, one of ``STATES``, in the plan's order.

    Args:
        run: The run.
        damage: What is wrong with units' files, by job/unit, where they were checked.
    """
    look = look_at(run)
    places = list(run.plan.places())
    states: list[str | None] = [look.state(place) for place in places]
    _fill_in(run, states, {worker.note.id for worker in _workers(run) if worker.is_alive})
    both = zip(places, states, strict=True)
    return [DAMAGED if place.path in damage else str(state) for place, state in both]


def _is_asked(run: RunFolder) -> bool:
    """Tell whether a round has something left; where nobody began one, it is not known what was asked for."""
    return not read_rounds(run.path) or any(rounds_left(run.path, run.plan.sum))


def _fill_in(run: RunFolder, states: list[str | None], alive: set[str]) -> Counter[str]:
    """Find the states of units that have no result; return how many batches are in each state."""
    attempts = _Attempts(run, alive)
    batches: Counter[str] = Counter()
    for number, positions in enumerate(run.plan.batches):
        worst = "done"
        for inside, i in enumerate(positions):
            if states[i] is None:
                state = states[i] = attempts.state(number, inside)
                worst = min(worst, state, key=ORDER.index)
        batches[worst] += 1
    return batches


def _workers(run: RunFolder) -> Iterator[WorkerState]:
    for note in read_notes(run.path):
        if note.role == WORKER:
            yield WorkerState(note, seems_alive(run.path, note))


class _Attempts:
    """What is known of batches that are not done; the record of an attempt is read when it is asked for."""

    def __init__(self, run: RunFolder, alive: set[str]) -> None:
        self._run = run
        self._alive = alive
        self._latest = latest_attempts(run.path)
        self._read = cache(self._read_latest)

    def state(self, batch: int, place: int) -> str:
        """Return running, lost or pending, of the unit at a place in a batch."""
        attempt = self._read(batch) if batch in self._latest else None
        if attempt is None or not (attempt.is_open or attempt.outcome == DIED):
            return "pending"
        if attempt.units is not None and place not in attempt.units:
            return "pending"
        return "running" if attempt.is_open and attempt.worker in self._alive else "lost"

    def _read_latest(self, batch: int) -> Attempt | None:
        return read_attempt(self._run.path, batch, self._latest[batch])
