"""Render the batches of a run.

    batches --cut--> tasks --lanes--> ascend --> record
                       ^                |
                       +-- out of memory: smaller ones

A task is what one ascent takes: a whole batch on a GPU; on a CPU, where every core has a lane of its own,
one unit, or a group of units that are optimised together. Tasks of the next batch begin when a lane is
free, unless they need another compiled program.
The generator can be closed at any time: what is being rendered is dropped, what is committed stays.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence, Set
from dataclasses import dataclass, field
from queue import SimpleQueue

import tensorflow as tf

from fvcli.errors import FvcliError, counted
from fvcli.models import load
from fvcli.models.loaded.model import LoadedModel
from fvcli.plan import Unit
from fvcli.run import RunFolder, take_fingerprint, write_fingerprint, write_run_facts
from fvcli.worker.assets import Assets
from fvcli.worker.concurrency import Lanes, Ledger
from fvcli.worker.device import Device, computing_facts, set_up_device
from fvcli.worker.recorder import Attempt, Recorder
from fvcli.worker.renderers import Renderer, renderer_of

POLL_S = 0.2  # how long a signal may go unheard


@dataclass(frozen=True)
class BatchStarted:
    """The first units of a batch are begun."""

    batch: int


@dataclass(frozen=True)
class StepsDone:
    """So many of the batch's units are done, counting parts of those that are begun."""

    batch: int
    units: float


@dataclass(frozen=True)
class BatchDone:
    """The batch is finished; counts by status, and what to tell beside the errors in the sidecars."""

    batch: int
    counts: dict[str, int]
    seconds: float
    remarks: tuple[str, ...] = ()


@dataclass
class _Batch:
    """A batch that is being rendered."""

    number: int
    waiting: int
    attempt: int = 0
    began: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)  # by the first unit of a task
    statuses: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    """Whole groups of units of a batch, and those of them that are to be committed."""

    batch: _Batch
    units: tuple[Unit, ...]
    missing: tuple[Unit, ...]


@dataclass(frozen=True)
class _Report:
    """What a lane says: how far a task is, or what its units came to, or that it ran out of memory.

    too_many: as many pictures an ascent as were too many for the memory.
    """

    task: _Task
    share: float = 0.0
    statuses: tuple[str, ...] | None = None
    too_many: int = 0


