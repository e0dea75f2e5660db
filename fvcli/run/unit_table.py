"""A run as a table: a row for each unit, for programs that compute with scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fvcli.plan import Unit
from fvcli.run.folder import RunFolder
from fvcli.run.layout import UNITS
from fvcli.run.scores import DamagedScoresError, read_unit_scores
from fvcli.run.sidecar import SCORES, Sidecar
from fvcli.run.status import unit_states


class UnitRow(NamedTuple):
    """What a table says of a unit. What is not known is None: of a unit that is not rendered, or failed.

    score_start, score_saved: The plain objective before the first step, and of the saved picture.
    steps: Steps that were taken.
    seconds: Wall time of the unit, a share of its batch's.
    remarks: What is odd about the picture, with blanks between several; see ``fvcli.run.remarks``.
    file: Where the picture is, below the run; empty where there is none.
    two_afc: Its 2AFC share, if ``fvcli score`` found one that can be read.
    """

    job: str
    unit: str
    label: str
    layer: str
    status: str
    score_start: float | None
    score_saved: float | None
    steps: int | None
    seconds: float | None
    remarks: str
    file: str
    two_afc: float | None


def unit_rows(run: RunFolder, damage: Mapping[str, str] | None = None) -> Iterator[UnitRow]:
    """Yield a row for each unit, in the plan's order.

    Args:
        run: The run.
        damage: What is wrong with units' files, by job/unit, where they were checked.
    """
    for unit, status in zip(run.plan.units, unit_states(run, damage or {}), strict=True):
        sidecar = run.sidecar(unit)
        score = sidecar.score if sidecar is not None and sidecar.score else {}
        has_picture = sidecar is not None and sidecar.is_finished
        yield UnitRow(
            unit.job,
            unit.name,
            unit.label,
            unit.layer,
            status,
            score.get("start"),
            score.get("saved"),
            sidecar.steps if sidecar is not None else None,
            sidecar.seconds if sidecar is not None else None,
            " ".join(sidecar.remarks) if sidecar is not None else "",
            f"{UNITS}/{unit.stem}.png" if has_picture else "",
            _two_afc(run, unit, sidecar) if sidecar is not None and has_picture else None,
        )


def _two_afc(run: RunFolder, unit: Unit, sidecar: Sidecar) -> float | None:
    if SCORES not in sidecar.extra_names:
        return None
    try:
        scores = read_unit_scores(run, unit, sidecar)
    except DamagedScoresError:
        return None
    return None if scores is None or scores.two_afc is None else scores.two_afc.share
