"""How much is done, as a worker sees it that is not alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.render_log import RenderLog
from fvcli.app.units_done import UnitsDone, _costs
from fvcli.engines import Event
from fvcli.plan.cost import unit_cost
from fvcli.run import RunFolder
from fvcli.run.work.journal import Journal
from fvcli.run.work.rounds import begin_round
from tests.helpers.painting import begun_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begun_run(tmp_path / "run")


def done(batch: int, units: int) -> Event:
    return Event(batch, "done", "easel", units=units, counts={"done": units}, seconds=1.0)


def test_what_other_workers_finished_is_counted(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.app.units_done.SHARE", 0)
    round_ = begin_round(run.path, run.plan)
    earlier = begin_round(run.path, run.plan)
    Journal(run.path, "other", earlier).add(3, 0.0, ())  # before: it was asked for once more
    units, log = UnitsDone(run, round_.missing_in(run.plan)), RenderLog(run, round_.missing_in(run.plan))
    units.heed(done(0, 2))
    assert (units.all, units.own, units.counted) == (2, 2, "2/7 units")
    other = Journal(run.path, "other", round_)
    other.add(1, 0.0, ())
    other.add(2, 0.0, (), is_part=True)
    units.heed(Event(-1, "waiting"))
    assert (units.all, units.batches_done) == (4, 2)
    units.heed(done(3, 1))
    assert units.counted == "5/7 units, 3 of them by this command"
    assert (units.is_whole(0), units.is_whole(3)) == (True, False)
    other.add(3, 0.0, ())
    other.add(2, 0.0, ())
    units.heed(done(3, 1))
    assert (units.all, units.batches_done, units.counted) == (7, 4, "7/7 units, 4 of them by this command")
    (line,) = log.lines(done(0, 2))
    assert line.startswith("batch 4/4 edges: 2 done in 1.0 s on easel (7/7 units, 2 of them by this command")
    assert line.endswith(" units/min)")


def test_looking_takes_a_small_part_of_the_time(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.app.units_done.SHARE", 1e9)
    units = UnitsDone(run, {0: 2, 1: 2})
    units.heed(Event(-1, "waiting"))
    Journal(run.path, "other", begin_round(run.path, run.plan)).add(1, 0.0, ())
    units.heed(done(0, 2))
    assert units.all == 2


def test_the_rest_takes_as_long_as_its_multiplications(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dearest layers come first, so a unit of theirs says little of the others."""
    clock = [100.0]
    monkeypatch.setattr("fvcli.app.units_done.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("fvcli.app.units_done._costs", lambda run, batches: {0: 9.0, 1: 3.0, 2: 1.0})
    units = UnitsDone(run, {0: 2, 1: 2, 2: 2})
    clock[0] += 90.0
    units.heed(done(0, 2))
    assert units.minutes_left == pytest.approx(1.5 * 8 / 18)
    clock[0] += 30.0
    units.heed(done(1, 1))
    assert units.minutes_left == pytest.approx(2.0 * 5 / 21)


def test_costs_are_those_of_the_programs(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, facts = range(len(run.plan.batches)), run.facts()
    assert facts is not None
    assert _costs(run, numbers) == {i: unit_cost(run.plan.program_of(i), facts) for i in numbers}
    monkeypatch.setattr(run, "facts", lambda: None)  # as of an early fvcli
    assert _costs(run, numbers) == dict.fromkeys(numbers, 1.0)
