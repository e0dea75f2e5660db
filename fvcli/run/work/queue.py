"""What is left to do in a run, as one worker sees it, and the claims that it makes.

round's batches --by compiled program--> longest first --claim--> done, or given back
                                               |
                                               +-- another worker has it: looked at again at the end
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from fvcli.plan import Unit
from fvcli.run.folder import RunFolder
from fvcli.run.work.attempts import (
    DIED,
    DONE,
    STOPPED,
    Attempt,
    attempts_of,
    end_attempt,
    latest_attempts,
    make_attempt,
)
from fvcli.run.work.journal import batches_done
from fvcli.run.work.next_try import Death, next_try
from fvcli.run.work.notes import IN_ORDER, LEASE_S, Note, Watch, note_path, read_note, read_notes
from fvcli.run.work.rounds import Round

TRIES = 3
REFRESH_S = 5.0  # between two looks at what other workers have finished


@dataclass(frozen=True)
class Claim:
    """A batch that this worker may render.

    units: Those that are to be rendered, in order.
    failed: Why they are failed without being rendered; empty where they are to be rendered.
    is_part: Whether the batch lacks more units than these.
    deaths: How many processes died at the batch.
    """

    attempt: Attempt
    units: tuple[Unit, ...]
    failed: str = ""
    is_part: bool = False
    deaths: int = 0

    @property
    def batch(self) -> int:
        return self.attempt.batch


@dataclass
class WorkQueue:
    """The batches of a round that one worker may claim.

    Args:
        run: The run.
        round_: What was asked for.
        worker: Id of the worker.
        tries: Deaths of processes at a batch before it is cut; see ``next_try``.
        lease_s: For how long a worker without a sign of life is waited for.
        weight: What the rendering of a unit of a program costs, in any unit.
    """

    run: RunFolder
    round_: Round
    worker: str
    tries: int = TRIES
    lease_s: float = LEASE_S
    weight: Callable[[int], float] = lambda _: 1.0
    _todo: dict[int, list[int]] = field(default_factory=dict)  # by program
    _held: set[int] = field(default_factory=set)
    _mine: set[int] = field(default_factory=set)
    _suspects: set[int] = field(default_factory=set)  # processes died at them
    _alone_with: int | None = None  # a suspect that this worker is at, and nothing else
    _latest: dict[int, int] = field(default_factory=dict)
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self._watch = Watch(self.run.path, self.lease_s)
        self._alike = _compiled_alike(self.run)
        self._latest = latest_attempts(self.run.path)
        done = self._done_elsewhere()
        for batch in self.round_.batches:
            if batch not in done:
                self._add(batch)
        for batches in self._todo.values():
            batches.sort(key=self._order, reverse=True)  # taken from the end
        self._looked = time.monotonic()

    # ---- what is left

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, for this worker or for another."""
        left = (*self._todo.values(), self._held, self._mine, self._suspects)
        return not any(left)

    @property
    def held(self) -> frozenset[int]:
        """The batches that other workers are at, as far as this one has seen."""
        return frozenset(self._held)

    def group_of(self, program: int) -> int:
        """Return the number of the first program that is compiled as this one is."""
        return self._alike[program]

    def _add(self, batch: int) -> None:
        self._todo.setdefault(self.run.plan.program_number(batch), []).append(batch)

    def _order(self, batch: int) -> tuple[int, int]:
        """Return where a batch comes: those with many units first, then as in the plan."""
        return -len(self.round_.wanted.get(batch, self.run.plan.batches[batch])), batch

    def _done_elsewhere(self) -> set[int]:
        return batches_done(self.run.path, self.round_)

    # ---- claims

    def take(self, compiled: int | None = None, *, also: bool = True) -> Claim | None:
        """Claim a batch, or return None if none is free now.

        Args:
            compiled: The program that is compiled; batches that it serves are taken first.
            also: Whether batches that need another may be taken.
        """
        for program in self._programs(compiled, also):
            claim = self.take_of(program)
            if claim is not None:
                return claim
        again = chain(self._freed(), self._own_suspects()) if also else ()
        return next(filter(None, map(self._claim, again)), None)

    def take_of(self, program: int) -> Claim | None:
        """Claim a batch of one program, or return None if none is free."""
        batches = self._todo.get(program, [])
        while batches and self._alone_with is None:
            claim = self._claim(batches.pop())
            if claim is not None:
                return claim
        return None

    def _own_suspects(self) -> list[int]:
        """Return batches at which processes died, if there is nothing else that would die with them."""
        if self._mine or any(self._todo.values()):
            return []
        return sorted(self._suspects)

    def _programs(self, compiled: int | None, also: bool) -> Iterator[int]:
        """Yield those that are compiled, then those with most to do for each worker that would be at them."""
        left = [program for program, batches in self._todo.items() if batches]
        if compiled is not None:
            alike = [program for program in left if self.group_of(program) == self.group_of(compiled)]
            yield from sorted(alike, key=lambda program: (program != compiled, program))
        if also and any(self._todo.values()):
            yield from self._by_work()

    def _by_work(self) -> list[int]:
        workers = Counter(at.get("group") for note in self._others() for at in note.at[:1])
        work: defaultdict[int, float] = defaultdict(float)
        for program, batches in self._todo.items():
            work[self.group_of(program)] += self._work(program, batches)

        def rank(program: int) -> tuple[float, int]:
            group = self.group_of(program)
            return -work[group] / (1 + workers[group]), program

        return sorted((program for program, batches in self._todo.items() if batches), key=rank)

    def _work(self, program: int, batches: Sequence[int]) -> float:
        return len(batches) * self.run.plan.programs[program].batch_size * self.weight(program)

    def _others(self) -> list[Note]:
        notes = read_notes(self.run.path)
        return [n for n in notes if n.id != self.worker and self._watch.is_alive(n) is not False]

    def _freed(self) -> list[int]:
        """Return batches that others were at and may have left."""
        if self._held and time.monotonic() - self._looked >= min(REFRESH_S, self.lease_s / 6):
            self._looked = time.monotonic()
            self._held -= self._done_elsewhere()
            return sorted(self._held)
        return []

    def _claim(self, batch: int) -> Claim | None:
        self._held.discard(batch)
        self._suspects.discard(batch)
        if self._alone_with is not None:
            self._held.add(batch)
            return None
        known = self._latest.get(batch, 0)
        history = attempts_of(self.run.path, batch, known) if known else []
        if history and history[-1].is_open and not self._is_left(history[-1]):
            self._held.add(batch)
            return None
        missing = self._missing(batch)
        if not missing:
            return None
        deaths = [Death(self._units(one), one.detail) for one in history if self._is_death(one)]
        if deaths and (self._mine or any(self._todo.values())):
            self._suspects.add(batch)
            return None
        chosen = next_try(self._in_groups(batch, missing), deaths, self.tries)
        attempt = Attempt(batch, history[-1].number + 1 if history else 1, self.worker, chosen.units)
        self._latest[batch] = attempt.number
        if not make_attempt(self.run.path, attempt):
            self._held.add(batch)
            return None
        self._mine.add(batch)
        self._alone_with = batch if deaths else None
        positions = self.run.plan.batches[batch]
        units = tuple(self.run.plan.units[positions[i]] for i in chosen.units if i in missing)
        return Claim(attempt, units, chosen.failed, len(units) < len(missing), len(deaths))

    def _is_left(self, attempt: Attempt) -> bool:
        if attempt.worker == self.worker:  # made here, but the store's answer was lost: then it said no
            return True
        unread = f"{attempt.batch}.{attempt.number}"  # it is being written: each such has a lease of its own
        return self._watch.is_gone(attempt.worker or unread)

    def _is_death(self, attempt: Attempt) -> bool:
        """Tell whether a process died at a batch; not one that ended in order, and could not say so here."""
        if attempt.outcome is not None or attempt.worker == self.worker:
            return attempt.outcome == DIED
        note = read_note(note_path(self.run.path, attempt.worker)) if attempt.worker else None
        return note is None or note.ended not in IN_ORDER

    def _missing(self, batch: int) -> set[int]:
        """Return the positions, in the batch, of units that are wanted and neither finished nor failed."""
        positions = self.run.plan.batches[batch]
        wanted = self.round_.wanted.get(batch, range(len(positions)))
        return {i for i in wanted if not self.run.is_settled(self.run.plan.units[positions[i]])}

    def _in_groups(self, batch: int, missing: set[int]) -> list[tuple[int, ...]]:
        """Return missing units with those that are rendered together with them."""
        members = self.run.plan.program_of(batch).members
        count = len(self.run.plan.batches[batch])
        groups = [tuple(range(i, min(i + members, count))) for i in range(0, count, members)]
        return [group for group in groups if missing & set(group)]

    def _units(self, attempt: Attempt) -> tuple[int, ...]:
        return attempt.units or tuple(range(len(self.run.plan.batches[attempt.batch])))

    # ---- ends

    def done(self, claim: Claim) -> None:
        """Say that the units of a claim are finished or failed."""
        self._end(claim, DONE)
        if claim.is_part:
            self._add(claim.batch)

    def give_back(self, claim: Claim) -> None:
        """Say that a claim ended before its units were finished."""
        self._end(claim, STOPPED)

    def _end(self, claim: Claim, outcome: str) -> None:
        end_attempt(self.run.path, claim.attempt, outcome)
        self._mine.discard(claim.batch)
        if self._alone_with == claim.batch:
            self._alone_with = None


def _compiled_alike(run: RunFolder) -> list[int]:
    """Return, for each program, the number of the first one that one compiled ascent serves, too."""
    first: dict[object, int] = {}
    return [first.setdefault(program.compilation, i) for i, program in enumerate(run.plan.programs)]
