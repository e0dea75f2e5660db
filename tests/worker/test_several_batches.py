"""Several batches in one ascent, as a GPU takes them, with renderers that paint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.work import queue
from fvcli.run.work.attempts import DIED, attempts_of, end_attempt
from fvcli.run.work.journal import read_journals
from fvcli.run.work.notes import read_notes
from fvcli.worker.events import BatchDone, BatchStarted, Compiling, StepsDone, Waiting
from tests.helpers.painter import (
    CPU,
    GPU,
    Begin,
    Painter,
    WorkerOf,
    channels,
    group,
    known,
    names,
    of_kind,
    outcomes_of_attempts,
)
from tests.helpers.painting import claimed, paint


@pytest.fixture
def begin_several(begin: Begin) -> Begin:
    """Begin a run in batches of two pictures, of which a GPU works on some at once: four unless said."""

    def make(*jobs: dict[str, object], at_once: int = 4, batch_size: int = 2) -> RunFolder:
        run = begin(*jobs, render={"batch_size": batch_size})
        programs = (replace(program, gpu_batches=at_once) for program in run.plan.programs)
        run.plan = replace(run.plan, programs=tuple(programs))
        return run

    return make


def journalled(run: RunFolder) -> dict[int, list[str]]:
    """Return the units that journals tell of, by batch."""
    return {entry.batch: [record.stem for record in entry.records] for entry in read_journals(run.path)}


def sizes_of(run: RunFolder) -> set[tuple[int, int]]:
    """Return all pictures an ascent and planned sizes that sidecars tell of."""
    told = [sidecar.batch for sidecar in known(run).values() if sidecar is not None]
    return {(batch["size"], batch["planned_size"]) for batch in told}


def died_at(run: RunFolder, batch: int, times: int = 1) -> None:
    for _ in range(times):
        end_attempt(run.path, claimed(run, batch), DIED, "signal 9")


# ---- what is rendered together


def test_one_ascent_takes_several_batches(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin_several(channels(8))
    painter.shares = (0.5,)
    events = list(worker_of(run, GPU).render(range(4)))
    assert painter.calls == [(names(*range(8)), 8)]
    assert of_kind(events, BatchStarted) == [BatchStarted(n) for n in range(4)]
    told = [StepsDone(n, units) for units in (1.0, 2.0) for n in range(4)]
    assert of_kind(events, StepsDone) == told
    assert [(e.batch, e.counts) for e in of_kind(events, BatchDone)] == [(n, {"done": 2}) for n in range(4)]
    assert outcomes_of_attempts(run) == {n: ["done"] for n in range(4)}
    assert journalled(run) == {n: [f"a/{name}" for name in names(2 * n, 2 * n + 1)] for n in range(4)}
    for path, sidecar in known(run).items():
        number = int(path[-4:])
        assert sidecar.score["end"] == number  # its own outcome
        assert (sidecar.batch["number"], sidecar.attempt) == (number // 2, 1)
    assert sizes_of(run) == {(8, 8)}


def test_the_last_ascent_is_as_large_though_it_is_not_full(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin_several(channels(11))
    list(worker_of(run, GPU).render(range(6)))
    assert painter.calls == [(names(*range(8)), 8), (names(8, 9, 10), 8)]
    assert outcomes_of_attempts(run) == {n: ["done"] for n in range(6)}
    assert sizes_of(run) == {(8, 8)}


def test_a_cpu_takes_no_notice(begin_several: Begin, worker_of: WorkerOf, painter: Painter) -> None:
    run = begin_several(channels(4))
    list(worker_of(run, CPU).render([0, 1]))
    assert sorted(called for called, _ in painter.calls) == [names(n) for n in range(4)]
    assert sizes_of(run) == {(1, 2)}


def test_batches_of_other_programs_are_never_joined(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Not even of one that is compiled alike: it may have other steps, or another seed."""
    run = begin_several(channels(2), channels(2, "b", seed=1), channels(2, "c", "block1_dw"))
    list(worker_of(run, GPU).render(range(3)))
    assert painter.calls == [(names(0, 1), 8)] * 3
    assert painter.compiled == ["block1_dw", "stem_bn"]
    assert {path[0]: sidecar.batch["number"] for path, sidecar in known(run).items()} == {
        "a": 0, "b": 1, "c": 2,
    }  # fmt: skip


