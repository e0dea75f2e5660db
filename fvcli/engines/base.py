"""What every engine does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fvcli.run import RunFolder
from fvcli.run.work.notes import LEASE_S
from fvcli.run.work.queue import TRIES
from fvcli.run.work.rounds import Round

TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class EngineOptions:
    """How a run is rendered.

    workers: How many processes; None for what this machine is good for.
    threads: How many pictures a worker on a CPU works on at a time; None for its part of the cores.
    gpus_per_worker: How much of a GPU each worker has.
    tries: Deaths of processes at a batch before it is cut in halves.
    timeout_s: For how long a worker may be at a batch without a sign of progress.
    lease_s: For how long a worker without a sign of life is waited for.
    allow_code: Whether the model may be a Python factory.
    mixed: Whether workers may join a run that was begun with something else that may change pictures.
    ray_address: The Ray cluster; None for that of RAY_ADDRESS, or one on this machine.
    """

    workers: int | None = None
    threads: int | None = None
    gpus_per_worker: float = 1.0
    tries: int = TRIES
    timeout_s: float = TIMEOUT_S
    lease_s: float = LEASE_S
    allow_code: bool = False
    mixed: bool = False
    ray_address: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened to a batch; for progress, never for deciding what is done.

    units: how many units of the batch are rendered, counting parts of those that are being rendered.
    counts: of a batch that is done, its units by status.
    remarks: what to tell.
    detail: what is compiled.
    """

    batch: int
    state: Literal["compiling", "started", "progress", "done", "lost", "waiting", "over"]
    where: str = ""
    units: float = 0.0
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    detail: str = ""


class Engine(Protocol):
    """Renders a round of a run; closing the iterator stops it, and what is committed stays."""

    name: str

    def run(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]: ...
