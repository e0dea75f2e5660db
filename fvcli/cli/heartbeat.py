"""What is said in a log while nothing ends: a line a minute at least, and what takes long at the start."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import click

from fvcli.cli.standard_streams import forgiving_writer

SILENCE_S = 55.0  # below the minute that is promised
TICK_S = 1.0
MINUTE_S = 60.0


class Heartbeat:
    """Says what goes on when nothing was said for a while.

    Args:
        doing: What goes on at first.
    """

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self._began = self._spoke = time.monotonic()
        self._over = threading.Event()
        self._to: TextIO | None = None  # standard error itself: an import of TensorFlow holds number 2 back

    def say(self, line: str) -> None:
        """Write a line."""
        self._spoke = time.monotonic()
        click.echo(line, file=self._to, err=True)

    def due(self) -> str | None:
        """Return the line that is to be said now, if one is."""
        now = time.monotonic()
        if now - self._spoke < SILENCE_S:
            return None
        return f"{self.doing}; {round((now - self._began) / MINUTE_S)} min since the start"

    @contextlib.contextmanager
    def kept(self) -> Iterator[Heartbeat]:
        """Let a thread say what is due."""
        with _standard_error() as self._to:
            thread = threading.Thread(target=self._beat, name="fvcli heartbeat", daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self._over.set()
                thread.join()
        self._to = None

    def _beat(self) -> None:
        while not self._over.wait(TICK_S):
            line = self.due()
            if line is not None:
                self.say(line)


@contextlib.contextmanager
def _standard_error() -> Iterator[TextIO | None]:
    """Give a stream of its own to where standard error leads now; None where that is no file."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        yield None
        return
    try:
        yield forgiving_writer(number, sys.stderr)
    finally:
        os.close(number)
