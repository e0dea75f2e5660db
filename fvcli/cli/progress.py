"""Progress on standard error: one bar on a terminal, a line a batch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

import click
from tqdm import tqdm

from fvcli.app.render_log import jobs_of
from fvcli.app.render_run import Observer
from fvcli.cli.exit_and_signals import Stop
from fvcli.engines import Event
from fvcli.engines.supervise import event_line
from fvcli.run import RunFolder

BAR = "{desc} |{bar}| [{elapsed}<{remaining}{postfix}]"


class Progress(Observer):
    """Shows how a render goes.

    Args:
        stop: The wish to stop; it is patient while units are rendered, so that they are left in order.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._bar: Bar | None = None

    def said(self, text: str) -> None:
        if self._bar is None:
            click.echo(text, err=True)
        else:
            self._bar.write(text)

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._stop.patient = True
        self._bar = Bar(run, missing)

    def saw(self, event: Event) -> None:
        if self._bar is not None:
            self._bar.show(event)

    def ended(self) -> None:
        self._stop.patient = False
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def wants_stop(self) -> bool:
        return self._stop.heard is not None


class EventLines(Observer):
    """Writes every event as a line of JSON, for the process that watches this one.

    Args:
        stop: The wish to stop.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._stop.patient = True

    def saw(self, event: Event) -> None:
        print(event_line(event), flush=True)

    def ended(self) -> None:
        self._stop.patient = False

    def wants_stop(self) -> bool:
        return self._stop.heard is not None


class Bar:
    """A bar over the units that are rendered, in fractions of a unit; nothing where there is no terminal.

    Args:
        run: The run.
        missing: Units to render in each batch.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._run = run
        self._total = sum(missing.values())
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

    def close(self) -> None:
        self._bar.close()

    def write(self, text: str) -> None:
        """Write a line: on a terminal only what the bar does not say anyway."""
        if self._bar.disable:
            click.echo(text, err=True)
        elif not text.startswith("batch "):
            self._bar.write(text, file=sys.stderr)

    def show(self, event: Event) -> None:
        """Show one event."""
        if event.state == "started":
            self._describe(event.batch)
        elif event.state == "progress":
            self._in_flight[event.batch] = event.units
            self._move()
        elif event.state == "done":
            self._in_flight.pop(event.batch, None)
            self._units_done += int(event.units)
            self._describe(event.batch)
            self._move()
        elif event.state == "lost":
            self._in_flight.pop(event.batch, None)
            self._move()

    def _describe(self, batch: int) -> None:
        done = f"{self._units_done}/{self._total} units"
        self._bar.set_description_str(f"{jobs_of(self._run, batch)} {done}", refresh=False)

    def _move(self) -> None:
        self._bar.n = self._units_done + sum(self._in_flight.values())
        per_minute = 60.0 * self._bar.n / max(1e-9, time.monotonic() - self._began)
        self._bar.set_postfix_str(f"{per_minute:.1f} units/min", refresh=False)
        self._bar.refresh()
