"""What one ascent takes: groups of units, of one batch or, on a GPU, of several."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fvcli.errors import counted
from fvcli.plan import Unit
from fvcli.run.sidecar import OTHER, Record
from fvcli.run.work.notes import now_utc
from fvcli.run.work.queue import Claim

TWICE = "{} was rendered by two workers, with other pixels each; the first is kept. Are they of one kind?"
LEFT = "{} left to other workers, because of an error that may be this computer's: {}"


@dataclass(eq=False)
class Batch:
    """A batch that is being rendered.

    missing: Paths of its units that are to be committed.
    shares: How much of each group's is done, by the first unit's path.
    left: Units that met an error and are left to other workers, and why.
    """

    claim: Claim
    began: float = field(default_factory=time.perf_counter)
    shares: dict[str, float] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    left: list[Unit] = field(default_factory=list)
    why_left: str = ""
    is_begun: bool = False
    since: str = field(default_factory=now_utc)

    def __post_init__(self) -> None:
        self.missing = frozenset(unit.path for unit in self.claim.units)

    @property
    def number(self) -> int:
        return self.claim.batch

    @property
    def is_done(self) -> bool:
        return len(self.records) + len(self.left) == len(self.missing)

    @property
    def units_done(self) -> float:
        """How many units are done, with the parts of those that are begun."""
        return sum(self.shares.values())

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(record.status for record in self.records))

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    @property
    def told(self) -> tuple[str, ...]:
        """What is to be told of it."""
        twice = [TWICE.format(record.stem) for record in self.records if record.again == OTHER]
        left = LEFT.format(counted(len(self.left), "unit"), self.why_left)
        return (*self.remarks, *twice, *([left] if self.left else []))


@dataclass(frozen=True)
class Group:
    """Units of a batch that are optimised together, mostly one."""

    batch: Batch
    units: tuple[Unit, ...]

    @property
    def missing(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit.path in self.batch.missing)


@dataclass(frozen=True)
class Task:
    """The groups of one ascent, all of one program."""

    groups: tuple[Group, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(unit for group in self.groups for unit in group.units)

    @property
    def program(self) -> int:
        return self.groups[0].units[0].program

    @property
    def batches(self) -> tuple[Batch, ...]:
        return tuple(dict.fromkeys(group.batch for group in self.groups))

    def heed(self, share: float) -> None:
        """Note how much of the ascent is done."""
        for group in self.groups:
            group.batch.shares[group.units[0].path] = share * len(group.missing)


def cut(groups: Sequence[Group], size: int) -> Iterator[Task]:
    """Make tasks of groups of one program, of which each ascent takes as many as its size holds."""
    if groups:
        count = max(1, size // len(groups[0].units))
        yield from (Task(tuple(groups[i : i + count])) for i in range(0, len(groups), count))
