"""What the commands that compare share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

from fvcli.cli.place import Place

FOLDER, FILE = Place(), Place(dir_okay=False)
ONLY = click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Restrict it to units whose job/unit, job or unit matches. May be given several times.",
)
NO_MODEL = click.option(
    "--no-model", is_flag=True, help="Do not load the networks: only what pictures and sidecars tell."
)
GOLDEN_MODEL = click.option(
    "--golden-model", metavar="MODEL", help="Name or file of the golden's network, if the run has another."
)


@contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how many units were looked at."""
    with tqdm(disable=not sys.stderr.isatty(), unit="unit", leave=False) as shown:

        def seen(count: int, total: int) -> None:
            shown.total = total
            shown.update(count - shown.n)

        yield seen
