"""What every engine does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fvcli.run import RunFolder


@dataclass(frozen=True)
class EngineOptions:
    """What a run was asked for.

    only: paths of the units to restrict the batches to, or None for all of them.
    allow_code: whether the model may be a Python factory.
    """

    only: frozenset[str] | None = None
    allow_code: bool = False


@dataclass(frozen=True)
class Event:
    """Something that happened to a batch; for progress, never for deciding what is done.

    units: how many units of the batch are rendered, counting parts of those that are being rendered.
    counts: of a batch that is done, its units by status.
    """

    batch: int
    state: Literal["started", "progress", "done"]
    where: str = ""
    units: float = 0.0
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


class Engine(Protocol):
    """Runs batches; closing the iterator stops it, and what is committed stays."""

    name: str

    def run(self, run: RunFolder, batches: Sequence[int], options: EngineOptions) -> Iterator[Event]: ...
