"""What a plan holds, and its JSON."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fvcli.models import ModelChoice
from fvcli.models.choice import as_pair

PLAN_VERSION = 4
KEY_DIGITS = 16
# Settings that are inputs of the compiled function, or that it has nothing to do with.
NOT_COMPILED = ("steps", "seed", "early_stop", "save_at", "animation")
Formula = tuple[Any, ...]  # ("sum" or "product", then positions of terms and formulas)


def canonical(data: Any) -> str:
    """Write data as JSON in the one way that equal data share."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of data's canonical JSON."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:KEY_DIGITS]


PICTURE_KINDS = {"caricature", "match", "style"}  # objectives that aim at a picture


@dataclass(frozen=True)
class TermShape:
    """The part of a term that is compiled in.

    placed: Whether a position is given.
    options: What the kind takes beside it, such as a power, as pairs in alphabetical order.
    """

    kind: str
    layer: str
    placed: bool = False
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def aims_at_picture(self) -> bool:
        """Whether it compares with what the network sees in the unit's picture, not with an array."""
        return self.kind in PICTURE_KINDS and "shape" not in dict(self.options)


@dataclass(frozen=True)
class TermPlan:
    """One term of a unit's objective.

    index: the channel or the class, -1 for what reads more than one.
    vector: a direction: its values, or channels and weights, or a random seed, or a source and its row.
    source: the SHA-256 of the array that is read from a file.
    """

    kind: str
    layer: str
    index: int = -1
    row: int = -1
    column: int = -1
    weight: float = 1.0
    vector: Mapping[str, Any] | None = None
    source: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def shape(self) -> TermShape:
        return TermShape(self.kind, self.layer, self.row >= 0, self.options)

    def facts(self) -> dict[str, Any]:
        """Return all as plain data, without what most kinds do not have."""
        rest = {"vector", "source", "options"}
        return {key: value for key, value in asdict(self).items() if key not in rest or value}


@dataclass(frozen=True)
class Coupling:
    """What couples the pictures of a group: diversity, or the alignment of neighbours, at a layer."""

    kind: str
    layer: str
    weight: float
    decay_ratio: float = 0.0


def layers_of(terms: Sequence[TermShape], couplings: Sequence[Coupling]) -> tuple[str, ...]:
    """Return the layers that are read, in order."""
    named = [*(term.layer for term in terms), *(coupling.layer for coupling in couplings)]
    return tuple(dict.fromkeys(named))


@dataclass(frozen=True)
class Source:
    """A file that the run has a copy of.

    name: short, for people and file names.
    file: of the copy, in the run's folder of sources.
    path: where it was, as the spec names it.
    frames, fps: of a film; a picture is one frame.
    """

    name: str
    file: str
    path: str
    sha256: str
    frames: int = 1
    fps: float = 0.0


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
    settings: of the recipe, as plain data.
    formula: how the terms are put together; None: they are added.
    members: how many pictures, one after the other in the plan, are optimised together.
    couplings: what they share their scores through.
    image_bytes: estimated memory of one image of an ascent.
    window: what is optimised of the picture; None: all of it.
    input_px: height and width that views are resized to, because the network takes no other; None: they are
        taken as they are.
    """

    model: str
    weights_sha256: str
    terms: tuple[TermShape, ...]
    recipe: str
    height_px: int
    width_px: int
    batch_size: int
    image_bytes: int
    settings: Mapping[str, Any]
    window: Window | None = None
    input_px: tuple[int, int] | None = None
    formula: Formula | None = None
    members: int = 1
    couplings: tuple[Coupling, ...] = ()

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
        size = self.height_px, self.width_px, self.window, self.input_px
        together = self.formula, self.members, self.couplings
        return self.terms, *size, *together, repr(settings)

    @property
    def changes_size(self) -> bool:
        """Whether the network sees another size at each step."""
        scaled = any(transform["kind"] == "scale" for transform in self.settings["transforms"])
        return scaled and self.input_px is None

    @property
    def starts_from_picture(self) -> bool:
        """Whether its pictures start from those that the job names."""
        return bool(self.settings.get("start") == "picture")

    @property
    def saved_px(self) -> tuple[int, int] | None:
        """Height and width of the saved pictures where these are larger than the ascent's."""
        return as_pair(self.settings.get("save_px"))

    @property
    def transparent(self) -> bool:
        """Whether the last channel of its pictures is opacity."""
        alpha = bool(self.settings["parameterization"].get("alpha"))
        return (alpha or bool(self.settings.get("attention"))) and self.settings.get("steepest") is None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are read, in order."""
        return layers_of(self.terms, self.couplings)


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
    member: its position in its group of pictures that are optimised together.
    picture: the SHA-256 of the source that it starts from or aims at.
    variant: which of the job's variants it is.
    formula: as of its program, because it is a part of what the unit shows.
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
    member: int = 0
    picture: str | None = None
    variant: str | None = None
    formula: Formula | None = None

    @property
    def path(self) -> str:
        """Place below the run's units folder, without suffix."""
        return f"{self.job}/{self.name}"

    @property
    def identity(self) -> str:
        """What the unit shows, apart from how it is rendered: the name of its random stream."""
        more = {"formula": self.formula, "member": self.member, "picture": self.picture}
        told = {key: value for key, value in more.items() if value}
        return canonical([self.sign, [term.facts() for term in self.terms], *([told] if told else [])])

    @property
    def layer(self) -> str:
        return " + ".join(dict.fromkeys(term.layer for term in self.terms))