class Worker:
    """Renders batches of one run: loads the model once, compiles a program when its batches begin.

    The plan keeps the batches of a program together, so only the latest one is kept.

    Args:
        run: The run.
        allow_code: Whether the model may be a Python factory.
        device: What to render on; by default what this machine has.
        change: Changes the network before it is rendered with.
    """

    def __init__(
        self,
        run: RunFolder,
        allow_code: bool = False,
        *,
        device: Device | None = None,
        change: Callable[[LoadedModel], LoadedModel] = lambda model: model,
    ) -> None:
        self._run = run
        self._device = device or set_up_device()
        write_run_facts(run, self._device.name)
        computed_with = write_fingerprint(run.path, take_fingerprint(computing_facts(self._device)))
        self._model = change(load(run.plan.model, allow_code))
        self._recorder = Recorder(run, self._model.facts, self._device.name, computed_with)
        self._assets = Assets(run, self._model.facts.input_channels)
        self._compiled: tuple[object, Renderer] | None = None
        self._broken: tuple[object, str] | None = None  # what could not be compiled, and why
        self._sizes: dict[int, int] = {}  # pictures an ascent, of programs that ran out of memory with more
        self._ledger = Ledger()
        self._reports: SimpleQueue[_Report] = SimpleQueue()
        self._stopped = False

    @property
    def device(self) -> str:
        return self._device.name

    def render(
        self, numbers: Sequence[int], wanted: frozenset[str] | None = None
    ) -> Generator[BatchStarted | StepsDone | BatchDone]:
        """Render what batches still lack.

        Args:
            numbers: Of the batches in the plan.
            wanted: Paths of units to restrict them to.
        """
        ahead = deque(numbers)
        todo: deque[_Task] = deque()
        open_batches: dict[int, _Batch] = {}
        lanes = Lanes(self._device.lanes)
        try:
            while ahead or todo or not lanes.is_idle or not self._reports.empty():
                while lanes.has_room and self._comes_next(todo, ahead, wanted, lanes):
                    task = todo.popleft()
                    if task.batch.number not in open_batches:
                        self._open(task.batch)
                        open_batches[task.batch.number] = task.batch
                        yield BatchStarted(task.batch.number)
                    lanes.submit(self._prepared(task, lanes))
                if not lanes.is_idle:
                    lanes.wait(POLL_S)
                while not self._reports.empty():
                    yield from self._heed(self._reports.get(), todo, open_batches)
        finally:  # a closed generator comes through here, too
            self._stopped = True
            lanes.close()
            for batch in open_batches.values():
                self._run.end_attempt(batch.number, batch.attempt, "stopped")
            self._stopped = False

    # ---- batches and tasks

    def _comes_next(
        self, todo: deque[_Task], ahead: deque[int], wanted: frozenset[str] | None, lanes: Lanes
    ) -> bool:
        """Tell whether the first task can begin; a batch's files are looked at only when its turn comes."""
        while ahead and not todo:
            todo.extend(self._tasks(ahead.popleft(), wanted))
        return bool(todo) and self._may_start(todo[0], lanes)

    def _tasks(self, number: int, wanted: frozenset[str] | None) -> list[_Task]:
        units = self._run.plan.units_of(number, wanted)
        missing = [unit for unit in units if not self._run.is_finished(unit)]
        paths = {unit.path for unit in missing}
        groups = [g for g in self._run.plan.groups_of(number) if any(unit.path in paths for unit in g)]
        return self._cut(_Batch(number, len(missing)), groups, paths)

    def _cut(self, batch: _Batch, groups: Sequence[Sequence[Unit]], missing: Set[str]) -> list[_Task]:
        """Make tasks of groups, of which each ascent takes as many as its size holds."""
        if not groups:
            return []
        count = max(1, self._size(groups[0][0].program) // len(groups[0]))
        cut = [groups[i : i + count] for i in range(0, len(groups), count)]
        tasks = []
        for several in cut:
            units = tuple(unit for group in several for unit in group)
            tasks.append(_Task(batch, units, tuple(u for u in units if u.path in missing)))
        return tasks

    def _size(self, number: int) -> int:
        program = self._run.plan.programs[number]
        planned = program.batch_size if self._device.whole_batches else program.members
        return self._sizes.get(number, planned)

    def _open(self, batch: _Batch) -> None:
        batch.attempt = self._run.begin_attempt(batch.number)
        batch.began = time.perf_counter()

    def _heed(
        self, report: _Report, todo: deque[_Task], open_batches: dict[int, _Batch]
    ) -> Iterator[StepsDone | BatchDone]:
        batch = report.task.batch
        if report.too_many:
            self._halve(report.task, report.too_many)
            again = [report.task, *todo]
            todo.clear()
            todo.extend(part for task in again for part in self._cut_again(task))
            return
        batch.shares[report.task.units[0].path] = report.share * len(report.task.missing)
        yield StepsDone(batch.number, sum(batch.shares.values()))
        if report.statuses is None:
            return
        batch.statuses.update(report.statuses)
        batch.waiting -= len(report.statuses)
        if batch.waiting == 0:
            del open_batches[batch.number]
            self._run.end_attempt(batch.number, batch.attempt, "done")
            seconds = time.perf_counter() - batch.began
            yield BatchDone(batch.number, dict(batch.statuses), seconds, tuple(batch.remarks))

    def _halve(self, task: _Task, too_many: int) -> None:
        """Let ascents of a task's program have half as many pictures from now on."""
        number = task.units[0].program
        members = self._run.plan.programs[number].members
        half = members * max(1, too_many // members // 2)
        if self._size(number) > half:
            self._sizes[number] = half
            how = f"with {counted(half, 'picture')} at a time"
            task.batch.remarks.append(f"out of memory: batch {task.batch.number} goes on {how}")

    def _cut_again(self, task: _Task) -> list[_Task]:
        """Return a task, in parts if it has more pictures than its program's ascents have by now."""
        number = task.units[0].program
        members = self._run.plan.programs[number].members
        if len(task.units) <= self._size(number):
            return [task]
        groups = [task.units[i : i + members] for i in range(0, len(task.units), members)]
        return self._cut(task.batch, groups, {unit.path for unit in task.missing})

    # ---- in a lane

    def _may_start(self, task: _Task, lanes: Lanes) -> bool:
        """Tell whether a task can begin: at once if what is compiled serves it, else once all others end."""
        return lanes.is_idle or self._key(task) == (self._compiled and self._compiled[0])

    def _key(self, task: _Task) -> object:
        return self._run.plan.programs[task.units[0].program].compilation

    def _compile(self, task: _Task) -> Renderer:
        key = self._key(task)
        if self._compiled is None or self._compiled[0] != key:
            self._compiled = None  # first, so that two never share the memory
            program = self._run.plan.programs[task.units[0].program]
            made = renderer_of(program, self._model, self._device, self._assets)
            self._compiled = key, made
        return self._compiled[1]

    def _prepared(self, task: _Task, lanes: Lanes) -> Callable[[], None]:
        """Return what a lane does for a task; its program is compiled here, where it is no other's."""
        attempt = self._attempt(task)
        if self._broken is None or self._broken[0] != self._key(task):
            try:
                compiled = self._compile(task)
            except Exception as error:  # a file that the program reads may be anything
                self._broken = self._key(task), _reason(error)
            else:
                return lambda: self._run_task(task, compiled, attempt, lanes)
        reason = self._broken[1]
        return lambda: self._fail(task, attempt, reason)

    def _attempt(self, task: _Task) -> Attempt:
        number = task.units[0].program
        planned, size = self._run.plan.programs[number].batch_size, self._size(number)
        return Attempt(task.batch.number, planned, size, task.batch.attempt)

    def _fail(self, task: _Task, attempt: Attempt, reason: str) -> None:
        statuses = tuple(self._recorder.fail(unit, attempt, reason) for unit in task.missing)
        self._reports.put(_Report(task, 1.0, statuses))

    def _run_task(self, task: _Task, compiled: Renderer, attempt: Attempt, lanes: Lanes) -> None:
        program, size = self._run.plan.programs[task.units[0].program], attempt.size

        def report(share: float) -> None:
            self._reports.put(_Report(task, share))

        try:
            with lanes.computing, self._ledger.account() as cost:
                outcomes = compiled.render(program, task.units, size, report, lambda: self._stopped)
        except Exception as error:  # whatever a network of one's own raises: the other units go on
            if _is_out_of_memory(error) and size > program.members:
                self._reports.put(_Report(task, too_many=size))
            else:
                self._fail(task, attempt, _reason(error))
            return
        if outcomes is None:
            return
        each = cost.shared(len(task.units))
        pairs = [(u, o) for u, o in zip(task.units, outcomes, strict=True) if u in task.missing]
        statuses = tuple(self._recorder.commit(unit, o, attempt, each) for unit, o in pairs)
        self._reports.put(_Report(task, 1.0, statuses))


def _is_out_of_memory(error: Exception) -> bool:
    """Tell it by TensorFlow's own error, Python's, or status 1 of the CPU library oneDNN."""
    of_onednn = isinstance(error, tf.errors.AbortedError) and "Status: 1," in str(error)
    return of_onednn or isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)


def _reason(error: Exception) -> str:
    """Return the one line of an error that says what happened."""
    if _is_out_of_memory(error):
        return "out of memory even alone; lower size_px"
    if isinstance(error, FvcliError):
        return str(error)
    noise = ("Graph execution error", "Detected at", "<stack traces", "[[", "\t")
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(noise)]
    return f"{type(error).__name__}: {lines[0] if lines else 'it gives no reason'}"
