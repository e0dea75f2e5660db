"""From what was measured of a unit to its status: gates in order, of which the first that decides is kept.

    pixels -> accepted -> first steps -> response -> score -> texture -> structure

Rounding differs from computer to computer. At first it is far below everything that people change. It grows
from step to step, until the saved pictures of many units are other pictures. So the first steps tell another
computer from another computation. What comes after tells whether a picture that differs still shows the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fvcli.errors import size_in_words
from fvcli.golden.history import Acceptance
from fvcli.golden.look import Look
from fvcli.golden.results import (
    HIGHER_IS_BETTER,
    Gate,
    Status,
    UnitResult,
    asked_network,
    percent,
    times_limit,
)
from fvcli.golden.tolerances import Tolerances
from fvcli.run.sidecar import DEAD

LEAST_SHARE = 0.2  # of a program's units are not touched by rounding in the first steps
ENOUGH = 4  # units of a program, of which it would be odd if none was


@dataclass(frozen=True)
class Ruling:
    """What is decided of a unit."""

    status: Status
    gate: Gate | None = None
    why: str = ""


def pooled(values: Sequence[float]) -> float | None:
    """Return how far all compared units of a program are apart, the least affected fifth left out.

    None where these are too few to tell.
    """
    return sorted(values)[int(LEAST_SHARE * (len(values) - 1))] if len(values) >= ENOUGH else None


def result_of(
    look: Look,
    limits: Tolerances,
    pool: Mapping[str, float] | None = None,
    accepted: Acceptance | None = None,
    strict: bool = False,
) -> UnitResult:
    """Return what is found of a unit.

    Args:
        look: What was measured, by networks too if they were asked.
        limits: For the way in which the computers differ.
        pool: What is true of all units of its program, such as ``first_steps_of_all``.
        accepted: The acceptance that its picture in the run came from, if there is one.
        strict: Whether any other pixel is a difference.
    """
    unit = look.pair.unit
    known = _limits_of(limits)
    values = {**look.values, **(pool or {})}
    ruling = _rule(look, values, known, accepted, strict)
    if not look.are_comparable or ruling.gate == "accepted":
        values = {}
    passed = {name: known[name] for name in values if name in known}
    return UnitResult(
        path=unit.path,
        job=unit.job,
        unit=unit.name,
        label=unit.label,
        layer=unit.layer,
        status=ruling.status,
        gate=ruling.gate,
        why=ruling.why,
        values=values,
        limits=passed,
        excess=max((times_limit(name, values[name], limit) for name, limit in passed.items()), default=0.0),
        change=look.change if look.pixels else None,
        settings=look.settings,
        golden=look.golden,
        run=look.run,
    )


def _rule(
    look: Look,
    values: Mapping[str, float],
    limits: Mapping[str, float],
    accepted: Acceptance | None,
    strict: bool,
) -> Ruling:
    simple = _without_measures(look)
    if simple is not None:
        return simple
    if accepted is not None:
        why = f"accepted {accepted.when[:10]} by {accepted.who}: {accepted.why}"
        return Ruling("match", "accepted", why)
    if (look.golden.status == DEAD) != (look.run.status == DEAD):
        now = "dead, and was not" if look.run.status == DEAD else "not dead any more"
        return Ruling("dead", None, f"the unit is {now}")
    beyond = _first_beyond(values, limits)
    if beyond is not None and beyond[0] == "first_steps" and not look.same_weights:
        beyond = beyond[0], beyond[1].replace("another computation", "another network")
    if beyond is not None and beyond[0] == "score" and (whose := asked_network(look.golden, look.run)):
        beyond = beyond[0], beyond[1].replace(" (limit", f" by the {whose}'s network (limit")
    if strict and beyond is None:
        beyond = "pixels", "its pixels differ, and --strict lets nothing pass"
    if look.settings:
        what = "beyond the limits" if beyond else "within the limits"
        return Ruling("settings", beyond[0] if beyond else None, f"the spec changed; the picture is {what}")
    if beyond is None:
        return Ruling("close", None, "other pixels, within all limits")
    return Ruling("diff", beyond[0], beyond[1])


def _without_measures(look: Look) -> Ruling | None:
    """Decide what needs none."""
    if look.problem is not None:
        return Ruling("error", None, look.problem)
    if look.pair.golden is None:
        return None if look.pixels else Ruling("new", None, "the golden does not have it")
    if look.pending:
        return Ruling("missing", None, "the run has not rendered it")
    if look.pair.run is None:
        return Ruling("missing", None, "the run does not have it")
    assert look.pixels is not None  # or there is a problem
    if look.golden.size_px != look.run.size_px:
        sizes = (size_in_words(side.size_px or ()) for side in (look.golden, look.run))
        return Ruling("size", None, "{} -> {}".format(*sizes))
    if look.pixels[0] == look.pixels[1]:
        return Ruling("match", "pixels", "the same pixels")
    return None


ORDER: tuple[tuple[str, Gate], ...] = (
    ("first_steps_of_all", "first_steps"),
    ("first_steps", "first_steps"),
    ("response_of_all", "response"),
    ("response", "response"),
    ("score", "score"),
    ("texture", "texture"),
    ("structure", "structure"),
)


def _first_beyond(values: Mapping[str, float], limits: Mapping[str, float]) -> tuple[Gate, str] | None:
    for name, gate in ORDER:
        if name in values and times_limit(name, values[name], limits[name]) > 1:
            sign = "+" if name == "score" and values[name] > 0 else ""
            value, limit = (_said(name, number) for number in (values[name], limits[name]))
            return gate, WORDS[name].format(value=sign + value, limit=limit)
    return None


WORDS = {
    "first_steps_of_all": "another computation: even the units that rounding leaves alone have other scores "
    "after a few steps, by {value} (limit {limit})",
    "first_steps": "other scores after a few steps, by {value} (limit {limit})",
    "response_of_all": "another network: it answers differently to the same pictures of nearly all units, by "
    "{value} (limit {limit})",
    "response": "the networks answer differently to the same picture, by {value} (limit {limit})",
    "score": "score {value} (limit {limit})",
    "texture": "texture {value} apart (limit {limit})",
    "structure": "structural similarity {value} (at least {limit})",
}


def _said(name: str, value: float) -> str:
    return f"{value:.3f}" if name in HIGHER_IS_BETTER else percent(value)


def _limits_of(limits: Tolerances) -> dict[str, float]:
    """Return what each value may be at most, structure at least."""
    return {
        "first_steps_of_all": limits.first_steps_of_all,
        "first_steps": limits.first_steps,
        "response_of_all": limits.response,
        "response": limits.response,
        "score": limits.score,
        "texture": limits.texture,
        "structure": limits.structure,
    }
