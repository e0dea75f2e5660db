"""A run is looked at again and again while others render it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from fvcli.app import watch_run as module
from fvcli.app.watch_run import watch_run
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from fvcli.run.process import this_process
from fvcli.run.work.notes import WORKER, Note, write_note
from tests.helpers.painting import begun_run, paint


class Clock:
    """Time passes only where somebody waits; and then something may happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.then: deque[Callable[[], object]] = deque()
        self.a_look_s = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        if self.then:
            self.then.popleft()()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found, real = Clock(), module.read_status

    def slow(path: Path) -> object:
        found.now += found.a_look_s
        return real(path)

    monkeypatch.setattr(module, "time", found)
    monkeypatch.setattr(module, "read_status", slow)
    return found


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begun_run(tmp_path / "run")


def paints(run: RunFolder, *units: int, status: str = "done") -> Callable[[], object]:
    return lambda: [paint(run, run.plan.units[i], status=status) for i in units]


def test_it_ends_when_nothing_is_left(run: RunFolder, clock: Clock) -> None:
    """Failed units are none that are left."""
    clock.then += [paints(run, 0, 1, 2), lambda: None, paints(run, 3, 4, 5), paints(run, 6, status="failed")]
    looks = list(watch_run(run.path, 30.0))
    assert [look.status.left for look in looks] == [7, 4, 4, 1, 0]
    assert [look.units_a_minute for look in looks] == [0.0, 6.0, 3.0, 4.0, 3.5]
    assert [look.to_dict()["seconds_left"] for look in looks] == [None, 40.0, 80.0, 15.0, 0.0]
    assert clock.waits == [30.0] * 4


def test_the_pace_is_that_of_the_last_two_minutes(run: RunFolder, clock: Clock) -> None:
    clock.then += [paints(run, 0, 1, 2), paints(run, 3), lambda: None, lambda: None, paints(run, 4, 5, 6)]
    looks = list(watch_run(run.path, 60.0))
    assert [look.units_a_minute for look in looks] == [0.0, 3.0, 2.0, 0.5, 0.0, 1.5]


def test_at_first_the_pace_is_what_workers_tell(run: RunFolder, clock: Clock) -> None:
    write_note(run.path, Note("a", this_process(), "2026-01-01", role=WORKER, done=10, busy_s=60.0))
    clock.then += [paints(run, 0, 1), paints(run, 2, 3, 4, 5, 6)]
    looks = list(watch_run(run.path, 60.0))
    assert [look.units_a_minute for look in looks] == [10.0, 2.0, 3.5]
    told = looks[0].to_dict()
    assert (told["units_a_minute"], told["seconds_left"], told["units"]) == (10.0, 42.0, 7)


def test_a_look_takes_at_most_a_quarter_of_the_time(run: RunFolder, clock: Clock) -> None:
    clock.a_look_s = 0.5
    clock.then += [lambda: None, paints(run, *range(7))]
    list(watch_run(run.path, 10.0))
    assert clock.waits == [9.5, 9.5]
    clock.waits.clear()
    for unit in run.plan.units:
        run.json(unit).unlink()
    clock.a_look_s = 5.0
    clock.then += [paints(run, *range(7))]
    list(watch_run(run.path, 10.0))
    assert clock.waits == [15.0]


def test_a_run_that_is_done_is_looked_at_once(run: RunFolder, clock: Clock) -> None:
    paints(run, *range(7))()
    (look,) = watch_run(run.path, 1.0)
    assert (look.status.left, look.units_a_minute, look.to_dict()["seconds_left"]) == (0, 0.0, None)
    assert clock.waits == []


def test_there_must_be_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run here"):
        next(watch_run(tmp_path, 1.0))
