"""How the files of a job's units are shared out over folders, so that no folder has too many entries.

units/<job>/<unit>.png          few files
units/<job>/0003/<unit>.png     many: each numbered folder has the same round number of units
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

from fvcli.plan.data import Program, Unit
from fvcli.spec.output import Output

MAX_ENTRIES = 10_000  # of a folder; many more make file systems and people slow
OF_EVERY_UNIT = 2  # picture and sidecar
_REST = attrgetter(*[field.name for field in fields(Unit)][:-1])  # all but the folder; quicker than replace


def in_folders(
    units: list[Unit],
    programs: Sequence[Program],
    max_entries: int | None = None,
    output: Output = Output(),  # noqa: B008
) -> list[Unit]:
    """Return the units of a job, each with the folder below the job's that its files are in.

    The folder of a unit depends on its position in the job, so a job that gets more units at its end keeps
    the folders of those that it had.

    Args:
        units: All units of one job, in order.
        programs: Of the plan.
        max_entries: How many entries a folder may have; by default ``MAX_ENTRIES``.
        output: What is written beside pictures.
    """
    most = MAX_ENTRIES if max_entries is None else max_entries
    files = max(
        (files_of(programs[number], output) for number in {unit.program for unit in units}), default=0
    )
    if len(units) * files <= most:
        return units
    each = _round_number(most // files)
    for begin in range(0, len(units), each):
        folder = f"{begin // each:04d}"
        units[begin : begin + each] = [Unit(*(*_REST(unit), folder)) for unit in units[begin : begin + each]]
    return units


def files_of(program: Program, output: Output = Output()) -> int:  # noqa: B008
    """Return how many files a unit of a program has at most: picture, sidecar and what is beside them."""
    settings = program.settings
    is_film = settings.animation is not None or (settings.method == "dream" and settings.starts_from_picture)
    pictures = 1 + len({*(settings.save_at or ())})
    beside = pictures * len(output.also) + int(output.curve) + int(output.array)
    return OF_EVERY_UNIT - 1 + pictures + int(is_film) + beside


def _round_number(most: int) -> int:
    """Return the largest number up to a limit that is 1, 2 or 5 times a power of ten."""
    power: int = 10 ** (len(str(max(1, most))) - 1)
    return max(digit * power for digit in (1, 2, 5) if digit * power <= max(1, most))
