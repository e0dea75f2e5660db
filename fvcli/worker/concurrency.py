"""Lanes: ascents that run side by side, and what each of them costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Cost:
    """Seconds of wall time and of CPU time (of all threads) that an ascent has to answer for."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def shared(self, among: int) -> Cost:
        """Return the equal part of each of several units."""
        return Cost(self.wall_s / among, self.cpu_s / among)


def time_of_this_process() -> Cost:
    """Return the wall time, from some moment on, and the CPU time that all threads have used."""
    return Cost(time.perf_counter(), time.process_time())


class Ledger:
    """Shares the time of this process out among the ascents that run at each moment.

    TensorFlow computes in threads of its own, so an ascent's CPU time cannot be read off one thread; what
    is certain is how much all of them took between two moments.

    Args:
        now: Tells how much wall time and CPU time there has been.
    """

    def __init__(self, now: Callable[[], Cost] = time_of_this_process) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running: list[Cost] = []
        self._last = Cost()

    @contextmanager
    def account(self) -> Iterator[Cost]:
        """Charge the share of the time inside to a new Cost."""
        cost = Cost()
        with self._lock:
            self._charge()
            self._running.append(cost)
        try:
            yield cost
        finally:
            with self._lock:
                self._charge()
                self._running = [other for other in self._running if other is not cost]

    def _charge(self) -> None:
        now = self._now()
        for cost in self._running:
            cost.wall_s += (now.wall_s - self._last.wall_s) / len(self._running)
            cost.cpu_s += (now.cpu_s - self._last.cpu_s) / len(self._running)
        self._last = now


@dataclass
class Lanes:
    """Runs functions in threads, as many at a time as there are lanes, and one more to finish.

    A function gets the lock of a lane and holds it while it computes, so that what comes after, such as
    encoding and writing, goes on beside the next computation.
    """

    count: int
    _running: set[Future[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.computing = threading.Semaphore(self.count)
        self._pool = ThreadPoolExecutor(self.count + 1)

    @property
    def is_idle(self) -> bool:
        return not self._running

    @property
    def has_room(self) -> bool:
        return len(self._running) <= self.count

    def runs_fewer_than(self, most: int) -> bool:
        """Tell whether one more function may run beside those that do: fewer than there are lanes may fit."""
        return most >= self.count or len(self._running) < most

    def submit(self, function: Callable[[], None]) -> None:
        self._running.add(self._pool.submit(function))

    def wait(self, timeout_s: float) -> None:
        """Wait until a function has ended, or for some time; raise what one of them raised."""
        done, self._running = wait(self._running, timeout_s, FIRST_COMPLETED)
        for future in done:
            future.result()

    def close(self) -> None:
        """Wait until all have ended; what they raise is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
