"""Which units are rendered together: the units of each program, in order, cut into batches of its size."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

Batch = tuple[int, ...]


class Batches(Sequence[Batch]):
    """The batches of a plan, each a tuple of positions in its units. A batch is worked out when asked for.

    Args:
        places: For each program the ranges of positions of its units, in order.
        sizes: For each program how many units a batch has; the last batch of a program may have fewer.
    """

    def __init__(self, places: Sequence[Sequence[range]], sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self._places = [_joined(ranges) for ranges in places]
        self._units_before = [[0, *itertools.accumulate(map(len, ranges))] for ranges in self._places]
        counts = (-(-sums[-1] // size) for sums, size in zip(self._units_before, sizes, strict=True))
        self._batches_before = [0, *itertools.accumulate(counts)]

    def __len__(self) -> int:
        return self._batches_before[-1]

    @overload
    def __getitem__(self, number: int) -> Batch: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Batch, ...]: ...
    def __getitem__(self, number: int | slice) -> Batch | tuple[Batch, ...]:
        if isinstance(number, slice):
            return tuple(self[i] for i in range(*number.indices(len(self))))
        if not -len(self) <= number < len(self):
            raise IndexError(f"there is no batch {number} of {len(self)}")
        number %= len(self)
        program = self.program_of(number)
        first = (number - self._batches_before[program]) * self.sizes[program]
        return tuple(itertools.islice(self._positions(program, first), self.sizes[program]))

    def program_of(self, number: int) -> int:
        """Return which program a batch is of."""
        return bisect_right(self._batches_before, number) - 1

    def _positions(self, program: int, first: int) -> Iterator[int]:
        """Yield the positions of a program's units from its first-th on."""
        sums, ranges = self._units_before[program], self._places[program]
        begin = bisect_right(sums, first) - 1
        yield from ranges[begin][first - sums[begin] :]
        yield from itertools.chain.from_iterable(itertools.islice(ranges, begin + 1, None))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Batches) and (self.sizes, self._places) == (other.sizes, other._places):
            return True
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it is equal to tuples, whose hash would need all batches

    def __repr__(self) -> str:
        return f"Batches({tuple(self)!r})"


def batches_of(programs: Iterable[int], sizes: Sequence[int]) -> Batches:
    """Cut the units of each program, in order, into batches of at most its size.

    Args:
        programs: The program of each unit.
        sizes: For each program how many units a batch has.
    """
    places: list[list[range]] = [[] for _ in sizes]
    begin = 0
    for program, group in itertools.groupby(programs):
        end = begin + sum(1 for _ in group)
        places[program].append(range(begin, end))
        begin = end
    return Batches(places, sizes)


def _joined(ranges: Iterable[range]) -> list[range]:
    """Return ranges so that those that follow on each other are one."""
    found: list[range] = []
    for some in ranges:
        if found and found[-1].stop == some.start:
            found[-1] = range(found[-1].start, some.stop)
        elif some:
            found.append(some)
    return found
