"""Lanes and the ledger of what runs in them, with functions that only sleep and compute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from fvcli.worker.concurrency import Cost, Lanes, Ledger


def compute(seconds: float) -> None:
    """Use CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


def drain(lanes: Lanes) -> None:
    while not lanes.is_idle:
        lanes.wait(1.0)


# ---- the ledger


def test_one_account_gets_all_of_the_time() -> None:
    ledger = Ledger()
    cpu, wall = time.process_time(), time.perf_counter()
    with ledger.account() as cost:
        compute(0.05)
        time.sleep(0.05)
    assert 0.05 <= cost.cpu_s <= time.process_time() - cpu
    assert 0.1 <= cost.wall_s <= time.perf_counter() - wall


def test_shares_add_up_to_the_whole() -> None:
    """Accounts that overlap in part are charged in part; together no more than there was."""
    ledger, costs = Ledger(), []

    def work(delay: float) -> None:
        time.sleep(delay)
        with ledger.account() as cost:
            compute(0.1)
        costs.append(cost)

    cpu, wall = time.process_time(), time.perf_counter()
    threads = [threading.Thread(target=work, args=(0.02 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert all(cost.cpu_s > 0.0 for cost in costs)
    # what was used before the first account and after the last one is nobody's
    assert cpu - 0.05 < sum(cost.cpu_s for cost in costs) <= cpu
    assert wall - 0.5 < sum(cost.wall_s for cost in costs) <= wall


def test_nested_accounts_halve_what_they_share() -> None:
    ledger = Ledger()
    with ledger.account() as outer:
        time.sleep(0.1)
        with ledger.account() as inner:
            time.sleep(0.1)
    assert inner.wall_s > 0.05 * 0.99
    assert outer.wall_s == pytest.approx(0.1 + inner.wall_s, abs=0.05)


def test_time_between_accounts_is_nobodys() -> None:
    ledger = Ledger()
    with ledger.account() as first:
        pass
    time.sleep(0.1)
    with ledger.account() as second:
        pass
    assert first.wall_s + second.wall_s < 0.05


def test_an_account_ends_with_an_error_too() -> None:
    ledger = Ledger()
    with pytest.raises(ValueError, match="broken"), ledger.account() as cost:
        raise ValueError("broken")
    charged = cost.wall_s
    with ledger.account():
        time.sleep(0.05)
    assert cost.wall_s == charged


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
