"""A plan, and its JSON."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, TypeAdapter, ValidationError

from fvcli.models import ModelChoice
from fvcli.plan.batches import Batches
from fvcli.plan.data import JobPlan, Program, Source, Unit
from fvcli.plan.parted_units import PartedUnits, Place, places_of
from fvcli.plan.terms import KEY_DIGITS, canonical
from fvcli.plan.unit_lines import contents_of, parts_of, sum_of_part
from fvcli.spec.output import Output

PLAN_VERSION = 6
READABLE_VERSIONS = range(4, PLAN_VERSION + 1)  # 4 did not say what sources are called
WITHOUT_FOLDERS = 5  # the version of a plan whose jobs each have one folder; older releases read it


@dataclass(frozen=True)
class Plan:
    """Units and their batches; a batch is a tuple of positions in units.

    model: the spec's choice of model, with its preprocessing filled in.
    units: a tuple, or what reads them when they are asked for; see ``PartedUnits``.
    batches: worked out when they are asked for; see ``Batches``.
    """

    model: ModelChoice
    programs: tuple[Program, ...]
    jobs: tuple[JobPlan, ...]
    units: Annotated[Sequence[Unit], AfterValidator(tuple)]
    batches: Annotated[Sequence[tuple[int, ...]], AfterValidator(tuple)]
    output: Output
    sources: tuple[Source, ...] = ()

    def to_json(self) -> str:
        """Write the whole plan as JSON text; equal plans give equal text."""
        whole = replace(self, units=tuple(self.units), batches=tuple(self.batches))
        data = _adapter().dump_python(whole, mode="json")
        for program in data["programs"]:
            if program["gpu_batches"] == 1:  # as before there was such a thing
                del program["gpu_batches"]
        has_folders = any(unit.folder for unit in whole.units)
        if not has_folders:
            for unit in data["units"]:
                del unit["folder"]
        version = PLAN_VERSION if has_folders else WITHOUT_FOLDERS
        return json.dumps({"version": version, **data}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan of this version or an older one; what is not known in it is passed over.

        Raises:
            ValueError: The text is no plan, or one of a newer version.
        """
        return cls.from_data(plan_data(text))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan of what ``plan_data`` read.

        Raises:
            ValueError: It is no plan.
        """
        with said_in_short():
            return _adapter().validate_python(data, extra="ignore")

    def source(self, sha256: str) -> Source:
        """Return the source with a sum."""
        return next(source for source in self.sources if source.sha256 == sha256)

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position of each unit by its path."""
        return {unit.path: i for i, unit in enumerate(self.units)}

    def places(self) -> Iterator[Place]:
        """Yield where the units stand, in order; of a large plan that is quicker than the units."""
        return self.units.places() if isinstance(self.units, PartedUnits) else places_of(self.units)

    def group_of(self, unit: Unit) -> tuple[Unit, ...]:
        """Return the units that a unit is optimised together with, itself among them."""
        members = self.programs[unit.program].members
        if members == 1:
            return (unit,)
        begin = self._position_of(unit) - unit.member
        return tuple(self.units[begin : begin + members])

    def _position_of(self, unit: Unit) -> int:
        return (
            self.units.place_of(unit.path)
            if isinstance(self.units, PartedUnits)
            else self.positions[unit.path]
        )

    def writes_mp4(self, unit: Unit) -> bool:
        """Tell whether a unit has a film as mp4: one that is asked for, or the dream of a film."""
        settings = self.programs[unit.program].settings
        if settings.animation is not None:
            return settings.animation.format == "mp4"
        dreams = settings.method == "dream" and settings.starts_from_picture and unit.picture is not None
        return dreams and self.source(str(unit.picture)).frames > 1

    def program_number(self, batch: int) -> int:
        """Return which of the programs a batch is rendered with."""
        if isinstance(self.batches, Batches):
            return self.batches.program_of(batch)
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

    def by_job(self) -> list[tuple[JobPlan, Sequence[Unit]]]:
        """Return every job with its units, both in order."""
        if isinstance(self.units, PartedUnits):
            return [(job, self.units.of_job(job.name)) for job in self.jobs]
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

    @cached_property
    def pictures_digest(self) -> str:
        """Digest of the place and the key of every unit, in order."""
        if isinstance(self.units, PartedUnits) and self.units.digests is not None:
            return self.units.digests.pictures
        found = hashlib.sha256()
        for unit in self.units:
            found.update(f"{unit.stem}\t{unit.key}\n".encode("utf-8", "surrogatepass"))
        return found.hexdigest()

    @cached_property
    def contents_digest(self) -> str:
        """Digest of all that the units say beside what ``Stretch`` has."""
        if isinstance(self.units, PartedUnits) and self.units.digests is not None:
            return self.units.digests.contents
        return contents_of(map(sum_of_part, parts_of(self.units)))

    @cached_property
    def sum(self) -> str:
        """What two plans share that have the same units, by place and key, in the same batches."""
        sizes = canonical([program.batch_size for program in self.programs])
        return hashlib.sha256(f"{self.pictures_digest} {sizes}".encode()).hexdigest()[:KEY_DIGITS]

    @property
    def gpu_memory_bytes(self) -> int:
        """Estimated memory of the most that a GPU works on at once."""
        return max((p.gpu_pictures * p.image_bytes for p in self.programs), default=0)


def plan_data(text: str) -> dict[str, Any]:
    """Return the plain data of a plan, or of the head of one, as it was written.

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
    return {**data}


@contextlib.contextmanager
def said_in_short() -> Iterator[None]:
    """Raise, of all that pydantic finds wrong, the first as a ValueError of one line."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
