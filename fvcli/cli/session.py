"""How every command ends: exit codes, one-line errors, and a traceback only where it is asked for."""

from __future__ import annotations

import traceback
from typing import Any

import click

from fvcli.errors import FvcliError, StoppedError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_STOPPED = 75  # EX_TEMPFAIL: run it again


class FriendlyGroup(click.Group):
    """A group of commands that all know --debug and turn errors into lines."""

    def add_command(self, command: click.Command, name: str | None = None) -> None:
        debug = click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            help="Show the traceback of an error.",
            callback=_set_debug,
        )
        command.params.append(debug)
        super().add_command(command, name)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("Error: stopped", err=True)
            context.exit(EXIT_STOPPED)
        except BrokenPipeError:
            raise
        except Exception as error:
            if context.meta.get("fvcli.debug"):
                traceback.print_exc()
            for line in _lines(error):
                click.echo(f"Error: {line}", err=True)
            context.exit(_exit_code(error))


def _set_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:
    context.meta["fvcli.debug"] = value


def _lines(error: Exception) -> list[str]:
    if isinstance(error, FvcliError):
        return str(error).splitlines()
    return [f"{type(error).__name__}: {error}".splitlines()[0] + " (a bug in fvcli; --debug shows where)"]


def _exit_code(error: Exception) -> int:
    if isinstance(error, StoppedError):
        return EXIT_STOPPED
    return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
