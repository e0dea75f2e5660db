"""What one worker has in hand during a round, and what it says of it: journal, note and claims."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence

from fvcli.errors import FvcliError
from fvcli.run import RunFolder
from fvcli.run.sidecar import FAILED, Record
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import Presence
from fvcli.run.work.queue import Claim, WorkQueue
from fvcli.worker.events import BatchDone, BatchStarted, Said
from fvcli.worker.tasks import Batch, Group, Task


class Session:
    """The batches that a worker has claimed, the tasks that they are cut into, and what became of them.

    Args:
        run: The run.
        queue: What may be claimed.
        presence: The worker's note.
        journal: Where finished batches are told.
    """

    def __init__(self, run: RunFolder, queue: WorkQueue, presence: Presence, journal: Journal) -> None:
        self.queue = queue
        self.todo: deque[Task] = deque()
        self._run = run
        self._presence = presence
        self._journal = journal
        self._open: dict[int, Batch] = {}
        self._began = time.perf_counter()

    def groups_of(self, claim: Claim) -> list[Group]:
        """Return the groups of a claimed batch that have units to be rendered."""
        batch = Batch(claim)
        self._open[claim.batch] = batch
        self._say()  # at once: whoever finds this process dead must know what it was at
        groups = [Group(batch, units) for units in self._run.plan.groups_of(claim.batch)]
        return [group for group in groups if group.missing]

    def begin(self, task: Task) -> Iterator[Said]:
        """Tell of batches that a task is the first of."""
        for batch in task.batches:
            if not batch.is_begun:
                batch.is_begun, batch.began = True, time.perf_counter()
                yield BatchStarted(batch.number)

    def record(self, task: Task, records: Sequence[Record]) -> Iterator[Said]:
        """Take what the missing units of a task came to, in order, and tell of batches that are done."""
        left = iter(records)
        for group in task.groups:
            group.batch.records.extend(next(left) for _ in group.missing)
        yield from self._done_of(task)

    def leave(self, task: Task, reason: str) -> Iterator[Said]:
        """Leave the missing units of a task to other workers, and tell of batches that are done."""
        for group in task.groups:
            group.batch.left.extend(group.missing)
            group.batch.why_left = reason
        yield from self._done_of(task)

    def _done_of(self, task: Task) -> Iterator[Said]:
        yield from (self._done(batch) for batch in task.batches if batch.is_done)

    def _done(self, batch: Batch) -> Said:
        seconds, is_part = batch.seconds, batch.claim.is_part or bool(batch.left)
        if batch.records:
            self._journal.add(batch.number, seconds, batch.records, is_part=is_part)
        if batch.left:
            self.queue.leave(batch.claim, batch.left, batch.why_left)
        else:
            self.queue.done(batch.claim)
        del self._open[batch.number]
        note = self._presence.note
        failed = sum(record.status == FAILED for record in batch.records)
        again = sum(bool(record.again) for record in batch.records)
        self._say(done=note.done + len(batch.records), failed=note.failed + failed, again=note.again + again)
        return BatchDone(batch.number, batch.counts, seconds, batch.told)

    def give_back(self) -> None:
        """Give back what is not done."""
        for batch in self._open.values():
            with contextlib.suppress(FvcliError):  # then others find out that this worker has ended
                self.queue.give_back(batch.claim)
        self._open.clear()
        self._say()

    def came_on(self) -> None:
        """Note that the work goes on."""
        self._presence.came_on()

    def _say(self, **facts: int) -> None:
        self.came_on()
        busy_s = round(time.perf_counter() - self._began, 1)
        self._presence.say(at=tuple(map(self._at, self._open.values())), busy_s=busy_s, **facts)

    def _at(self, batch: Batch) -> dict[str, object]:
        first = batch.claim.units[0]
        return {
            "batch": batch.number,
            "attempt": batch.claim.attempt.number,
            "group": self.queue.group_of(first.program),
            "job": first.job,
            "layer": first.layer,
            "units": len(batch.missing),
            "since": batch.since,
        }
