"""Lanes and the ledger of what runs in them, with functions that only sleep and compute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from fvcli.worker.concurrency import Cost, Lanes, Ledger, time_of_this_process


def compute(seconds: float) -> None:
    """Use CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


def drain(lanes: Lanes) -> None:
    while not lanes.is_idle:
        lanes.wait(1.0)


# ---- the ledger


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.wall_s, self.cpu_s = 1000.0, 50.0

    def __call__(self) -> Cost:
        return Cost(self.wall_s, self.cpu_s)

    def passes(self, wall_s: float, cpu_s: float = 0.0) -> None:
        self.wall_s += wall_s
        self.cpu_s += cpu_s


def test_one_account_gets_all_of_the_time() -> None:
    clock = Clock()
    with Ledger(clock).account() as cost:
        clock.passes(2.0, cpu_s=3.0)
    assert cost == Cost(2.0, 3.0)


def test_shares_add_up_to_the_whole() -> None:
    """Accounts that overlap in part are charged in part: alone, two together, the other one alone."""
    clock = Clock()
    ledger = Ledger(clock)
    first, second = ledger.account(), ledger.account()
    of_first = first.__enter__()
    clock.passes(1.0, cpu_s=2.0)
    of_second = second.__enter__()
    clock.passes(4.0, cpu_s=8.0)
    first.__exit__(None, None, None)
    clock.passes(16.0, cpu_s=32.0)
    second.__exit__(None, None, None)
    assert (of_first, of_second) == (Cost(3.0, 6.0), Cost(18.0, 36.0))


def test_nested_accounts_halve_what_they_share() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    with ledger.account() as outer:
        clock.passes(1.0)
        with ledger.account() as inner:
            clock.passes(4.0)
        clock.passes(16.0)
    assert (outer.wall_s, inner.wall_s) == (19.0, 2.0)


def test_time_between_accounts_is_nobodys() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    clock.passes(1.0, cpu_s=1.0)
    with ledger.account() as first:
        clock.passes(2.0, cpu_s=2.0)
    clock.passes(4.0, cpu_s=4.0)
    with ledger.account() as second:
        clock.passes(8.0, cpu_s=8.0)
    assert (first, second) == (Cost(2.0, 2.0), Cost(8.0, 8.0))


def test_an_account_ends_with_an_error_too() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    costs = []

    def fails() -> None:
        with ledger.account() as cost:
            costs.append(cost)
            clock.passes(1.0)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fails()
    with ledger.account():
        clock.passes(2.0)
    assert costs == [Cost(1.0, 0.0)]


def test_the_clock_is_that_of_all_threads_of_this_process() -> None:
    ledger, before = Ledger(), time_of_this_process()
    with ledger.account() as cost:
        thread = threading.Thread(target=compute, args=(0.05,))
        thread.start()
        thread.join()
    after = time_of_this_process()
    assert 0.04 < cost.cpu_s <= after.cpu_s - before.cpu_s
    assert 0.0 < cost.wall_s <= after.wall_s - before.wall_s


def test_a_cost_is_shared_equally() -> None:
    assert Cost(3.0, 6.0).shared(3) == Cost(1.0, 2.0)


# ---- lanes


@pytest.mark.parametrize("count", [1, 2, 3])
def test_lanes_climb_in_parallel_and_no_more_than_there_are(count: int) -> None:
    """With a barrier of as many as there are lanes: it breaks unless all of them climb at once."""
    lanes, barrier = Lanes(count), threading.Barrier(count)
    lock, climbing, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal climbing, most
        with lanes.computing:
            with lock:
                climbing += 1
                most = max(most, climbing)
            barrier.wait(timeout=10)
            time.sleep(0.01)
            with lock:
                climbing -= 1

    for _ in range(4 * count):
        lanes.submit(work)
    drain(lanes)
    lanes.close()
    assert most == count


def test_what_comes_after_a_climb_goes_on_beside_the_next_one() -> None:
    lanes, climbs = Lanes(1), threading.Event()

    def first() -> None:
        with lanes.computing:
            pass
        assert climbs.wait(timeout=10)

    def second() -> None:
        with lanes.computing:
            climbs.set()

    lanes.submit(first)
    lanes.submit(second)
    drain(lanes)
    lanes.close()


def test_there_is_room_for_one_more_than_there_are_lanes() -> None:
    lanes, go = Lanes(2), threading.Event()
    assert lanes.is_idle
    submitted = 0
    while lanes.has_room:
        lanes.submit(lambda: go.wait(timeout=10) and None)
        submitted += 1
    assert submitted == 3
    began = time.perf_counter()
    lanes.wait(0.05)
    assert 0.04 < time.perf_counter() - began < 5.0
    assert not lanes.has_room
    go.set()
    while not lanes.has_room:
        lanes.wait(5.0)
    drain(lanes)
    lanes.close()


def failing(started: threading.Event) -> Callable[[], None]:
    def work() -> None:
        started.set()
        raise OSError("no space left")

    return work


def test_waiting_raises_what_a_function_raised() -> None:
    lanes, started = Lanes(2), threading.Event()
    lanes.submit(failing(started))
    with pytest.raises(OSError, match="no space left"):
        drain(lanes)
    lanes.submit(lambda: None)  # and goes on, if somebody wants it to
    drain(lanes)
    lanes.close()


def test_closing_waits_and_raises_nothing() -> None:
    lanes, started, ended = Lanes(1), threading.Event(), threading.Event()

    def slow() -> None:
        time.sleep(0.1)
        ended.set()

    lanes.submit(slow)
    lanes.submit(failing(started))
    lanes.close()
    assert ended.is_set()


def test_fewer_run_at_a_time_than_there_are_lanes_where_no_more_fit() -> None:
    lanes, over = Lanes(2), threading.Event()
    try:
        assert lanes.runs_fewer_than(1)
        lanes.submit(over.wait)
        assert not lanes.runs_fewer_than(1)
        assert lanes.runs_fewer_than(2)
        assert lanes.runs_fewer_than(9)
        lanes.submit(over.wait)
        assert lanes.runs_fewer_than(2)  # the one more that saves while others compute
    finally:
        over.set()
        lanes.close()
