"""How every command ends: exit codes, one-line errors, and a traceback only where it is asked for."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import click

from fvcli.cli.standard_streams import sound_streams
from fvcli.errors import CONTINUED, FvcliError, StoppedError, UsageError, os_error_said
from fvcli.typed_command import command_to_go_on

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNABLE = 74  # EX_IOERR: a worker could not go on, such as for a full disk; elsewhere or later it may
EXIT_STOPPED = 75  # EX_TEMPFAIL: run it again
UNABLE = "fvcli.unable"
# Packages whose errors are of an object store, or of the way there
CLIENTS = {"botocore", "aiobotocore", "s3fs", "gcsfs", "google", "aiohttp", "fsspec", "adlfs", "azure"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # the last as batch systems send it


class FriendlyGroup(click.Group):
    """A group of commands that all know --debug, heed signals and turn errors into lines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())

    def add_command(self, command: click.Command, name: str | None = None) -> None:
        command.params.append(_debug_option())
        super().add_command(command, name)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with sound_streams():
            try:
                return super().main(*args, **kwargs)
            except FvcliError as error:  # of help, which is written before a command is invoked
                click.echo(f"Error: {error}", err=True)
                sys.exit(EXIT_FAILED)

    def invoke(self, context: click.Context) -> Any:
        try:
            with heed_signals(context):
                return super().invoke(context)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except (Exception, StoppedError) as error:
            if context.meta.get("fvcli.debug"):
                traceback.print_exc()
            label = "" if isinstance(error, StoppedError) else "Error: "  # to stop is no mistake
            for line in _lines(error):
                click.echo(line if line.startswith(CONTINUED) else f"{label}{line}", err=True)
            context.exit(_exit_code(error, context.meta.get(UNABLE, EXIT_FAILED)))


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
        callback=_set_debug,
    )


def _set_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:
    context.meta["fvcli.debug"] = value or context.meta.get("fvcli.debug", False)


def _lines(error: BaseException) -> list[str]:
    if isinstance(error, FvcliError | StoppedError):
        return str(error).splitlines()
    if type(error).__module__.partition(".")[0] in CLIENTS:
        return [
            f"the object store does not answer as it should: {type(error).__name__}: {error}".splitlines()[0]
        ]
    if isinstance(error, OSError):  # of this machine, such as of its disk
        return os_error_said(error).splitlines()[:1]
    return [f"{type(error).__name__}: {error}".splitlines()[0] + " (a bug in fvcli; --debug shows where)"]


def _exit_code(error: BaseException, unable: int) -> int:
    if isinstance(error, StoppedError):
        return EXIT_STOPPED
    return EXIT_USAGE if isinstance(error, UsageError) else unable


def tell_errors_from_failures() -> None:
    """Let errors end this command with EXIT_UNABLE, because EXIT_FAILED says that a unit failed."""
    click.get_current_context().meta[UNABLE] = EXIT_UNABLE


# ---- signals


class Stop:
    """A wish to stop. While patient, it is remembered; else it is raised at once.

    A second Ctrl-C is a person who will not wait, and is raised at once. Other signals come twice by nature:
    Slurm signals every process of a job, and its script passes on what it hears. The second must not break
    what the first has begun, such as giving work back.

    typed: The words of the command that somebody typed, where another process started this one.
    """

    def __init__(self) -> None:
        self.patient = False
        self.heard: int | None = None
        self.typed: Sequence[str] = ()

    def hear(self, number: int, _frame: FrameType | None) -> None:
        is_urgent = not self.patient if self.heard is None else number == signal.SIGINT
        self.heard = number
        if is_urgent:
            self.raise_it()

    def raise_it(self, done: str = "") -> None:
        """Raise StoppedError, saying how to go on.

        Args:
            done: What is done by now, such as ``6 of 24 units done``.
        """
        name = signal.Signals(self.heard or signal.SIGTERM).name
        again = command_to_go_on(self.typed or ("fvcli", *sys.argv[1:]), "")
        raise StoppedError(f"Stopped by {name}" + (f": {done}" if done else ""), f"to go on: {again}")


def current_stop() -> Stop:
    """Return the Stop of the command that runs."""
    stop: Stop = click.get_current_context().meta["fvcli.stop"]
    return stop


@contextlib.contextmanager
def heed_signals(context: click.Context) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into StoppedError while a command runs.

    Python lets only the main thread hear signals. In another one they are for the program that called.
    """
    stop = context.meta["fvcli.stop"] = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop.hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
