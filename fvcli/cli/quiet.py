"""``--quiet``: nothing but errors and the lines with results."""

from __future__ import annotations

import click

QUIET = "fvcli.quiet"


def add_quiet(command: click.Command) -> None:
    """Let a command know --quiet."""
    command.params.append(
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            help="Print errors and results only: no progress and no notes.",
            callback=_set_quiet,
        )
    )


def _set_quiet(context: click.Context, _option: click.Parameter, value: bool) -> None:
    context.meta[QUIET] = value


def is_quiet() -> bool:
    """Tell whether the command that runs was given --quiet."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(QUIET))


def note(text: str) -> None:
    """Write a line for people on standard error, unless they want none."""
    if not is_quiet():
        click.echo(text, err=True)
