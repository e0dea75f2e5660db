"""What a worker tells of its work, for progress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Compiling:
    """A program is compiled, which may take a minute; what for."""

    what: str


@dataclass(frozen=True)
class BatchStarted:
    """The first units of a batch are begun."""

    batch: int


@dataclass(frozen=True)
class StepsDone:
    """So many of the batch's units are done, counting parts of those that are begun."""

    batch: int
    units: float


@dataclass(frozen=True)
class BatchDone:
    """The batch is finished; counts by status, and what to tell beside the errors in the sidecars."""

    batch: int
    counts: dict[str, int]
    seconds: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Nothing is free; other workers are at the batches that are left."""

    batches: tuple[int, ...]


Said = Compiling | BatchStarted | StepsDone | BatchDone | Waiting
