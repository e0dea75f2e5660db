"""Progress on standard error: one bar on a terminal, a line a batch elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping

import click
from tqdm import tqdm

from fvcli.app.render_log import jobs_of
from fvcli.app.render_run import Observer
from fvcli.app.units_done import UnitsDone
from fvcli.cli.exit_and_signals import Stop
from fvcli.cli.heartbeat import Heartbeat
from fvcli.cli.quiet import is_quiet
from fvcli.engines import Event
from fvcli.engines.supervise import event_line
from fvcli.run import RunFolder

BAR = "{desc} |{bar}| [{elapsed}<{remaining}{postfix}]"


class Patient:
    """Heeds the wish to stop; what is shown is shown until the work ends. Observers of work inherit it.

    Args:
        stop: The wish to stop; it is patient while the work goes on, so that all is left in order.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._open = contextlib.ExitStack()

    def _be_patient(self) -> None:
        """Begin, and end what was shown of work before."""
        self._stop.patient = True
        self._open.close()

    def ended(self) -> None:
        self._stop.patient = False
        self._open.close()

    def wants_stop(self) -> bool:
        return self._stop.heard is not None


class Progress(Patient, Observer):
    """Shows how a render goes."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop)
        self._shown: Bar | Lines | None = None

    def said(self, text: str) -> None:
        if self._shown is None:
            click.echo(text, err=True)
        else:
            self._shown.write(text)

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._be_patient()
        if terminal_width():
            self._shown = self._open.enter_context(contextlib.closing(Bar(run, missing)))
        else:
            self._shown = self._open.enter_context(Lines(run, missing).kept())

    def saw(self, event: Event) -> None:
        if self._shown is not None:
            self._shown.show(event)

    def ended(self) -> None:
        super().ended()
        self._shown = None


def terminal_width() -> int:
    """Return how wide the terminal is that standard error leads to; 0 if it is none, or does not say.

    Some CI systems give a terminal of no size. What is written there is a log.
    """
    if not sys.stderr.isatty():
        return 0
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 0


class QuietProgress(Patient, Observer):
    """Heeds the wish to stop, and shows nothing."""

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._be_patient()


def progress(stop: Stop) -> Observer:
    """Return what shows how a render goes, or with --quiet does not."""
    return QuietProgress(stop) if is_quiet() else Progress(stop)


class EventLines(QuietProgress):
    """Writes every event as a line of JSON, for the process that watches this one."""

    def saw(self, event: Event) -> None:
        print(event_line(event), flush=True)


class Counts:
    """How many units are done, by this command and by others, with parts of those that are begun here.

    Args:
        run: The run.
        missing: Units to render in each batch.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._run = run
        self.units = UnitsDone(run, missing)
        self._in_flight: dict[int, float] = {}  # units done of each batch in flight
        self._began = time.monotonic()
        self.jobs = ""  # of the batch that was begun or ended last

    def heed(self, event: Event) -> None:
        """Count one event."""
        self.units.heed(event)
        if event.state in {"started", "done"}:
            self.jobs = jobs_of(self._run, event.batch)
        if event.state == "progress":
            self._in_flight[event.batch] = event.units
        elif event.state in {"done", "lost"}:
            self._in_flight.pop(event.batch, None)

    @property
    def with_parts(self) -> float:
        return self.units.all + sum(self._in_flight.values())

    @property
    def pace(self) -> str:
        return f"{60.0 * self.with_parts / max(1e-9, time.monotonic() - self._began):.1f} units/min"


class Lines:
    """Lines of a log: one a batch, one a minute at least, and what is loaded and compiled first.

    Args:
        run, missing: As of ``Counts``.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._counts = Counts(run, missing)
        self._is_compiled = False
        self.heart = Heartbeat(f"loading {run.plan.model.called}")

    @contextlib.contextmanager
    def kept(self) -> Iterator[Lines]:
        """Say what goes on until the end."""
        with self.heart.kept():
            if self._counts.units.total:
                self.heart.say(self.heart.doing)
            yield self

    def write(self, text: str) -> None:
        self.heart.say(text)

    def show(self, event: Event) -> None:
        """Heed one event."""
        self._counts.heed(event)
        if event.state == "compiling":
            self.heart.doing = event.detail
            if not self._is_compiled:  # later ones are told of by the batches that end
                self._is_compiled = True
                self.heart.say(event.detail)
        elif event.state in {"progress", "done", "lost"}:
            counts, total = self._counts, self._counts.units.total
            share = f"{counts.units.counted} ({counts.with_parts / max(1, total):.0%})"
            self.heart.doing = f"{counts.jobs}: {share}, {counts.pace}"


class Bar:
    """A bar over the units that are rendered, in fractions of a unit.

    Args:
        run, missing: As of ``Counts``.
    """

    def __init__(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self._counts = Counts(run, missing)
        self._bar = tqdm(total=self._counts.units.total, bar_format=BAR, desc="starting", dynamic_ncols=True)

    def close(self) -> None:
        self._bar.close()

    def write(self, text: str) -> None:
        """Write a line: only what the bar does not say anyway."""
        if not text.startswith("batch "):
            self._bar.write(text, file=sys.stderr)

    def show(self, event: Event) -> None:
        """Show one event."""
        self._counts.heed(event)
        if event.state in {"started", "done"}:
            done = self._counts.units.counted
            self._bar.set_description_str(f"{self._counts.jobs} {done}", refresh=False)
        if event.state in {"progress", "done", "lost"} or self._bar.n < self._counts.with_parts:
            self._bar.n = self._counts.with_parts
            self._bar.set_postfix_str(self._counts.pace, refresh=False)
            self._bar.refresh()
