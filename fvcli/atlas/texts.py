"""Which characters of a run's texts no font has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from fvcli.atlas.shaping import MISSING, undrawable
from fvcli.errors import command, counted, some_of
from fvcli.run import RunFolder

NAMED = 8  # characters that a note names


def texts_note(run: RunFolder) -> str:
    """Say which characters cannot be drawn on the sheets of a run; nothing if all can."""
    missing = undrawable(_texts(run))
    if not missing:
        return ""
    named = some_of([f"U+{ord(letter):04X} {_name(letter)}" for letter in missing], "character", NAMED)
    count = counted(len(missing), "character")
    what = f"{count} of titles or labels cannot be drawn, because no font here has them: {named}"
    then = command("grid", run.path)
    return f"{run.path}: {what}. Sheets show {MISSING} there. After you install a font that has them: {then}"


def _name(letter: str) -> str:
    return unicodedata.name(letter, "without a name")


def _texts(run: RunFolder) -> Iterator[str]:
    """Yield all that is written on sheets and figures."""
    figure = run.plan.output.figure
    if figure is not None:
        yield from (figure.title, figure.caption, *figure.columns)
        yield from (row.title for row in figure.rows or ())
    for job in run.plan.jobs:
        yield from (job.title, job.heading)
    yield from (source.name for source in run.plan.sources)
    if run.plan.output.grid.labels or (figure is not None and figure.labels):
        yield from (unit.label for unit in run.plan.units)
