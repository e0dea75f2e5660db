"""What is told of a render, batch by batch, and kept in the run's log."""

from __future__ import annotations

from collections.abc import Mapping

from fvcli.app.units_done import UnitsDone
from fvcli.engines import Event
from fvcli.run import RunFolder


def say_counts(counts: Mapping[str, int]) -> str:
    """Write counts as ``7 done, 1 dead``; zeros are left out."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


class RenderLog:
    """Counts what an engine tells, and puts it into words.

    Args:
        run: Whose log is written.
        missing: Units to render in each batch.
        name: Of the log.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int], name: str = "render") -> None:
        self._run = run
        self._name = name
        self._units = UnitsDone(run, missing)

    def lines(self, event: Event) -> tuple[str, ...]:
        """Write an event to the log and return its lines, if it has some."""
        lines = tuple(filter(None, event.remarks))
        if event.state == "done":
            self._units.heed(event)
            if event.units or not lines:  # else they say why there is nothing
                lines = (*lines, self._line(event))
        for line in lines:
            self._run.log(line, self._name)
        return lines

    def _line(self, event: Event) -> str:
        units = self._units
        counts = say_counts(event.counts) or "nothing to do"
        left = f", {units.minutes_left:.1f} min left" if units.all < units.total else ""
        number = f"batch {units.batches_done}/{units.batches}"
        batch = number if units.is_whole(event.batch) else "a part of a batch"
        return (
            f"{batch} {jobs_of(self._run, event.batch)}: {counts} "
            f"in {event.seconds:.1f} s on {event.where} "
            f"({units.counted}, {units.per_minute:.1f} units/min{left})"
        )


def jobs_of(run: RunFolder, batch: int) -> str:
    """Name the jobs that a batch has units of."""
    return "+".join(dict.fromkeys(unit.job for unit in run.plan.units_of(batch)))
