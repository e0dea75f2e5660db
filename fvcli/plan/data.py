"""What a plan holds, and its JSON."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fvcli.models import ModelChoice
from fvcli.plan.terms import KEY_DIGITS, Coupling, Formula, TermPlan, TermShape, canonical, layers_of
from fvcli.spec.output import Output
from fvcli.spec.settings import Settings

PLAN_VERSION = 5
READABLE_VERSIONS = range(4, PLAN_VERSION + 1)  # 4 did not say what sources are called
# Settings that are inputs of the compiled function, or that it has nothing to do with.
NOT_COMPILED = {"steps", "seed", "early_stop", "save_at", "animation"}


@dataclass(frozen=True)
class Source:
    """A file that the run has a copy of.

    name: short, for people and file names.
    file: of the copy, in the run's folder of sources.
    path: where it was.
    called: its file name, as the spec has it.
    frames, fps: of a film; a picture is one frame.
    """

    name: str
    file: str
    path: str
    sha256: str
    frames: int = 1
    fps: float = 0.0
    called: str = ""

    @property
    def file_name(self) -> str:
        """Its file name without the folder, which is different on every machine."""
        return self.called or PurePath(self.path).name


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
    settings: how the pictures are made.
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
    settings: Settings
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
        settings = self.settings.model_dump(mode="json", exclude=NOT_COMPILED)
        size = self.height_px, self.width_px, self.window, self.input_px
        together = self.formula, self.members, self.couplings
        return self.terms, *size, *together, canonical(settings)

    @property
    def changes_size(self) -> bool:
        """Whether the network sees another size at each step."""
        scaled = any(transform.drawn_factors for transform in self.settings.transforms)
        return scaled and self.input_px is None

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
    """What contact sheets, figures and words about changes need of a job.

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

    model: the spec's choice of model, with its preprocessing filled in.
    """

    model: ModelChoice
    programs: tuple[Program, ...]
    jobs: tuple[JobPlan, ...]
    units: tuple[Unit, ...]
    batches: tuple[tuple[int, ...], ...]
    output: Output
    sources: tuple[Source, ...] = ()

    def to_json(self) -> str:
        """Write the plan as JSON text; equal plans give equal text."""
        data = _adapter().dump_python(self, mode="json")
        return json.dumps({"version": PLAN_VERSION, **data}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan of this version or an older one; what is not known in it is passed over.

        Raises:
            ValueError: The text is no plan, or one of a newer version.
        """
        data = json.loads(text)
        version = data.get("version") if isinstance(data, dict) else None
        if not isinstance(version, int):
            raise ValueError("it has no version")
        if version not in READABLE_VERSIONS:
            age = "a newer" if version >= READABLE_VERSIONS.stop else "an early"
            raise ValueError(f"it was written by {age} version of fvcli")
        try:
            return _adapter().validate_python(data, extra="ignore")
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def source(self, sha256: str) -> Source:
        """Return the source with a sum."""
        return next(source for source in self.sources if source.sha256 == sha256)

    @cached_property
    def sum(self) -> str:
        """What two plans share that have the same units, by place and key, in the same batches."""
        lines = (f"{unit.path} {unit.key} {unit.program}\n" for unit in self.units)
        found = hashlib.sha256("".join(lines).encode())
        found.update(canonical([program.batch_size for program in self.programs]).encode())
        return found.hexdigest()[:KEY_DIGITS]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position of each unit by its path."""
        return {unit.path: i for i, unit in enumerate(self.units)}

    def group_of(self, unit: Unit) -> tuple[Unit, ...]:
        """Return the units that a unit is optimised together with, itself among them."""
        begin = self.positions[unit.path] - unit.member
        return self.units[begin : begin + self.programs[unit.program].members]

    def writes_mp4(self, unit: Unit) -> bool:
        """Tell whether a unit has a film as mp4: one that is asked for, or the dream of a film."""
        settings = self.programs[unit.program].settings
        if settings.animation is not None:
            return settings.animation.format == "mp4"
        dreams = settings.method == "dream" and settings.starts_from_picture and unit.picture is not None
        return dreams and self.source(str(unit.picture)).frames > 1

    def program_number(self, batch: int) -> int:
        """Return which of the programs a batch is rendered with."""
        return self.units[self.batches[batch][0]].program

    def program_of(self, batch: int) -> Program:
        return self.programs[self.program_number(batch)]

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
        pattern = unicodedata.normalize("NFC", pattern)
        return frozenset(
            unit.path
            for unit in self.units
            if any(fnmatch.fnmatchcase(text, pattern) for text in (unit.path, unit.job, unit.name))
        )

    @property
    def memory_bytes(self) -> int:
        """Estimated memory of the largest batch."""
        return max((p.batch_size * p.image_bytes for p in self.programs), default=0)


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
