"""What the commands that compare share."""

from __future__ import annotations

import click

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
