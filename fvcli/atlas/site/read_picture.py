"""A unit of the run as its page shows it: what its sidecar says, and what ``fvcli score`` found of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from fvcli.plan import Place, Program, Unit
from fvcli.run import RunFolder
from fvcli.run.look import NEWER, Look
from fvcli.run.objects import read_bytes
from fvcli.run.scores import DamagedScoresError, UnitScores, scores_of_picture
from fvcli.run.sidecar import FINISHED, SCORES

MISSING = "missing"  # planned, and not rendered yet
CURVE = "curve.json"


class Figure(IntEnum):
    """The figures of a picture on the page of its entry; numbers are the same on all pages."""

    CHANNEL = 1
    NEURON = 2
    NEGATIVE = 3
    DIVERSITY = 4
    OTHER = 12


@dataclass(frozen=True, slots=True)
class Picture:
    """A unit of the run as its page shows it. Numbers are None where nothing is known.

    unit: Its job/unit; stem: where its files are below the run's units.
    status: done, dead, failed, newer or missing; error says why it is not done.
    place: Row and column of the neuron, where the spec names one.
    start, end, saved: Its score, as in the sidecar.
    pixels: The beginning of the hash of its pixels; empty where there is no picture.
    trace: Scores of the first steps; curve tells whether all stand in a file beside the picture.
    scores: What ``fvcli score`` found of it; has_damaged_scores tells that they are there and damaged.
    """

    unit: str
    stem: str
    key: str
    job: str
    label: str
    objective: str
    sign: int
    figure: Figure
    program: int
    position: int  # in the plan's units
    place: tuple[int, int] | None = None
    status: str = MISSING
    error: str = ""
    start: float | None = None
    end: float | None = None
    saved: float | None = None
    steps: int = 0
    seconds: float = 0.0
    pixels: str = ""
    trace: tuple[float, ...] = ()
    has_curve: bool = False
    remarks: tuple[str, ...] = ()
    canvas: Mapping[str, int] | None = None
    scores: UnitScores | None = None
    has_damaged_scores: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether there is a picture to show."""
        return self.status in FINISHED


def read_picture(run: RunFolder, unit: Unit, position: int, look: Look) -> Picture:
    """Return a unit as its page shows it.

    Args:
        run: The run.
        unit: Of its plan.
        position: In the plan's units.
        look: What is known of all units.

    Raises:
        FvcliError: An object store does not say what is there.
    """
    picture = Picture(
        unit.path,
        unit.stem,
        unit.key,
        unit.job,
        unit.label,
        unit.objective,
        unit.sign,
        _figure(unit, run.plan.programs[unit.program]),
        unit.program,
        position,
        (unit.terms[0].row, unit.terms[0].column) if unit.terms[0].row >= 0 else None,
    )
    place = Place(unit.job, unit.stem, unit.key)
    state = look.state(place)
    if state is None:
        return picture
    if state == NEWER:
        return replace(picture, status=NEWER, error=look.reason(place) or "")
    sidecar = json.loads(read_bytes(run.json(unit)))
    return _with_scores(run, unit, _told(picture, state, sidecar), sidecar)


def _with_scores(run: RunFolder, unit: Unit, picture: Picture, sidecar: Mapping[str, Any]) -> Picture:
    """Return a picture with its scores, if its sidecar names some: files are not looked for in vain."""
    if all(extra["name"] != SCORES for extra in sidecar.get("extras", ())):
        return picture
    try:
        return replace(picture, scores=scores_of_picture(run, unit, sidecar.get("pixel_sha256")))
    except DamagedScoresError:
        return replace(picture, has_damaged_scores=True)


def _told(picture: Picture, status: str, sidecar: Mapping[str, Any]) -> Picture:
    """Return a picture with what its sidecar says; keys that older versions did not write are left out."""
    score = sidecar.get("score") or {}
    return replace(
        picture,
        status=status,
        error=sidecar.get("error") or "",
        start=score.get("start"),
        end=score.get("end"),
        saved=score.get("saved"),
        steps=sidecar.get("steps", 0),
        seconds=sidecar.get("seconds", 0.0),
        pixels=(sidecar.get("pixel_sha256") or "")[:16],
        trace=tuple(sidecar.get("trace", ())),
        has_curve=any(extra["name"] == CURVE for extra in sidecar.get("extras", ())),
        remarks=tuple(sidecar.get("remarks", ())),
        canvas=sidecar.get("canvas"),
    )


def _figure(unit: Unit, program: Program) -> Figure:
    if program.members > 1:
        return Figure.DIVERSITY if unit.sign > 0 else Figure.OTHER
    if unit.sign < 0:
        return Figure.NEGATIVE
    return Figure.NEURON if unit.objective == "neuron" else Figure.CHANNEL