@dataclass(frozen=True)
class JobPlan:
    """What contact sheets, figures and lone pictures need of a job.

    title: of its contact sheet; heading: as the spec has it, or its name.
    asked: the job as it was written, without what it says of rendering.
    """

    name: str
    title: str
    heading: str
    asked: Mapping[str, Any]


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
    sources: tuple[Source, ...] = ()

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
        return cls(
            model=data["model"],
            programs=tuple(_program(program) for program in data["programs"]),
            jobs=tuple(JobPlan(**job) for job in data["jobs"]),
            units=tuple(_unit(unit) for unit in data["units"]),
            batches=tuple(tuple(batch) for batch in data["batches"]),
            output=data["output"],
            sources=tuple(Source(**source) for source in data["sources"]),
        )

    def source(self, sha256: str) -> Source:
        """Return the source with a sum."""
        return next(source for source in self.sources if source.sha256 == sha256)

    @property
    def model_choice(self) -> ModelChoice:
        pairs = {key: tuple(value) for key, value in self.model.items() if isinstance(value, list)}
        return ModelChoice(**{**self.model, **pairs, "size_px": as_pair(self.model["size_px"])})

    def program_of(self, batch: int) -> Program:
        return self.programs[self.units[self.batches[batch][0]].program]

    def groups_of(self, batch: int) -> list[tuple[Unit, ...]]:
        """Return the units of a batch in the groups that are optimised together, mostly of one."""
        units = [self.units[i] for i in self.batches[batch]]
        members = self.program_of(batch).members
        return [tuple(units[i : i + members]) for i in range(0, len(units), members)]

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


def _program(data: dict[str, Any]) -> Program:
    return Program(
        **{
            **data,
            "terms": tuple(TermShape(**{**term, "options": _pairs(term)}) for term in data["terms"]),
            "window": data["window"] and Window(**data["window"]),
            "input_px": data["input_px"] and tuple(data["input_px"]),
            "formula": _formula(data["formula"]),
            "couplings": tuple(Coupling(**coupling) for coupling in data["couplings"]),
        }
    )


def _unit(data: dict[str, Any]) -> Unit:
    terms = tuple(TermPlan(**{**term, "options": _pairs(term)}) for term in data["terms"])
    place = data["place"] and tuple(data["place"])
    return Unit(**{**data, "terms": terms, "place": place, "formula": _formula(data["formula"])})


def _pairs(term: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in term["options"])


def _formula(data: Any) -> Any:
    return tuple(_formula(part) for part in data) if isinstance(data, list) else data
