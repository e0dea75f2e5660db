"""How far ``fvcli examples`` is: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tqdm import tqdm

from fvcli.app.collect_examples import ExamplesObserver
from fvcli.cli.exit_and_signals import Stop
from fvcli.cli.heartbeat import Heartbeat
from fvcli.cli.progress import Patient, terminal_width
from fvcli.cli.quiet import is_quiet, note
from fvcli.errors import counted


class Watching(Patient, ExamplesObserver):
    """Shows how it goes: a bar on a terminal, a line a minute elsewhere, nothing with --quiet."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop)
        self._shown: _Bar | _Lines | None = None
        self._what, self._done, self._total = "", 0, 0

    def said(self, text: str) -> None:
        note(text)

    def began(self, what: str, total: int) -> None:
        self._be_patient()
        self._what, self._done, self._total = what, 0, total
        if is_quiet():
            return
        if terminal_width():
            self._shown = self._open.enter_context(contextlib.closing(_Bar(what, total)))
        else:
            self._shown = self._open.enter_context(_lines(what, total))

    def did(self, count: int) -> None:
        self._done = count
        if self._shown is not None:
            self._shown.show(count)

    def ended(self) -> None:
        super().ended()
        self._shown = None

    def said_of_progress(self) -> str:
        """Say how far it has come."""
        return f"{self._done} of {counted(self._total, self._what)} done" if self._what else ""


class _Bar:
    """A bar on a terminal."""

    def __init__(self, what: str, total: int) -> None:
        self._bar = tqdm(total=total, unit=f" {what}s", dynamic_ncols=True, smoothing=0.1)

    def show(self, count: int) -> None:
        self._bar.update(count - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """What is said in a log when a minute has passed."""

    def __init__(self, what: str, total: int, heart: Heartbeat) -> None:
        self._what, self._total, self._heart = what, total, heart
        self._began = time.monotonic()

    def show(self, count: int) -> None:
        pace = count / max(1e-9, time.monotonic() - self._began)
        self._heart.doing = f"{count} of {counted(self._total, self._what)}, {pace:.1f} a second"


@contextlib.contextmanager
def _lines(what: str, total: int) -> Iterator[_Lines]:
    heart = Heartbeat(f"0 of {counted(total, what)}")
    with heart.kept():
        heart.say(f"{counted(total, what)} to go")
        yield _Lines(what, total, heart)
