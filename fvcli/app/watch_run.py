"""Look at a run again and again while others render it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcli.app.read_status import read_status
from fvcli.run import RunStatus

WINDOW_S = 120.0  # over which the pace is measured
SHARE = 4  # a look may take a quarter of the time, not more


@dataclass(frozen=True)
class Seen:
    """One look at a run, and the pace since earlier ones, or, at first, as workers tell it."""

    status: RunStatus
    units_a_minute: float

    def to_dict(self) -> dict[str, Any]:
        rate = self.units_a_minute
        left_s = round(60 * self.status.left / rate, 1) if rate else None
        return {**self.status.to_dict(), "units_a_minute": round(rate, 2), "seconds_left": left_s}


def watch_run(path: Path, every_s: float) -> Iterator[Seen]:
    """Yield the state of a run until nothing is left of what was asked for.

    Args:
        path: The run's folder.
        every_s: How often to look; a look at a large run takes longer, and then the pauses are longer too.

    Raises:
        UsageError: There is no run.
    """
    looks: deque[tuple[float, int]] = deque()
    while True:
        began = time.monotonic()
        status = read_status(path)
        looks.append((began, status.left))
        while began - looks[0][0] > WINDOW_S:
            looks.popleft()
        yield Seen(status, _pace(looks) or status.units_a_minute)
        if status.is_over:
            return
        took_s = time.monotonic() - began
        time.sleep(max(every_s - took_s, took_s * (SHARE - 1)))


def _pace(looks: deque[tuple[float, int]]) -> float:
    (first_s, first_left), (last_s, last_left) = looks[0], looks[-1]
    rendered = first_left - last_left
    return 60.0 * rendered / (last_s - first_s) if rendered > 0 else 0.0
