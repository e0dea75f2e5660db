"""The units of a large plan, which are read in parts, when they are asked for.

units      0 ........ 4999 | 5000 ...... 9999 | ...     parts, each a file of its own
stretches  a a a a a a b b b b b b b b b b c c c ...    what neighbours share, in the plan's head
"""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, overload

from fvcli.plan.data import Unit

KEPT_PARTS = 4


@dataclass(frozen=True)
class Stretch:
    """What some units share that stand one after the other; see ``Unit``."""

    count: int
    job: str
    program: int
    objective: str
    sign: int
    folder: str = ""


def stretches_of(units: Iterable[Unit]) -> tuple[Stretch, ...]:
    """Return what neighbours share, in the order of the units."""
    shared = ((unit.job, unit.program, unit.objective, unit.sign, unit.folder) for unit in units)
    return tuple(Stretch(sum(1 for _ in group), *values) for values, group in itertools.groupby(shared))


class Digests(NamedTuple):
    """What tells units of two plans apart without a look at them; see ``Plan``."""

    pictures: str
    contents: str


class Place(NamedTuple):
    """Where a unit stands: its job, its place below the folder of units, and its key."""

    job: str
    stem: str
    key: str

    @property
    def path(self) -> str:
        """Its job/unit."""
        return f"{self.job}/{self.stem.rpartition('/')[2]}"


class UnitParts:
    """The parts of a plan's units. The latest that were asked for are kept.

    Args:
        stretches: What neighbours share.
        a_part: How many units a part has; the last may have fewer.
        digests: Of all units.
        load: Returns a part by its number, given what its units share.
        load_names: Returns name and key of the units of a part, which is quicker.
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        a_part: int,
        digests: Digests,
        load: Callable[[int, Sequence[Stretch]], Sequence[Unit]],
        load_names: Callable[[int], Sequence[tuple[str, str]]] | None = None,
    ) -> None:
        self.stretches = tuple(stretches)
        self.a_part = a_part
        self.digests = digests
        self._ends = list(itertools.accumulate(stretch.count for stretch in stretches))
        self._load = load
        self._load_names = load_names or self._names_of_units
        self._kept: dict[int, Sequence[Unit]] = {}
        self._lock = threading.Lock()  # lanes of a worker ask at the same time

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def part(self, number: int) -> Sequence[Unit]:
        """Return a part, the first is 0."""
        with self._lock:
            found = self._kept.pop(number, None)
            if found is None:
                found = self._load(number, self._shared_in(number))
            self._kept[number] = found
            while len(self._kept) > KEPT_PARTS:
                del self._kept[next(iter(self._kept))]
            return found

    def kept(self) -> list[tuple[int, Sequence[Unit]]]:
        """Return the parts that need not be loaded, with their numbers, the latest first."""
        with self._lock:
            return list(reversed(self._kept.items()))

    def places(self) -> Iterator[Place]:
        """Yield where all units stand, in order."""
        for number in range(-(-len(self) // self.a_part)):
            names = iter(self._load_names(number))
            for shared in self._shared_in(number):
                folder = f"{shared.job}/{shared.folder}/" if shared.folder else f"{shared.job}/"
                for name, key in itertools.islice(names, shared.count):
                    yield Place(shared.job, folder + name, key)

    def _names_of_units(self, number: int) -> Sequence[tuple[str, str]]:
        return [(unit.name, unit.key) for unit in self.part(number)]

    def _shared_in(self, number: int) -> list[Stretch]:
        """Return what the units of a part share: stretches, cut where the part begins and ends."""
        begin, end = number * self.a_part, min(len(self), (number + 1) * self.a_part)
        found = []
        while begin < end:
            i = bisect_right(self._ends, begin)
            one, stop = self.stretches[i], min(end, self._ends[i])
            found.append(Stretch(stop - begin, one.job, one.program, one.objective, one.sign, one.folder))
            begin = stop
        return found

    @cached_property
    def jobs(self) -> Mapping[str, list[range]]:
        """The positions of each job's units."""
        found: dict[str, list[range]] = {}
        for end, stretch in zip(self._ends, self.stretches, strict=True):
            ranges = found.setdefault(stretch.job, [])
            begin = end - stretch.count
            if ranges and ranges[-1].stop == begin:
                begin = ranges.pop().start
            ranges.append(range(begin, end))
        return found


def places_of(units: Iterable[Unit]) -> Iterator[Place]:
    """Yield where units stand."""
    return (Place(unit.job, unit.stem, unit.key) for unit in units)


class PartedUnits(Sequence[Unit]):
    """Units that are read in parts, or those of them at some positions.

    Args:
        parts: Of all units of the plan.
        positions: Which of them; all by default.
    """

    def __init__(self, parts: UnitParts, positions: range | None = None) -> None:
        self._parts = parts
        self._positions = range(len(parts)) if positions is None else positions

    @property
    def digests(self) -> Digests | None:
        """Those of all units of the plan, if it has all of them in their order."""
        return self._parts.digests if self._positions == range(len(self._parts)) else None

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, place: int) -> Unit: ...
    @overload
    def __getitem__(self, place: slice) -> PartedUnits: ...
    def __getitem__(self, place: int | slice) -> Unit | PartedUnits:
        if isinstance(place, slice):
            return PartedUnits(self._parts, self._positions[place])
        number, inside = divmod(self._positions[place], self._parts.a_part)
        return self._parts.part(number)[inside]

    def __iter__(self) -> Iterator[Unit]:
        for number, places in itertools.groupby(self._positions, lambda place: place // self._parts.a_part):
            part = self._parts.part(number)
            begin = number * self._parts.a_part
            yield from (part[place - begin] for place in places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it is equal to tuples, whose hash would need all units

    def places(self) -> Iterator[Place]:
        """Yield where the units stand, in order."""
        whole = self._positions == range(len(self._parts))
        return self._parts.places() if whole else places_of(self)

    def place_of(self, path: str) -> int:
        """Return the position of a unit by its path; quick if it was asked for shortly before.

        Raises:
            ValueError: There is none.
        """
        kept = ((number, part) for number, part in self._parts.kept())
        others = ((number, self._parts.part(number)) for number in self._numbers())
        for number, part in itertools.chain(kept, others):
            for inside, unit in enumerate(part):
                if unit.path == path:
                    return self._positions.index(number * self._parts.a_part + inside)
        raise ValueError(f"{path} is no unit of the plan")

    def _numbers(self) -> range:
        """Return the numbers of the parts that it has units in."""
        if not self._positions:
            return range(0)
        first, last = sorted((self._positions[0], self._positions[-1]))
        return range(first // self._parts.a_part, last // self._parts.a_part + 1)

    def of_job(self, job: str) -> Sequence[Unit]:
        """Return the units of a job of the plan, in order."""
        ranges = self._parts.jobs.get(job, [])
        if len(ranges) == 1:
            return PartedUnits(self._parts, ranges[0])
        return [unit for places in ranges for unit in PartedUnits(self._parts, places)]
