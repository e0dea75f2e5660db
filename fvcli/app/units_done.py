"""How many units are done of what was missing when a command began: by itself, and by all workers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from fvcli.engines import Event
from fvcli.plan.cost import unit_cost
from fvcli.run import RunFolder
from fvcli.run.work.journal import Finished

SHARE = 100  # looking at journals may take one hundredth of the time, however many there are


class UnitsDone:
    """Counts what a command hears from its engine, and what the journals of other workers tell.

    Args:
        run: The run.
        missing: Units to render in each batch.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._left = dict(missing)  # of each batch, what this command has not rendered
        self._costs = _costs(run, missing)
        self._whole_cost = sum(self._costs[batch] * units for batch, units in missing.items())
        self._finished = Finished(run.path)
        self._before = {name: set(batches) for name, batches in self._finished.look().items()}
        self._by_anybody: set[int] = set()  # batches that were finished since
        self._look_again = self._began = time.monotonic()
        self.total = sum(missing.values())
        self.batches = len(missing)
        self.own = 0

    def heed(self, event: Event) -> None:
        """Count one event."""
        if event.state == "done":
            self._left[event.batch] = self._left.get(event.batch, 0) - int(event.units)
            self.own += int(event.units)
        if event.state in {"done", "waiting"}:
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_again:
            return
        for name, batches in self._finished.look().items():
            self._by_anybody |= self._left.keys() & batches - self._before.get(name, set())
        end = time.monotonic()
        self._look_again = end + SHARE * (end - now)

    def is_whole(self, batch: int) -> bool:
        """Tell whether this command has rendered all that a batch lacked."""
        return self._left.get(batch, 0) <= 0

    @property
    def all(self) -> int:
        """How many units are done, whoever rendered them."""
        return self.own + sum(max(0, self._left[batch]) for batch in self._by_anybody)

    @property
    def batches_done(self) -> int:
        return len(self._by_anybody | {batch for batch, left in self._left.items() if left <= 0})

    @property
    def counted(self) -> str:
        """Say how many units are done, and how many of them by this command, where others helped."""
        here = f", {self.own} of them by this command" if self.own != self.all else ""
        return f"{self.all}/{self.total} units{here}"

    @property
    def per_minute(self) -> float:
        """How many units all workers finish in a minute."""
        return 60.0 * self.all / max(1e-9, time.monotonic() - self._began)

    @property
    def minutes_left(self) -> float:
        """How long the rest takes, if its multiplications take as long as those so far."""
        left = sum(
            self._costs[batch] * max(0, units)
            for batch, units in self._left.items()
            if batch not in self._by_anybody
        )
        minutes = (time.monotonic() - self._began) / 60.0
        return minutes * left / max(1e-9, self._whole_cost - left)


def _costs(run: RunFolder, batches: Iterable[int]) -> dict[int, float]:
    """Return what a unit of each batch costs, beside the others."""
    plan, facts = run.plan, run.facts()
    numbers = {batch: plan.program_number(batch) for batch in batches}
    if facts is None:  # of a run that an early fvcli began
        return dict.fromkeys(numbers, 1.0)
    of = {number: unit_cost(plan.programs[number], facts) for number in {*numbers.values()}}
    return {batch: max(1.0, of[number]) for batch, number in numbers.items()}
