"""From renders that should pass, and renders that should not, to tolerances, and how well these work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import numpy as np

from fvcli.golden.compare import Measured, Options, conclude, pools_of
from fvcli.golden.folder import Golden
from fvcli.golden.results import Change, Comparison
from fvcli.golden.tolerances import OTHER_CPU, OTHER_DEVICE, Tolerances
from fvcli.golden.variants import Variant
from fvcli.run import Fingerprint, RunFolder

CALIBRATION_VERSION = 1
PERCENTILES = (0, 1, 50, 99, 100)
# Below these nothing that people look at changes, however little noise was measured.
FLOORS = Tolerances(
    first_steps_of_all=1e-6,
    first_steps=1e-5,
    response=1e-5,
    score=1e-3,
    texture=1e-3,
    structure=0.999,
    drift=1e-4,
)
DIGITS, STRUCTURE_DIGITS = 3, Decimal("0.0001")  # of limits that people read
ENOUGH_FOR_TAIL = 100  # units; of fewer, none may have been among the few that rounding changes most
SAFETY_OF_MOST = 10.0  # of the first steps of most units, where noise and changes are worlds apart
UNMEASURED = {"tensorflow": 1.5, "device": 3.0}  # what another CPU's noise is multiplied by


@dataclass(frozen=True)
class Trial:
    """A variant that was rendered and compared with the base.

    units: Those that it concerns, by job/unit.
    measured: What was found of them.
    run: Where it was rendered.
    """

    variant: Variant
    units: frozenset[str]
    measured: Measured
    run: RunFolder

    def values(self) -> dict[str, list[float]]:
        """Return what each gate measured of each unit; equal pixels are no difference at all."""
        found: dict[str, list[float]] = {}
        looks = [look for look in self.measured.looks if look.pixels and look.pair.path in self.units]
        for look in looks:
            assert look.pixels is not None  # or it is passed over
            same = look.pixels[0] == look.pixels[1]
            values = {**look.values, **({"structure": 1.0, "texture": 0.0} if same else {})}
            for name, value in values.items():
                found.setdefault(name, []).append(value)
        for pool in pools_of(looks).values():
            for name, value in pool.items():
                found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True)
class Row:
    """How a variant fares by some limits.

    name: Of the variant.
    limits: Of which change they are.
    is_real: Whether it should be caught.
    units: How many it concerns.
    caught: How many of them fail.
    gates: How many each gate failed.
    atlas_fails: Whether the whole comparison fails.
    """

    name: str
    limits: Change
    is_real: bool
    units: int
    caught: int
    gates: Mapping[str, int]
    atlas_fails: bool

    @property
    def wrong(self) -> int:
        """How many units are judged wrongly."""
        return self.units - self.caught if self.is_real else self.caught


@dataclass(frozen=True)
class Calibration:
    """What was measured, and what follows.

    fingerprint: Of the machine that measured.
    safety: By what noise was multiplied.
    steps, size_px: Of the golden's programs.
    distributions: By variant, what its gates measured: least, 1 %, median, 99 %, most.
    """

    fingerprint: Fingerprint
    safety: float
    steps: Sequence[int]
    size_px: Sequence[Sequence[int]]
    tolerances: Mapping[Change, Tolerances]
    rows: Sequence[Row]
    distributions: Mapping[str, Mapping[str, Sequence[float]]]

    def to_json(self) -> str:
        data: dict[str, Any] = {
            **{"version": CALIBRATION_VERSION, "safety": self.safety},
            **{"steps": list(self.steps), "size_px": [list(size) for size in self.size_px]},
            "fingerprint": self.fingerprint,
            "tolerances": {change: limits.model_dump() for change, limits in self.tolerances.items()},
            "confusion": [{**asdict(row), "wrong": row.wrong} for row in self.rows],
            "percentiles": PERCENTILES,
            "distributions": self.distributions,
        }
        return json.dumps(data, indent=1) + "\n"


def calibrated(base: Golden, trials: Sequence[Trial], safety: float, fingerprint: Fingerprint) -> Calibration:
    """Return what follows from trials.

    Args:
        base: The golden's spec, rendered on this machine.
        trials: Of all variants.
        safety: What noise is multiplied by.
        fingerprint: Of this machine.
    """
    tolerances = propose(trials, safety)
    programs = base.run.plan.programs
    return Calibration(
        fingerprint=fingerprint,
        safety=safety,
        steps=sorted({program.settings.steps for program in programs}),
        size_px=sorted({(program.height_px, program.width_px) for program in programs}),
        tolerances=tolerances,
        rows=confusion(replace(base, tolerances=tolerances), trials),
        distributions={trial.variant.name: _distributions(trial) for trial in trials},
    )


# ---- tolerances


def propose(trials: Sequence[Trial], safety: float) -> dict[Change, Tolerances]:
    """Return tolerances that noise passes, for each kind of change."""
    same = _limits([t for t in trials if t.variant.kind == "same"], safety)
    noise = [t for t in trials if not t.variant.is_real]
    cpu = _limits(noise, safety)
    if max((len(trial.units) for trial in noise), default=0) < ENOUGH_FOR_TAIL:
        cpu = _widest(cpu, OTHER_CPU)
    return {
        "same": same,
        "cpu": cpu,
        "tensorflow": _wider(cpu, UNMEASURED["tensorflow"]),
        "device": _at_least(_wider(cpu, UNMEASURED["device"]), OTHER_DEVICE.first_steps_of_all),
    }


def _limits(noise: Sequence[Trial], safety: float) -> Tolerances:
    most: dict[str, float] = {}
    for trial in noise:
        for name, values in trial.values().items():
            apart = max(1 - value for value in values) if name == "structure" else max(map(abs, values))
            most[name] = max(most.get(name, 0.0), apart)
    drift = max((abs(_mean_change(trial)) for trial in noise), default=0.0)
    of_all = most.get("first_steps_of_all", 0.0)
    return Tolerances(
        first_steps_of_all=_rounded(max(FLOORS.first_steps_of_all, SAFETY_OF_MOST * of_all)),
        first_steps=_rounded(max(FLOORS.first_steps, safety * most.get("first_steps", 0.0))),
        response=FLOORS.response,
        score=_rounded(max(FLOORS.score, safety * most.get("score", 0.0))),
        texture=_rounded(max(FLOORS.texture, safety * most.get("texture", 0.0))),
        structure=_structure(safety * most.get("structure", 0.0)),
        drift=_rounded(max(FLOORS.drift, safety * drift)),
    )


def _structure(apart: float) -> float:
    return max(-1.0, min(FLOORS.structure, float(_exact(1 - apart).quantize(STRUCTURE_DIGITS, ROUND_FLOOR))))


def _rounded(value: float) -> float:
    """Return a limit with few digits that lets pass what the value does."""
    return float(Context(DIGITS, ROUND_CEILING).create_decimal(_exact(value)))


def _exact(value: float) -> Decimal:
    return Decimal(f"{value:.12g}")  # what is behind is of binary fractions


def _widest(limits: Tolerances, others: Tolerances) -> Tolerances:
    """Return the wider of two limits for each value that few units say little of."""
    return limits.model_copy(
        update={
            "first_steps": max(limits.first_steps, others.first_steps),
            "score": max(limits.score, others.score),
            "texture": max(limits.texture, others.texture),
            "structure": min(limits.structure, others.structure),
            "drift": max(limits.drift, others.drift),
        }
    )


def _wider(limits: Tolerances, factor: float) -> Tolerances:
    given = limits.model_dump()
    shares = {name: _rounded(factor * value) for name, value in given.items()}
    structure = _structure(factor * (1 - limits.structure))
    return Tolerances(**{**shares, "response": limits.response, "structure": structure})


def _at_least(limits: Tolerances, least: float) -> Tolerances:
    return limits.model_copy(update={"first_steps_of_all": max(limits.first_steps_of_all, least)})


def _mean_change(trial: Trial) -> float:
    scores = trial.values().get("score")
    return float(np.mean(scores)) if scores else 0.0


# ---- how well they tell changes from noise


def confusion(golden: Golden, trials: Sequence[Trial]) -> list[Row]:
    """Judge every trial by a golden's tolerances: noise by those of its kind, real changes by both."""
    rows = []
    for trial in trials:
        kinds: tuple[Change, ...] = ("same", "cpu") if trial.variant.is_real else (trial.variant.kind,)  # type: ignore[assignment]
        rows += [_row(trial, limits, judged(golden, trial, limits)) for limits in kinds]
    return rows


def judged(golden: Golden, trial: Trial, limits: Change) -> Comparison:
    """Return what a comparison says of a trial, as if the computers differed in some way."""
    looks = tuple(
        replace(look, change=limits) for look in trial.measured.looks if look.pair.path in trial.units
    )
    return conclude(golden, trial.run, replace(trial.measured, looks=looks), Options())


def _row(trial: Trial, limits: Change, found: Comparison) -> Row:
    failed = found.failed
    gates = Counter(str(unit.gate or unit.status) for unit in failed)
    return Row(
        name=trial.variant.name,
        limits=limits,
        is_real=trial.variant.is_real,
        units=len(found.units),
        caught=len(failed),
        gates=dict(gates),
        atlas_fails=not found.is_fine,
    )


def _distributions(trial: Trial) -> dict[str, list[float]]:
    return {
        name: [float(f"{value:.4g}") for value in np.percentile(np.abs(values), PERCENTILES)]
        for name, values in trial.values().items()
    }
