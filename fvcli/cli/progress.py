"""Progress on standard error: one bar on a terminal, a line a batch elsewhere and in the run's log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType

import click
from tqdm import tqdm

from fvcli.cli.table import say_counts
from fvcli.engines import Event
from fvcli.run import RunFolder

BAR = "{desc} |{bar}| [{elapsed}<{remaining}{postfix}]"


class Progress:
    """Shows the events of an engine.

    Args:
        run: Whose log is written.
        missing: Units to render in each batch.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._run = run
        self._total = sum(missing.values())
        self._batches = len(missing)
        self._batches_done = 0
        self._units_done = 0
        self._in_flight: dict[int, float] = {}  # units done of each batch in flight
        self._began = time.monotonic()
        self._bar = tqdm(
            total=self._total,
            bar_format=BAR,
            desc="starting",
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def show(self, event: Event) -> None:
        """Show one event."""
        if event.state == "started":
            self._describe(event.batch)
        elif event.state == "progress":
            self._in_flight[event.batch] = event.units
            self._move(self._units_done + sum(self._in_flight.values()))
        else:
            self._in_flight.pop(event.batch, None)
            self._batches_done += 1
            self._units_done += int(event.units)
            self._describe(event.batch)
            self._move(self._units_done + sum(self._in_flight.values()))
            self._log(event)

    def _describe(self, batch: int) -> None:
        done = f"{self._units_done}/{self._total} units"
        self._bar.set_description_str(f"{self._job(batch)} {done}", refresh=False)

    def _job(self, batch: int) -> str:
        jobs = dict.fromkeys(unit.job for unit in self._run.plan.units_of(batch))
        return "+".join(jobs)

    def _rate(self) -> float:
        """Return units a minute so far."""
        return 60.0 * self._bar.n / max(1e-9, time.monotonic() - self._began)

    def _move(self, units: float) -> None:
        self._bar.n = units
        self._bar.set_postfix_str(f"{self._rate():.1f} units/min", refresh=False)
        self._bar.refresh()

    def _log(self, event: Event) -> None:
        counts = say_counts(event.counts) or "nothing to do"
        left_min = (self._total - self._units_done) / max(1e-9, self._rate())
        line = (
            f"batch {self._batches_done}/{self._batches} {self._job(event.batch)}: {counts} "
            f"in {event.seconds:.1f} s on {event.where} "
            f"({self._units_done}/{self._total} units, {self._rate():.1f} units/min, "
            f"{left_min:.1f} min left)"
        )
        for text in (*event.remarks, line):
            self._run.log(text)
            if self._bar.disable:
                click.echo(text, err=True)
            elif text is not line:
                self._bar.write(text, file=sys.stderr)
