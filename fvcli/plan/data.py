"""What a plan holds, and its JSON."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fvcli.models import ModelChoice
from fvcli.models.choice import as_pair

PLAN_VERSION = 3
KEY_DIGITS = 16
NOT_COMPILED = ("steps", "seed", "early_stop")  # settings that are inputs of the compiled function


def canonical(data: Any) -> str:
    """Write data as JSON in the one way that equal data share."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of data's canonical JSON."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:KEY_DIGITS]


@dataclass(frozen=True)
class TermPlan:
    """One term of a unit's objective; index is the channel or the class, -1 for a whole layer."""

    kind: str
    layer: str
    index: int = -1
    row: int = -1
    column: int = -1
    weight: float = 1.0

    @property
    def shape(self) -> tuple[str, str, bool]:
        """Kind, layer and whether a position is given: the part that is compiled in."""
        return self.kind, self.layer, self.row >= 0


@dataclass(frozen=True)
class Window:
    """The part of a picture that a neuron's ascent works on, because the neuron sees no more.

    canvas_px: side of the square that is optimised.
    view_px: side of what the network sees of it, a multiple of the layer's stride.
    shift_px: how far views may be shifted: no further than the recipe says, nor than the field allows.
    row, column: of the neuron in the layer's map of a view.
    """

    canvas_px: int
    view_px: int
    shift_px: float
    row: int
    column: int


@dataclass(frozen=True)
class Program:
    """Everything that units compiled together share.

    terms: the shape of each term of the objective.
    settings: steps, seed, parameterization, transforms, optimizer, redirect_steps, early_stop and precision
        as plain data.
    image_bytes: estimated memory of one image of an ascent.
    window: what is optimised of the picture; None: all of it.
    input_px: height and width that views are resized to, because the network takes no other; None: they are
        taken as they are.
    """

    model: str
    weights_sha256: str
    terms: tuple[tuple[str, str, bool], ...]
    recipe: str
    height_px: int
    width_px: int
    batch_size: int
    image_bytes: int
    settings: Mapping[str, Any]
    window: Window | None = None
    input_px: tuple[int, int] | None = None

    def canvas_of(self, unit: Unit) -> dict[str, int] | None:
        """Return which part of the picture is optimised, in pixels, or None for all of it."""
        if self.window is None or unit.place is None:
            return None
        side = self.window.canvas_px
        return {"top": unit.place[0], "left": unit.place[1], "height": side, "width": side}

    @property
    def compilation(self) -> tuple[Any, ...]:
        """What has to be equal in two programs so that one compiled ascent serves both."""
        settings = {key: value for key, value in self.settings.items() if key not in NOT_COMPILED}
        return self.terms, self.height_px, self.width_px, self.window, self.input_px, repr(settings)

    @property
    def changes_size(self) -> bool:
        """Whether the network sees another size at each step."""
        scaled = any(transform["kind"] == "scale" for transform in self.settings["transforms"])
        return scaled and self.input_px is None

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(layer for _, layer, _ in self.terms))


@dataclass(frozen=True)
class Unit:
    """One picture to make.

    name: file name without suffix, unique in its job.
    key: of everything that decides the picture's bytes.
    label: what to write under the picture.
    unit: what it is within its layer, such as {"channel": 44}.
    sign: 1 to maximise the objective, -1 to minimise it.
    program: position in the plan's programs.
    place: row and column of the picture at which the program's window begins; outside is possible.
    """

    job: str
    name: str
    key: str
    label: str
    objective: str
    unit: Mapping[str, Any]
    sign: int
    terms: tuple[TermPlan, ...]
    program: int
    place: tuple[int, int] | None = None

    @property
    def path(self) -> str:
        """Place below the run's units folder, without suffix."""
        return f"{self.job}/{self.name}"

    @property
    def identity(self) -> str:
        """What the unit shows, apart from how it is rendered: the name of its random stream."""
        return canonical([self.sign, [asdict(term) for term in self.terms]])

    @property
    def layer(self) -> str:
        return " + ".join(dict.fromkeys(term.layer for term in self.terms))


@dataclass(frozen=True)
class JobPlan:
    """What contact sheets and lone pictures need of a job: its title, and what it asked for."""

    name: str
    title: str
    layer: str | None
    objective: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Units and their batches; a batch is a tuple of positions in units.

    model: the spec's choice of model as plain data.
    """

    model: Mapping[str, Any]
    programs: tuple[Program, ...]
    jobs: tuple[JobPlan, ...]
    units: tuple[Unit, ...]
    batches: tuple[tuple[int, ...], ...]
    output: Mapping[str, Any]

    def to_json(self) -> str:
        """Write the plan as JSON text; equal plans give equal text."""
        return json.dumps({"version": PLAN_VERSION, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan back.

        Raises:
            ValueError, KeyError, TypeError: The text is no plan of this version.
        """
        data = json.loads(text)
        if not isinstance(data, dict):
            raise TypeError("it holds no keys")
        if data.pop("version", None) != PLAN_VERSION:
            raise ValueError("it was written by another version of fvcli")
        for program in data["programs"]:
            program["terms"] = tuple((kind, layer, placed) for kind, layer, placed in program["terms"])
            program["window"] = program["window"] and Window(**program["window"])
            program["input_px"] = program["input_px"] and tuple(program["input_px"])
        for unit in data["units"]:
            unit["terms"] = tuple(TermPlan(**term) for term in unit["terms"])
            unit["place"] = unit["place"] and tuple(unit["place"])
        return cls(
            model=data["model"],
            programs=tuple(Program(**program) for program in data["programs"]),
            jobs=tuple(JobPlan(**job) for job in data["jobs"]),
            units=tuple(Unit(**unit) for unit in data["units"]),
            batches=tuple(tuple(batch) for batch in data["batches"]),
            output=data["output"],
        )

    @property
    def model_choice(self) -> ModelChoice:
        pairs = {key: tuple(value) for key, value in self.model.items() if isinstance(value, list)}
        return ModelChoice(**{**self.model, **pairs, "size_px": as_pair(self.model["size_px"])})

    def program_of(self, batch: int) -> Program:
        return self.programs[self.units[self.batches[batch][0]].program]

    def units_of(self, batch: int, wanted: frozenset[str] | None = None) -> list[Unit]:
        """Return the units of a batch, or those whose paths are wanted."""
        units = [self.units[i] for i in self.batches[batch]]
        return [unit for unit in units if wanted is None or unit.path in wanted]

    def by_job(self) -> list[tuple[JobPlan, list[Unit]]]:
        """Return every job with its units, both in order."""
        units: dict[str, list[Unit]] = {job.name: [] for job in self.jobs}
        for unit in self.units:
            units[unit.job].append(unit)
        return [(job, units[job.name]) for job in self.jobs]

    def shard(self, index: int, count: int) -> tuple[int, ...]:
        """Return the batch numbers of shard index, from 1, of count: every count-th batch."""
        return tuple(range(len(self.batches)))[index - 1 :: count]

    def only(self, pattern: str) -> frozenset[str]:
        """Return the paths of the units that a shell pattern names as job/unit, job or unit."""
        return frozenset(
            unit.path
            for unit in self.units
            if any(fnmatch.fnmatchcase(text, pattern) for text in (unit.path, unit.job, unit.name))
        )

    @property
    def memory_bytes(self) -> int:
        """Estimated memory of the largest batch."""
        return max((p.batch_size * p.image_bytes for p in self.programs), default=0)
