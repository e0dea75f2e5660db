"""The head of a large plan: all of it but its units, which are in parts of their own.

plan.json                        the head
plan/<contents>/00000.jsonl      a line for each of the first units; see ``unit_lines``
plan/<contents>/00001.jsonl      ...
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from fvcli.models import ModelChoice
from fvcli.plan.batches import Batches, batches_of
from fvcli.plan.data import JobPlan, Program, Source, Unit
from fvcli.plan.parted_units import Digests, PartedUnits, Stretch, UnitParts, stretches_of
from fvcli.plan.plan import PLAN_VERSION, Plan, said_in_short
from fvcli.plan.unit_lines import A_PART, contents_of
from fvcli.spec.output import Output

WHOLE = 10_000  # units up to which a plan is one file
LONG_RANGE = 16  # numbers that follow on each other; more of them are written as a range
RANGE = ".."  # the key of such a range; no spec has it


@dataclass(frozen=True)
class PlanHead:
    """See above.

    units: how many there are.
    stretches: what units share that stand one after the other.
    batch_sizes: of each program; batches are cut as ``Batches`` has it.
    batches: where they are cut otherwise, all of them.
    a_part: units in each part but the last.
    sums: of the parts, each the beginning of its SHA-256.
    pictures: see ``Plan.pictures_digest``.
    """

    model: ModelChoice
    programs: tuple[Program, ...]
    jobs: tuple[JobPlan, ...]
    output: Output
    sources: tuple[Source, ...]
    units: int
    stretches: tuple[Stretch, ...]
    batch_sizes: tuple[int, ...]
    batches: tuple[tuple[int, ...], ...] | None
    a_part: int
    sums: tuple[str, ...]
    pictures: str

    @property
    def contents(self) -> str:
        """Digest of all lines; the folder of the parts is named by it."""
        return contents_of(self.sums)

    def to_json(self) -> str:
        """Write it as JSON text, a line for each key."""
        data = {"version": PLAN_VERSION, **_adapter().dump_python(self, mode="json")}
        data["jobs"] = [{**job, "asked": _with_ranges(job["asked"])} for job in data["jobs"]]
        written = {key: json.dumps(value, separators=(",", ":")) for key, value in data.items()}
        return "{\n" + ",\n".join(f'"{key}": {text}' for key, text in written.items()) + "\n}\n"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> PlanHead:
        """Return the head of what ``plan_data`` read.

        Raises:
            ValueError: It is no head of a plan.
        """
        whole = {**data, "jobs": _without_ranges(data.get("jobs"))}
        with said_in_short():
            head = _adapter().validate_python(whole, extra="ignore")
        if head.units != sum(stretch.count for stretch in head.stretches):
            raise ValueError("stretches: they have more or fewer units than there are")
        return head

    def plan(
        self,
        load: Callable[[int, Sequence[Stretch]], Sequence[Unit]],
        load_names: Callable[[int], Sequence[tuple[str, str]]] | None = None,
    ) -> Plan:
        """Return the plan; see ``UnitParts`` for what loads its units."""
        digests = Digests(self.pictures, self.contents)
        parts = UnitParts(self.stretches, self.a_part, digests, load, load_names)
        return Plan(
            model=self.model,
            programs=self.programs,
            jobs=self.jobs,
            units=PartedUnits(parts),
            batches=self._batches(),
            output=self.output,
            sources=self.sources,
        )

    def _batches(self) -> Sequence[tuple[int, ...]]:
        if self.batches is not None:
            return self.batches
        places: list[list[range]] = [[] for _ in self.programs]
        begin = 0
        for stretch in self.stretches:
            places[stretch.program].append(range(begin, begin + stretch.count))
            begin += stretch.count
        return Batches(places, self.batch_sizes)


def is_large(plan: Plan) -> bool:
    """Tell whether a plan is written as a head and parts."""
    return len(plan.units) > WHOLE


def head_of(plan: Plan, sums: Sequence[str]) -> PlanHead:
    """Return the head of a plan whose parts have some sums."""
    cut = plan.batches
    if not isinstance(cut, Batches):
        cut = batches_of((unit.program for unit in plan.units), [one.batch_size for one in plan.programs])
    return PlanHead(
        model=plan.model,
        programs=plan.programs,
        jobs=plan.jobs,
        output=plan.output,
        sources=plan.sources,
        units=len(plan.units),
        stretches=stretches_of(plan.units),
        batch_sizes=cut.sizes,
        batches=None if cut == plan.batches else tuple(plan.batches),
        a_part=A_PART,
        sums=tuple(sums),
        pictures=plan.pictures_digest,
    )


def _with_ranges(asked: Any) -> Any:
    """Return what a job asks for with long ranges of numbers as their ends."""
    if isinstance(asked, dict):
        return {key: _with_ranges(value) for key, value in asked.items()}
    if not isinstance(asked, list):
        return asked
    if len(asked) >= LONG_RANGE and type(asked[0]) is int:
        first, last = asked[0], asked[0] + len(asked) - 1
        if asked == [*range(first, last + 1)]:
            return {RANGE: [first, last]}
    return [_with_ranges(item) for item in asked]


def _without_ranges(written: Any) -> Any:
    """Return what ``_with_ranges`` was given."""
    if isinstance(written, list):
        return [_without_ranges(item) for item in written]
    if not isinstance(written, dict):
        return written
    if written.keys() == {RANGE}:
        first, last = written[RANGE]
        return [*range(first, last + 1)]
    return {key: _without_ranges(value) for key, value in written.items()}


@cache
def _adapter() -> TypeAdapter[PlanHead]:
    return TypeAdapter(PlanHead)
