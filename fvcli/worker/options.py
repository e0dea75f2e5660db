"""How a worker works."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fvcli.run.work.notes import LEASE_S
from fvcli.run.work.queue import TRIES


@dataclass(frozen=True)
class WorkerOptions:
    """See above.

    allow_code: Whether the model may be a Python factory.
    mixed: Whether a worker may join a run that was begun with something else that may change pictures.
    threads: How many pictures a CPU works on at a time; None for one a core.
    tries: Deaths of processes at a batch before it is cut in halves.
    lease_s: For how long a worker without a sign of life is waited for.
    timeout_s: For how long a worker may be at a batch without coming on, and still give signs of life.
    """

    allow_code: bool = False
    mixed: bool = False
    threads: int | None = None
    tries: int = TRIES
    lease_s: float = LEASE_S
    timeout_s: float = math.inf
