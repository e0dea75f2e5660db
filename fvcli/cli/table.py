"""Print rows as a table, as JSON or as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import click


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print columns as wide as they need to be; numbers stand to the right."""
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    for row in (list(header), *texts):
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=1))


def print_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows with commas between fields, below a header; None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")  # as other tools of a shell have it
    writer.writerow(header)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def spoken(seconds: float) -> str:
    """Write a time with two digits, in the unit that people would use."""
    for unit, length, many in (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, float("inf"))):
        if seconds < many:
            value = seconds / length
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return "unknown"