def test_groups_that_are_optimised_together_stay_whole(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin_several(group(3, 5), at_once=2, batch_size=3)
    list(worker_of(run, GPU).render(range(5)))
    assert [(len(called), size) for called, size in painter.calls] == [(6, 6), (6, 6), (3, 6)]
    assert all(len({name[:12] for name in called[i : i + 3]}) == 1
               for called, _ in painter.calls for i in range(0, len(called), 3))  # fmt: skip


def test_of_batches_that_are_finished_in_part_the_rest_is_joined(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Batch 1 is finished, and half of batches 0 and 2: all that is left is one ascent."""
    run = begin_several(channels(9))
    units = run.plan.units
    for unit in (units[0], units[2], units[3], units[5]):
        paint(run, unit)
    before = known(run)
    events = list(worker_of(run, GPU).render(range(5)))
    [(called, size)] = painter.calls
    assert (sorted(called), size) == (names(1, 4, 6, 7, 8), 8)
    assert {e.batch: e.counts for e in of_kind(events, BatchDone)} == {
        0: {"done": 1}, 2: {"done": 1}, 3: {"done": 2}, 4: {"done": 1},
    }  # fmt: skip
    assert {entry: len(units) for entry, units in journalled(run).items()} == {0: 1, 1: 0, 2: 1, 3: 2, 4: 1}
    assert outcomes_of_attempts(run) == {n: ["done"] for n in range(5)}
    assert all(known(run)[path] == was for path, was in before.items() if was is not None)


# ---- other workers


def test_batches_that_another_worker_has_are_left_out_and_rendered_when_it_is_gone(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "REFRESH_S", 0.1)
    run = begin_several(channels(8))
    attempt = claimed(run, 2, "somebody")
    worker = worker_of(run, GPU)
    events = []
    for event in worker.render(range(4)):
        events.append(event)
        if event == Waiting((2,)):  # while a lane is at work nothing is waited for
            end_attempt(run.path, attempt, "stopped")
    assert Waiting((2,)) in events
    assert painter.calls == [(names(0, 1, 2, 3, 6, 7), 8), (names(4, 5), 8)]
    assert outcomes_of_attempts(run) == {0: ["done"], 1: ["done"], 2: ["stopped", "done"], 3: ["done"]}


def test_a_claim_that_is_lost_in_the_middle_is_not_rendered(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody claims batch 1 after this worker has looked at it, and before it claims it itself."""
    run = begin_several(channels(8))
    monkeypatch.setattr(queue, "REFRESH_S", 0.1)
    make, lost = queue.make_attempt, []

    def make_late(path, attempt):
        if attempt.batch == 1 and not lost:
            lost.append(claimed(run, 1, "somebody"))
        return make(path, attempt)

    monkeypatch.setattr(queue, "make_attempt", make_late)
    for event in worker_of(run, GPU).render(range(4)):
        if isinstance(event, Waiting):
            end_attempt(run.path, lost[0], "stopped")
    assert painter.calls == [(names(0, 1, 4, 5, 6, 7), 8), (names(2, 3), 8)]
    assert outcomes_of_attempts(run)[1] == ["stopped", "done"]


def test_batches_at_which_processes_died_are_rendered_alone(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Each of them by itself, and none is forgotten."""
    run = begin_several(channels(12))
    died_at(run, 1)
    died_at(run, 3)
    list(worker_of(run, GPU).render(range(6)))
    assert painter.calls == [
        (names(0, 1, 4, 5, 8, 9, 10, 11), 8), (names(2, 3), 8), (names(6, 7), 8),
    ]  # fmt: skip
    assert outcomes_of_attempts(run) == {n: ["died", "done"] if n in {1, 3} else ["done"] for n in range(6)}


def test_where_processes_died_again_an_ascent_is_no_larger_than_a_batch(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """It may be the size of the ascent that kills the process."""
    run = begin_several(channels(8))
    died_at(run, 0, 2)
    died_at(run, 3)
    list(worker_of(run, GPU).render(range(4)))
    assert painter.calls == [(names(2, 3, 4, 5), 8), (names(0, 1), 2), (names(6, 7), 8)]
    told = {path: sidecar.batch for path, sidecar in known(run).items()}
    assert told["a/channel-0000"] == {"number": 0, "size": 2, "planned_size": 8}
    assert told["a/channel-0007"] == {"number": 3, "size": 8, "planned_size": 8}


# ---- memory


def test_out_of_memory_halves_an_ascent_of_several_batches(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Down to less than a batch; every batch ends as if nothing had happened."""
    run = begin_several(channels(11))
    painter.most, painter.shares = 1, (0.5,)
    events = list(worker_of(run, GPU).render(range(6)))
    assert sorted(called for called, size in painter.calls if size == 1) == [names(n) for n in range(11)]
    done = of_kind(events, BatchDone)
    counts = {e.batch: e.counts for e in done}
    assert counts == {n: {"done": 1 if n == 5 else 2} for n in range(6)}
    remarks = [remark for e in done for remark in e.remarks]
    assert remarks == [
        f"out of memory: batch 0 goes on with {left} at a time"
        for left in ("4 pictures", "2 pictures", "1 picture")
    ]
    assert outcomes_of_attempts(run) == {n: ["done"] for n in range(6)}
    assert {batch: len(units) for batch, units in journalled(run).items()} == {
        n: 1 if n == 5 else 2 for n in range(6)
    }
    for path, sidecar in known(run).items():
        number = int(path[-4:])
        assert (sidecar.score["end"], sidecar.batch["number"]) == (number, number // 2)
    assert sizes_of(run) == {(1, 8)}
    assert sorted(e.batch for e in of_kind(events, BatchStarted)) == list(range(6))


def test_after_a_halving_fewer_batches_are_claimed(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin_several(channels(24))
    painter.most = 4
    worker = worker_of(run, GPU)
    list(worker.render(range(4)))
    painter.calls.clear()
    list(worker.render(range(4, 12)))
    assert painter.calls == [(names(*range(i, i + 4)), 4) for i in range(8, 24, 4)]


def test_sidecars_say_the_size_that_their_own_ascent_had(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next ascent runs out of memory while the pictures of the first are still being written."""
    run = begin_several(channels(16))
    worker = worker_of(run, GPU)
    commit = worker._recorder.commit

    def run_out(units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        painter.most = 8 if units[0].terms[0].index == 0 else 4

    def commit_late(unit: Unit, *rest: object) -> object:
        end = time.monotonic() + 20
        while len(painter.calls) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        return commit(unit, *rest)

    painter.before = run_out
    monkeypatch.setattr(worker._recorder, "commit", commit_late)
    list(worker.render(range(8)))
    assert [size for _, size in painter.calls] == [8, 8, 4, 4]
    sizes = {int(path[-4:]): sidecar.batch["size"] for path, sidecar in known(run).items()}
    assert sizes == {n: 8 if n < 8 else 4 for n in range(16)}


def test_a_unit_that_fails_names_its_own_batch(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """What breaks an ascent fails all that are in it; the next ascent goes on."""
    run = begin_several(channels(12))

    def break_one(units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        if units[0].terms[0].index == 0:
            raise ValueError("it broke")

    painter.before = break_one
    events = list(worker_of(run, GPU).render(range(6)))
    counts = {e.batch: e.counts for e in of_kind(events, BatchDone)}
    assert counts == {n: {"failed" if n < 4 else "done": 2} for n in range(6)}
    assert {s.error for s in known(run).values() if s.status == "failed"} == {"ValueError: it broke"}
    [note] = read_notes(run.path)
    assert (note.done, note.failed, note.at) == (12, 8, ())


# ---- stopping


def test_a_stop_gives_back_all_batches_of_an_ascent(
    begin_several: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """And those that wait for it to end."""
    run = begin_several(channels(16))
    painter.shares = (0.5,)

    def linger(_units: Sequence[Unit], stopped: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not stopped() and time.monotonic() < end:
            time.sleep(0.01)

    painter.before = linger
    worker = worker_of(run, GPU)
    events = worker.render(range(8))
    assert isinstance(next(events), Compiling)
    assert [next(events) for _ in range(4)] == [BatchStarted(n) for n in range(4)]
    [note] = read_notes(run.path)
    assert {at["batch"] for at in note.at} >= {0, 1, 2, 3}
    next(events)  # the next ascent waits for its turn
    events.close()
    assert {outcome for ended in outcomes_of_attempts(run).values() for outcome in ended} == {"stopped"}
    assert not any(known(run).values())
    assert read_notes(run.path)[0].at == ()
    assert journalled(run) == {}
    painter.before = lambda _units, _stopped: None
    painter.calls.clear()
    list(worker.render(range(8)))
    assert [len(called) for called, _ in painter.calls] == [8, 8]
    assert all(known(run).values())
    assert all(attempts_of(run.path, n)[-1].outcome == "done" for n in range(8))
