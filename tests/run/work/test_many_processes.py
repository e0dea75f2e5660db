"""Several processes in one run, and processes that are killed at any moment."""

from __future__ import annotations

import errno
import fcntl
import json
import random
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from fvcli.app.plan_spec import PlannedSpec
from fvcli.engines import EngineOptions
from fvcli.plan import Unit
from fvcli.run import RunFolder, run_status
from fvcli.run import folder as folder_module
from fvcli.run.finished import Finished, finished_at
from fvcli.run.sidecar import Record
from fvcli.run.work.attempts import Attempt, attempts_of, latest_attempts, make_attempt
from fvcli.run.work.journal import Journal
from fvcli.run.work.queue import WorkQueue
from fvcli.run.work.rounds import begin_round
from tests.helpers.painters import FORKS, Painter, paint_once, start_painter
from tests.helpers.painting import paint
from tests.helpers.running import pictures, sidecars

RACERS, ROUNDS = 8, 200
QUICK = EngineOptions(lease_s=0.5, tries=50)  # more tries than processes are killed


def race(run: Path, name: str, start: Barrier) -> None:
    start.wait()
    won = [batch for batch in range(ROUNDS) if make_attempt(run, Attempt(batch, 1, name))]
    (run / f"{name}.json").write_text(json.dumps(won))


def test_of_processes_that_claim_a_batch_exactly_one_wins(tmp_path: Path) -> None:
    start = FORKS.Barrier(RACERS)
    names = [f"racer-{i}" for i in range(RACERS)]
    racers = [FORKS.Process(target=race, args=(tmp_path, name, start)) for name in names]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    won = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in names}
    assert sorted(batch for batches in won.values() for batch in batches) == list(range(ROUNDS))
    for name, batches in won.items():
        assert all(attempts_of(tmp_path, batch) == [Attempt(batch, 1, name)] for batch in batches)


def paint_batch(path: Path, batch: int, start: Barrier) -> None:
    run = RunFolder.read(path)
    for unit in run.plan.units_of(batch):
        start.wait()
        paint_once(run, unit)


def test_two_processes_on_one_batch_leave_each_picture_once(run: RunFolder) -> None:
    start = FORKS.Barrier(2)
    both = [FORKS.Process(target=paint_batch, args=(run.path, batch, start)) for batch in (0, 0)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    units = run.plan.units_of(0)
    files = sorted(path.name for path in (run.path / "units/a").iterdir())
    assert files == ["channel-0000.json", "channel-0000.png", "channel-0001.json", "channel-0001.png"]
    assert all(run.is_finished(unit) for unit in units)


class Killed(BaseException):
    """Nothing comes after it."""


def test_a_late_process_that_is_killed_takes_no_picture_away(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked before another committed the unit, and dies before it has written it itself."""
    unit = run.plan.units[0]

    def look_then_another_commits(units: Path, path: str) -> Finished | None:
        found = finished_at(units, path)
        monkeypatch.undo()
        paint_once(run, unit)
        monkeypatch.setattr(folder_module, "write_atomic", killed)
        return found

    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(folder_module, "finished_at", look_then_another_commits)
    with pytest.raises(Killed):
        paint_once(run, unit)
    monkeypatch.undo()
    assert run.is_finished(unit)


def test_a_failure_goes_before_the_picture_is_written(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = run.plan.units[0]
    paint_once(run, unit, "failed")
    seen: list[bool] = []
    real = folder_module.write_atomic

    def write(path: Path, content: bytes) -> None:
        seen.append(run.json(unit).exists())
        real(path, content)

    monkeypatch.setattr(folder_module, "write_atomic", write)
    paint_once(run, unit)
    assert seen == [False, False]
    assert run.is_finished(unit)


def test_a_failure_never_replaces_what_another_worker_finishes_meanwhile(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = run.plan.units[0]
    real = folder_module.finished_at

    def look(units: Path, stem: str) -> Finished | None:
        found = real(units, stem)
        monkeypatch.setattr(folder_module, "finished_at", real)
        paint_once(run, unit)  # right after this look, before the failure is written
        return found

    monkeypatch.setattr(folder_module, "finished_at", look)
    record = paint_once(run, unit, "failed")
    assert (record.status, record.again) == ("done", "equal")
    assert run.is_finished(unit)


@pytest.mark.parametrize(("value", "again"), [(None, "equal"), (7, "other")])
def test_what_is_rendered_twice_is_counted(run: RunFolder, value: int | None, again: str) -> None:
    """The first worker was slow, and its batch was taken over."""
    round_ = begin_round(run.path, run.plan, [0])
    slow, other = (WorkQueue(run, round_, name, lease_s=0.0) for name in ("slow", "other"))
    claims = {"slow": slow.take(), "other": other.take()}
    for name in ("other", "slow"):
        claim = claims[name]
        assert claim is not None
        records = [paint_late(run, unit, value if name == "slow" else None) for unit in claim.units]
        Journal(run.path, name, round_).add(0, 0.0, records)
    assert [record.again for record in records] == [again, again]
    status = run_status(run)
    assert (status.twice, status.counts["done"]) == (2, 2)
    assert status.to_dict()["rendered_twice"] == 2
    kept = [sidecar["pixel_sha256"] for sidecar in sidecars(run.path).values()]
    assert len(set(kept)) == 2  # those of the other worker


def paint_late(run: RunFolder, unit: Unit, value: int | None) -> Record:
    return paint_once(run, unit) if value is None else paint(run, unit, value, anew=False)


def test_what_a_killed_process_was_at_is_free_at_once(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    process = start_painter(run.path, round_, Painter(pause_s=600), EngineOptions())
    wait_for(lambda: len(attempts_of(run.path, 0, 1)) == 1)
    queue = WorkQueue(run, round_, "me", lease_s=600)
    assert queue.take() is None
    process.kill()
    process.join(10)
    queue.lease_s = 0.0  # look at once
    claim = queue.take()
    assert claim is not None
    assert (claim.batch, claim.attempt.number) == (0, 2)


def test_workers_that_are_killed_at_any_moment_lose_nothing(
    run: RunFolder, planned: PlannedSpec, tmp_path: Path
) -> None:
    rng = random.Random(0)
    round_ = begin_round(run.path, run.plan)
    painter = Painter(pause_s=0.02)
    workers = [start_painter(run.path, round_, painter, QUICK) for _ in range(3)]
    for _ in range(12):
        time.sleep(rng.uniform(0.0, 0.12))
        victim = workers.pop(rng.randrange(len(workers)))
        victim.kill()
        victim.join(10)
        workers.append(start_painter(run.path, round_, painter, QUICK))
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    status = run_status(run)
    assert (status.counts["done"], status.counts["failed"], status.left) == (19, 0, 0)
    assert status.batches == {"done": 10, "running": 0, "lost": 0, "pending": 0}
    assert len(sidecars(run.path)) == len(pictures(run.path)) == 19
    assert max(latest_attempts(run.path).values()) > 1
    with RunFolder.begin(tmp_path / "calm", planned.plan, planned.text) as calm:
        for unit in planned.plan.units:
            paint_once(calm, unit)
    assert pictures(run.path) == pictures(tmp_path / "calm")


def test_a_file_system_without_locks_is_enough(
    planned: PlannedSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with RunFolder.begin(tmp_path / "run", planned.plan, planned.text) as begun:
        round_ = begin_round(begun.path, begun.plan)
    with RunFolder.join(tmp_path / "run") as run:
        events = list(Painter().render(run, round_, EngineOptions()))
    assert sorted(event.batch for event in events if event.state == "done") == list(range(10))
    assert run_status(run).counts["done"] == 19


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
