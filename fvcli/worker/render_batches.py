"""Render the batches of a run that this worker may claim.

    queue --claim--> batches --cut--> tasks --lanes--> ascend --> record --> journal
                                        ^                |
                                        +-- out of memory: smaller ones

A task is what one ascent takes: on a GPU as many units as it works on at once; on a CPU, where every core has
a lane of its own, one unit, or a group of units that are optimised together. Tasks of the next batch begin
when a lane is free, unless they need another compiled program.
The generator can be closed at any time: what is being rendered is dropped, what is committed stays.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue

import tensorflow as tf

from fvcli.errors import FvcliError, counted, size_in_words
from fvcli.models import load
from fvcli.models.loaded.model import LoadedModel
from fvcli.plan import Program
from fvcli.plan.cost import unit_cost
from fvcli.plan.memory import memory_of
from fvcli.run import RunFolder, join_run, take_fingerprint, write_run_facts
from fvcli.run.free_memory import free_bytes
from fvcli.run.sidecar import Record
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import WORKER, Presence
from fvcli.run.work.queue import WorkQueue
from fvcli.run.work.rounds import Round, begin_round
from fvcli.worker.assets import Assets
from fvcli.worker.concurrency import Lanes, Ledger
from fvcli.worker.device import Device, computing_facts, set_up_device
from fvcli.worker.events import Compiling, Said, StepsDone, Waiting
from fvcli.worker.give_back_memory import give_back_memory
from fvcli.worker.options import WorkerOptions
from fvcli.worker.recorder import Origin, Recorder
from fvcli.worker.renderers import Renderer, renderer_of
from fvcli.worker.session import Session
from fvcli.worker.tasks import Group, Task, cut

POLL_S = 0.2  # how long a signal may go unheard


@dataclass(frozen=True)
class _Report:
    """What a lane says: how far a task is, or what its units came to, or what went wrong.

    too_many: as many pictures an ascent as were too many for the memory.
    error: Why none of the units could be rendered here.
    """

    task: Task
    share: float = 0.0
    records: tuple[Record, ...] | None = None
    too_many: int = 0
    error: str = ""


class Worker:
    """Renders batches of one run: loads the model once, compiles a program when its batches begin.

    It stays with a program while the run has batches of it, so only the latest one is kept.

    Args:
        run: The run.
        options: How it works.
        device: What to render on; by default what this machine has.
        change: Changes the network before it is rendered with.

    Raises:
        UsageError: The run was begun with something else that may change pictures; see ``join_run``.
    """

    def __init__(
        self,
        run: RunFolder,
        options: WorkerOptions | None = None,
        *,
        device: Device | None = None,
        change: Callable[[LoadedModel], LoadedModel] = lambda model: model,
    ) -> None:
        self._run = run
        self._options = options or WorkerOptions()
        self._device = device or set_up_device(self._options.threads)
        fingerprint = take_fingerprint(computing_facts(self._device))
        self._fingerprint = join_run(run.path, fingerprint, mixed=self._options.mixed)
        write_run_facts(run, self._device.name)
        self._model = change(load(run.plan.model, self._options.allow_code))
        self._recorder = Recorder(run, self._model.facts, self._device.name, self._fingerprint)
        self._assets = Assets(run, self._model.facts.input_channels, self._fingerprint)
        self._compiled: tuple[object, Renderer] | None = None
        self._fitting = self._device.lanes  # ascents at a time of what is compiled
        self._program: int | None = None  # the one that was compiled last
        self._broken: tuple[object, str] | None = None  # what could not be compiled, and why
        self._sizes: dict[int, int] = {}  # pictures an ascent, of programs that ran out of memory with more
        self._ledger = Ledger()
        self._reports: SimpleQueue[_Report] = SimpleQueue()
        self._stopped = False

    @property
    def device(self) -> str:
        return self._device.name

    def render(self, batches: Sequence[int], wanted: frozenset[str] | None = None) -> Generator[Said]:
        """Render what batches still lack, as a round of their own.

        Args:
            batches: Their numbers in the plan.
            wanted: Paths of units to restrict them to.
        """
        yield from self.work(begin_round(self._run.path, self._run.plan, batches, wanted))

    def work(self, round_: Round) -> Generator[Said]:
        """Render batches of a round until none is left, for this worker or for another."""
        with ExitStack() as stack:
            presence = self._run.presence
            if presence is None:
                presence = stack.enter_context(Presence(self._run.path, self._options.lease_s).kept())
            presence.patience_s = self._options.timeout_s
            who = {"role": WORKER, "device": self._device.name, "fingerprint": self._fingerprint}
            presence.say(**who, round=round_.name)
            journal = Journal(self._run.path, presence.id, round_)
            queue = WorkQueue(
                self._run,
                round_,
                presence.id,
                self._options.tries,
                self._options.lease_s,
                self._weight,
                lambda batch: journal.add(batch, 0.0, ()),
            )
            yield from self._work(Session(self._run, queue, presence, journal))

    def _weight(self, program: int) -> float:
        """Return what a unit of a program costs, in multiplications of the network."""
        return unit_cost(self._run.plan.programs[program], self._model.facts)

    def _work(self, session: Session) -> Generator[Said]:
        lanes = Lanes(self._device.lanes)
        try:
            while True:
                yield from self._fill(session, lanes)
                if not lanes.is_idle:
                    lanes.wait(POLL_S)
                    yield Waiting(())  # so that this can be closed also where a step takes long
                elif self._reports.empty():
                    if session.queue.is_over:
                        return
                    yield Waiting(tuple(sorted(session.queue.held)))
                    time.sleep(POLL_S)
                while not self._reports.empty():
                    yield from self._heed(self._reports.get(), session)
        finally:  # a closed generator comes through here, too
            self._stopped = True
            lanes.close()
            self._reports = SimpleQueue()
            session.give_back()
            self._stopped = False

    # ---- batches and tasks

    def _fill(self, session: Session, lanes: Lanes) -> Iterator[Said]:
        """Begin tasks as long as there are lanes for them."""
        while lanes.has_room:
            if not session.todo:
                session.todo.extend(self._next_tasks(session, lanes))
            if not session.todo or not self._may_start(session.todo[0], lanes):
                return
            task = session.todo.popleft()
            yield from self._announce(task)
            yield from session.begin(task)
            lanes.submit(self._prepared(task, lanes))

    def _next_tasks(self, session: Session, lanes: Lanes) -> Iterator[Task]:
        """Claim a batch, and on a GPU as many as it works on at once, and cut them into tasks."""
        claim = session.queue.take(self._program, also=lanes.is_idle)
        if claim is None:
            return
        groups = session.groups_of(claim)
        self._run.refuse_another_plan()  # what was claimed is given back then
        program = groups[0].units[0].program
        while self._device.whole_batches and sum(len(group.units) for group in groups) < self._size(program):
            more = session.queue.take_of(program)
            if more is None:
                break
            groups += session.groups_of(more)
        yield from cut(groups, self._size_of(groups[0]))

    def _size(self, number: int) -> int:
        """Return how many pictures an ascent of a program has."""
        program = self._run.plan.programs[number]
        return self._sizes.get(number, self._planned_size(program))

    def _size_of(self, group: Group) -> int:
        """Return how many pictures the ascent of a group has.

        Where processes died twice it has no more than a batch, because its size may be what they died of.
        """
        number, claim = group.units[0].program, group.batch.claim
        size = self._size(number)
        return size if claim.deaths < 2 else min(size, self._run.plan.programs[number].batch_size)

    def _planned_size(self, program: Program) -> int:
        if not self._device.whole_batches:
            return program.members
        return program.gpu_pictures if self._device.is_gpu else program.batch_size

    def _heed(self, report: _Report, session: Session) -> Iterator[Said]:
        if report.too_many:
            report.task.heed(0.0)
            self._halve(report.task, report.too_many)
            again = [report.task, *session.todo]
            session.todo = deque(part for task in again for part in self._cut_again(task))
            return
        report.task.heed(report.share)
        session.came_on()
        for batch in report.task.batches:
            yield StepsDone(batch.number, batch.units_done)
        if report.records is not None:
            yield from session.record(report.task, report.records)
        elif report.error:
            yield from self._judge(report.task, report.error, session)

    def _judge(self, task: Task, error: str, session: Session) -> Iterator[Said]:
        """Record that units failed, or leave them to others, where it may be this computer that fails."""
        if all(session.queue.may_judge(batch.claim) for batch in task.batches):
            yield from session.record(task, self._failed(task, error))
        else:
            yield from session.leave(task, error)

    def _halve(self, task: Task, too_many: int) -> None:
        """Let ascents of a task's program have half as many pictures from now on."""
        members = self._run.plan.programs[task.program].members
        half = members * max(1, too_many // members // 2)
        if self._size(task.program) > half:
            self._sizes[task.program] = half
            batch, how = task.batches[0], f"with {counted(half, 'picture')} at a time"
            batch.remarks.append(f"out of memory: batch {batch.number} goes on {how}")

    def _cut_again(self, task: Task) -> Iterator[Task]:
        """Yield a task, in parts if it has more pictures than its program's ascents have by now."""
        size = self._size(task.program)
        yield from [task] if len(task.units) <= size else cut(task.groups, size)

    # ---- in a lane

    def _may_start(self, task: Task, lanes: Lanes) -> bool:
        """Tell whether a task can begin: at once if what is compiled serves it, else once all others end."""
        served = self._key(task) == (self._compiled and self._compiled[0])
        return lanes.is_idle or (served and lanes.runs_fewer_than(self._fitting))

    def _announce(self, task: Task) -> Iterator[Said]:
        """Tell of a program that is compiled for a task."""
        if self._compiled is None or self._compiled[0] != self._key(task):
            program = self._run.plan.programs[task.program]
            yield Compiling(f"compiling for {size_in_words((program.height_px, program.width_px), ' px')}")

    def _key(self, task: Task) -> object:
        return self._run.plan.programs[task.program].compilation

    def _compile(self, task: Task) -> Renderer:
        key = self._key(task)
        if self._compiled is None or self._compiled[0] != key:
            self._compiled = None  # first, so that two never share the memory
            give_back_memory()
            program = self._run.plan.programs[task.program]
            made = renderer_of(program, self._model, self._device, self._assets)
            self._compiled = key, made
            self._fitting = self._fit_at_once(program)
        self._program = task.program
        return self._compiled[1]

    def _fit_at_once(self, program: Program) -> int:
        """Return how many ascents of a program fit into the memory that is free now, at least one."""
        free = free_bytes()
        if self._device.is_gpu or free is None:
            return self._device.lanes
        memory = memory_of(program, self._model.facts)
        return max(1, (free - memory.compiling_bytes) // max(1, memory.ascent_bytes))

    def _prepared(self, task: Task, lanes: Lanes) -> Callable[[], None]:
        """Return what a lane does for a task; its program is compiled here, where it is no other's."""
        doomed = task.batches[0].claim.failed
        if doomed:
            return lambda: self._reports.put(_Report(task, 1.0, self._failed(task, doomed)))
        is_again = any(batch.claim.met_with for batch in task.batches)
        if self._broken is None or self._broken[0] != self._key(task) or is_again:
            try:
                compiled = self._compile(task)
            except Exception as error:  # a file that the program reads may be anything
                self._broken = self._key(task), _reason(error)
            else:
                size = self._size_of(task.groups[0])
                return lambda: self._run_task(task, compiled, size, lanes)
        reason = self._broken[1]
        return lambda: self._reports.put(_Report(task, 1.0, error=reason))

    def _origin(self, group: Group, size: int) -> Origin:
        program = self._run.plan.programs[group.units[0].program]
        planned = max(program.batch_size, self._planned_size(program))
        return Origin(group.batch.number, planned, size, group.batch.claim.attempt.number)

    def _failed(self, task: Task, reason: str) -> tuple[Record, ...]:
        """Record that the missing units of a task failed."""
        return tuple(
            self._recorder.fail(unit, self._origin(group, self._size_of(group)), reason)
            for group in task.groups
            for unit in group.missing
        )

    def _run_task(self, task: Task, compiled: Renderer, size: int, lanes: Lanes) -> None:
        program = self._run.plan.programs[task.program]

        def report(share: float) -> None:
            self._reports.put(_Report(task, share))

        try:
            with lanes.computing, self._ledger.account() as cost:
                outcomes = compiled.render(program, task.units, size, report, lambda: self._stopped)
        except Exception as error:  # whatever a network of one's own raises: the other units go on
            if _is_out_of_memory(error) and size > program.members:
                self._reports.put(_Report(task, too_many=size))
            else:
                self._reports.put(_Report(task, 1.0, error=_reason(error)))
            return
        if outcomes is None:
            return
        each = cost.shared(len(task.units))
        by_path = {unit.path: outcome for unit, outcome in zip(task.units, outcomes, strict=True)}
        records = [
            self._recorder.commit(unit, by_path[unit.path], self._origin(group, size), each)
            for group in task.groups
            for unit in group.missing
        ]
        self._reports.put(_Report(task, 1.0, tuple(records)))


def _is_out_of_memory(error: Exception) -> bool:
    """Tell it by TensorFlow's own error, Python's, status 1 of the CPU library oneDNN, or words of CUDA's."""
    of_onednn = isinstance(error, tf.errors.AbortedError) and "Status: 1," in str(error)
    words = str(error).lower().replace("_", " ")
    of_cuda = isinstance(error, tf.errors.InternalError | tf.errors.UnknownError) and "out of memory" in words
    return of_onednn or of_cuda or isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)


def _reason(error: Exception) -> str:
    """Return the one line of an error that says what happened."""
    if _is_out_of_memory(error):
        return "out of memory even alone; lower size_px"
    if isinstance(error, FvcliError):
        return str(error)
    noise = ("Graph execution error", "Detected at", "<stack traces", "[[", "\t")
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(noise)]
    return f"{type(error).__name__}: {lines[0] if lines else 'it gives no reason'}"
