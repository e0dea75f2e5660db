"""What a comparison found: of each unit, and of the whole atlas."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fvcli import __version__

RESULTS_VERSION = 2

Status = Literal["match", "close", "new", "settings", "diff", "dead", "size", "missing", "error"]
STATUSES: tuple[Status, ...] = (
    *("error", "missing", "size", "dead", "diff", "settings", "new", "close", "match"),
)  # the worst first
Gate = Literal["pixels", "accepted", "first_steps", "response", "score", "texture", "structure"]
GATES: tuple[Gate, ...] = ("pixels", "accepted", "first_steps", "response", "score", "texture", "structure")
HIGHER_IS_BETTER = {"structure"}  # of all other values less is better


def times_limit(name: str, value: float, limit: float) -> float:
    """Return a value as a multiple of its limit; of a similarity by how far each is from 1."""
    apart, most = (1 - value, 1 - limit) if name in HIGHER_IS_BETTER else (abs(value), limit)
    if apart <= 0:
        return 0.0
    return apart / most if most > 0 else float("inf")


def percent(share: float, sign: str = "") -> str:
    """Write a share as a percentage with three digits; with "+" as sign also what rises has one."""
    return f"{100 * share:{sign}.3g} %"


Networks = Literal["asked", "not asked", "not needed"]
Change = Literal["same", "cpu", "tensorflow", "device"]
CHANGES: tuple[Change, ...] = ("same", "cpu", "tensorflow", "device")


@dataclass(frozen=True)
class Side:
    """One of the two pictures of a unit.

    picture: Its file; None where there is none.
    key: Of the unit.
    status: done, dead or failed, as its sidecar says; None without one.
    steps: That were taken.
    score: The plain objective of the saved picture by its own network, measured now, or as recorded where no
        network was asked; it rises, or falls where the unit is minimised.
    other_score: The same by the other side's network, where the two networks differ.
    seconds: That it took to render.
    size_px: Height, width and channels.
    weights_sha256: Of the network that it was rendered with.
    """

    picture: str | None = None
    key: str | None = None
    status: str | None = None
    steps: int | None = None
    score: float | None = None
    other_score: float | None = None
    seconds: float | None = None
    size_px: tuple[int, ...] | None = None
    weights_sha256: str | None = None


NOTHING = Side()


def asked_network(golden: Side, run: Side) -> Literal["golden", "run"] | None:
    """Return whose network sees the larger change of the score, from the golden's picture to the run's.

    None where both sides have one network, or only one was asked.
    """
    changes = {
        "run": _change(golden.other_score, run.score),
        "golden": _change(golden.score, run.other_score),
    }
    if None in changes.values():
        return None
    return "golden" if _size(changes["golden"]) > _size(changes["run"]) else "run"


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _size(change: float | None) -> float:
    """Return how large a change is; one that is no number is larger than all."""
    return abs(change) if change is not None and math.isfinite(change) else math.inf


@dataclass(frozen=True)
class UnitResult:
    """What was found of one unit.

    path: job/unit.
    label: What it shows, for people.
    layer: That it reads.
    status: See ``STATUSES``.
    gate: The first that decided; None where none was asked or all were passed.
    why: What was decided, in a sentence.
    values: What each gate measured, as far as it was measured; ``rms`` beside them, which decides nothing.
    limits: What each gate lets pass.
    excess: The worst value, as a multiple of its limit; at most 1 for what passes.
    change: How the computers differ that the two were rendered on.
    settings: How the specs differ, a line for each key.
    """

    path: str
    job: str
    unit: str
    label: str
    layer: str
    status: Status
    gate: Gate | None = None
    why: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    excess: float = 0.0
    change: Change | None = None
    settings: Sequence[str] = ()
    golden: Side = NOTHING
    run: Side = NOTHING

    @property
    def decisive(self) -> str | None:
        """Name of the value that was beyond its limit and decided; None where none did."""
        names = (f"{self.gate}_of_all", str(self.gate))
        return next((name for name in names if self.times_limit_of(name) > 1), None)

    def times_limit_of(self, name: str) -> float:
        """Return a value as a multiple of its limit; 0 where it has none."""
        if name not in self.values or name not in self.limits:
            return 0.0
        return times_limit(name, self.values[name], self.limits[name])


def in_groups(units: Sequence[UnitResult]) -> list[list[UnitResult]]:
    """Put units together of which the same is to be said, in the order in which the first of each comes."""
    groups: dict[object, list[UnitResult]] = {}
    for unit in units:
        groups.setdefault((unit.status, unit.why, tuple(unit.settings)), []).append(unit)
    return list(groups.values())


@dataclass(frozen=True)
class Drift:
    """The mean over all compared units of how their scores changed, as a share of each score, with its sign.

    units: How many scores that is; None where no scores could be compared.
    """

    units: int
    mean: float
    limit: float

    @property
    def is_beyond(self) -> bool:
        return abs(self.mean) > self.limit


@dataclass(frozen=True)
class Comparison:
    """A golden and a run, compared.

    golden, run: Their folders.
    units: The worst first.
    drift: Of the whole atlas; None where no scores could be compared.
    tolerances: Of each kind of change that was met.
    networks: Whether they were asked; where all pixels are the same they are not needed.
    could_not_tell: What could not be found out, and why, in sentences.
    remarks: What should be known, in sentences.
    allow_new: Whether units that the golden does not have are fine.
    golden_model, run_model: What their networks are called.
    """

    golden: str
    run: str
    units: tuple[UnitResult, ...]
    drift: Drift | None = None
    tolerances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    networks: Networks = "asked"
    could_not_tell: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    allow_new: bool = False
    golden_model: str = ""
    run_model: str = ""

    @property
    def drift_words(self) -> str:
        """Say whose scores the drift is the mean change of, and by which network."""
        if self.networks == "not asked":
            return "from the golden's recorded scores to the run's"
        pictures = "from the golden's pictures to the run's"
        if any(asked_network(unit.golden, unit.run) for unit in self.units):
            return f"{pictures}, each by the network that sees the larger change"
        return f"{pictures}, by one network"

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(unit.status for unit in self.units)
        return {status: found[status] for status in STATUSES}

    def passes(self, unit: UnitResult) -> bool:
        return unit.status in {"match", "close"} or (unit.status == "new" and self.allow_new)

    @property
    def failed(self) -> tuple[UnitResult, ...]:
        return tuple(unit for unit in self.units if not self.passes(unit))

    @property
    def is_fine(self) -> bool:
        return not self.failed and not (self.drift is not None and self.drift.is_beyond)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for results.json; docs/regression.md says what each key is."""
        drift = None if self.drift is None else {**asdict(self.drift), "is_beyond": self.drift.is_beyond}
        return {
            "version": RESULTS_VERSION,
            "fvcli": __version__,
            "golden": self.golden,
            "run": self.run,
            "golden_model": self.golden_model,
            "run_model": self.run_model,
            "verdict": "pass" if self.is_fine else "fail",
            "counts": self.counts,
            "drift": drift,
            "networks": self.networks,
            "allow_new": self.allow_new,
            "could_not_tell": list(self.could_not_tell),
            "remarks": list(self.remarks),
            "tolerances": {name: dict(limits) for name, limits in self.tolerances.items()},
            "units": [{**asdict(unit), "passes": self.passes(unit)} for unit in self.units],
        }
