"""What is left to do in a run, as one worker sees it, and the claims that it makes.

round's batches --by compiled program--> longest first --claim--> done, or given back
                                               |
                                               +-- another worker has it: looked at again at the end
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain, groupby

from fvcli.plan import Unit
from fvcli.run.folder import RunFolder
from fvcli.run.process import computer
from fvcli.run.work.attempts import (
    DIED,
    DONE,
    ERRED,
    STOPPED,
    Attempt,
    attempts_of,
    end_attempt,
    latest_attempts,
    make_attempt,
)
from fvcli.run.work.journal import Finished
from fvcli.run.work.next_try import Death, NextTry, next_try
from fvcli.run.work.notes import IN_ORDER, LEASE_S, WORKER, Note, Watch, note_path, read_note, read_notes
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
    met_with: Workers that died at it, or left it to others after an error.
    """

    attempt: Attempt
    units: tuple[Unit, ...]
    failed: str = ""
    is_part: bool = False
    deaths: int = 0
    met_with: frozenset[str] = frozenset()

    @property
    def batch(self) -> int:
        return self.attempt.batch


@dataclass(frozen=True)
class _Met:
    """What workers met at a batch: deaths of processes, and whose they were, and errors."""

    deaths: tuple[Death, ...] = ()
    died_with: frozenset[str] = frozenset()
    erred_with: frozenset[str] = frozenset()

    @property
    def trouble(self) -> bool:
        return bool(self.deaths or self.erred_with)

    @property
    def with_(self) -> frozenset[str]:
        return self.died_with | self.erred_with


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
        settled: Is told of a batch that lacks nothing any more, of which no journal may tell.
    """

    run: RunFolder
    round_: Round
    worker: str
    tries: int = TRIES
    lease_s: float = LEASE_S
    weight: Callable[[int], float] = lambda _: 1.0
    settled: Callable[[int], None] = lambda _: None
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
        self._finished = Finished(self.run.path)
        done = self._done_elsewhere()
        for batch in self.round_.batches:
            if batch not in done:
                self._add(batch)
        place = _place_among(len(self._colleagues()))
        for batches in self._todo.values():
            batches.sort(key=self._order, reverse=True)  # taken from the end
            _begin_at(batches, place, self._units_wanted)
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
        return -self._units_wanted(batch), batch

    def _units_wanted(self, batch: int) -> int:
        return len(self.round_.wanted.get(batch, self.run.plan.batches[batch]))

    def _done_elsewhere(self) -> set[int]:
        return self._finished.look().get(self.round_.name, set())

    def _look_around(self) -> bool:
        """See, from time to time, what others have finished; tell whether it was time."""
        if time.monotonic() - self._looked < min(REFRESH_S, self.lease_s / 6):
            return False
        self._looked = time.monotonic()
        done = self._done_elsewhere()
        self._held -= done
        self._suspects -= done
        for batches in self._todo.values():
            batches[:] = [batch for batch in batches if batch not in done]
        return True

    # ---- claims

    def take(self, compiled: int | None = None, *, also: bool = True) -> Claim | None:
        """Claim a batch, or return None if none is free now.

        Args:
            compiled: The program that is compiled; batches that it serves are taken first.
            also: Whether batches that need another may be taken.
        """
        has_looked = self._look_around()
        for program in self._programs(compiled, also):
            claim = self.take_of(program)
            if claim is not None:
                return claim
        freed = sorted(self._held) if has_looked else []  # others may have left them
        again = chain(freed, self._own_suspects()) if also else ()
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

    def _colleagues(self) -> list[Note]:
        """Return the notes of other workers of this round: those of another never take its batches.

        Without those that have shown no sign of life for the lease.
        """
        rounds = {"", self.round_.name}
        others = [note for note in self._others() if note.role == WORKER and note.round in rounds]
        return [note for note in others if not self._watch.is_gone(note.id)]

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
        if not history:
            return self._first(batch)
        met = self._met(history)
        if met.trouble and (self._mine or any(self._todo.values())):
            self._suspects.add(batch)
            return None
        return self._again(batch, history[-1].number + 1, met)

    def _first(self, batch: int) -> Claim | None:
        """Claim a batch at which nobody was; its sidecars are read then, so that one worker alone does it."""
        asked = self.round_.wanted.get(batch, range(len(self.run.plan.batches[batch])))
        attempt = Attempt(batch, 1, self.worker, tuple(asked))
        if not self._make(attempt):
            return None
        missing = self._missing(batch)
        if not missing:
            end_attempt(self.run.path, attempt, DONE)
            self.settled(batch)
            return None
        return self._claimed(attempt, missing, NextTry(tuple(sorted(missing))), _Met())

    def _again(self, batch: int, number: int, met: _Met) -> Claim | None:
        """Claim a batch at which others were, if this worker may try what is left of it."""
        missing = self._missing(batch)
        if not missing:
            self.settled(batch)
            return None
        chosen = next_try(self._in_groups(batch, missing), met.deaths, self.tries)
        if chosen.failed and self._is_elsewhere(met.with_):
            chosen = NextTry(chosen.units)  # it may be their computer that kills
        is_judged = not chosen.failed or self._is_judged(met.with_, apart=False)
        if not is_judged or (self.worker in met.erred_with and not self._is_judged(met.with_)):
            self._held.add(batch)  # others are there that have not met it
            return None
        attempt = Attempt(batch, number, self.worker, chosen.units)
        return self._claimed(attempt, missing, chosen, met) if self._make(attempt) else None

    def _make(self, attempt: Attempt) -> bool:
        self._latest[attempt.batch] = attempt.number
        is_made = make_attempt(self.run.path, attempt)
        if not is_made:
            self._held.add(attempt.batch)
        return is_made

    def _claimed(self, attempt: Attempt, missing: set[int], chosen: NextTry, met: _Met) -> Claim:
        self._mine.add(attempt.batch)
        self._alone_with = attempt.batch if met.trouble else None
        positions = self.run.plan.batches[attempt.batch]
        units = tuple(self.run.plan.units[positions[i]] for i in chosen.units if i in missing)
        is_part = len(units) < len(missing)
        return Claim(attempt, units, chosen.failed, is_part, len(met.deaths), met.with_)

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

    # ---- is it the unit, or the computer?

    def _met(self, history: Sequence[Attempt]) -> _Met:
        died = [attempt for attempt in history if self._is_death(attempt)]
        return _Met(
            tuple(Death(self._units(one), one.detail) for one in died),
            frozenset(one.worker for one in died),
            frozenset(one.worker for one in history if one.outcome == ERRED),
        )

    def may_judge(self, claim: Claim) -> bool:
        """Tell whether an error that this worker met is its units' own: others met it, or there are none."""
        return self._is_judged(claim.met_with | {self.worker})

    def _is_judged(self, workers: Set[str], *, apart: bool = True) -> bool:
        """Tell whether what some workers met is no fault of their computer.

        It is none if it was met on two computers, or nobody is at this round's work on another. Where no
        worker is known any more that met it, it counts as theirs.

        Args:
            workers: Who met it.
            apart: Whether two workers on one computer may differ, as with two GPUs.
        """
        computers = self._computers(workers)
        if len(computers) != 1:
            return True
        others = [note for note in self._colleagues() if note.id not in workers]
        if any(note.process.get("computer") not in computers for note in others):
            return False
        return not (apart and others and len(workers) < 2)

    def _is_elsewhere(self, workers: Set[str]) -> bool:
        """Tell whether this worker is on another computer than the only one that some are known to be on."""
        computers = self._computers(workers)
        return len(computers) == 1 and computer() not in computers

    def _computers(self, workers: Set[str]) -> set[object]:
        """Return which computers workers are on, of those that is known of."""
        notes = [read_note(note_path(self.run.path, worker)) for worker in workers if worker]
        mine = {computer()} if self.worker in workers else set()
        return mine | {note.process.get("computer") for note in notes if note is not None}

    # ---- ends

    def done(self, claim: Claim) -> None:
        """Say that the units of a claim are finished or failed."""
        self._end(claim, DONE)
        if claim.is_part:
            self._add(claim.batch)

    def leave(self, claim: Claim, units: Sequence[Unit], reason: str) -> None:
        """Say that some units of a claim met an error, and are left to other workers."""
        positions = self.run.plan.batches[claim.batch]
        paths = {unit.path for unit in units}
        left = tuple(i for i in claim.attempt.units or () if self.run.plan.units[positions[i]].path in paths)
        self._end(replace(claim, attempt=replace(claim.attempt, units=left)), ERRED, reason)
        self._held.add(claim.batch)

    def give_back(self, claim: Claim) -> None:
        """Say that a claim ended before its units were finished."""
        self._end(claim, STOPPED)

    def _end(self, claim: Claim, outcome: str, detail: str = "") -> None:
        end_attempt(self.run.path, claim.attempt, outcome, detail)
        self._mine.discard(claim.batch)
        if self._alone_with == claim.batch:
            self._alone_with = None


def _place_among(workers: int) -> float:
    """Return where in the order the next worker begins, as a share of it, far from those that are there.

    0, 1/2, 1/4, 3/4, 1/8 ...: the bits of their number behind the point, turned round (van der Corput 1935).
    """
    return sum(1 / (2 << bit) for bit in range(workers.bit_length()) if workers >> bit & 1)


def _begin_at(batches: list[int], place: float, size: Callable[[int], int]) -> None:
    """Turn the order of batches of one size, which are taken from the end, so that another comes first."""
    for _, group in groupby(list(enumerate(batches)), key=lambda one: size(one[1])):
        places = [index for index, _ in group]
        first = len(places) - int(len(places) * place)
        chosen = batches[places[0] : places[-1] + 1]
        batches[places[0] : places[-1] + 1] = chosen[first:] + chosen[:first]


def _compiled_alike(run: RunFolder) -> list[int]:
    """Return, for each program, the number of the first one that one compiled ascent serves, too."""
    first: dict[object, int] = {}
    return [first.setdefault(program.compilation, i) for i, program in enumerate(run.plan.programs)]
