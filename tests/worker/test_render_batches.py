"""Batches, tasks and lanes, with renderers that paint: what is rendered together, and what goes wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.models import ModelFacts
from fvcli.plan import Program, Unit
from fvcli.run.process import this_process
from fvcli.run.work import queue
from fvcli.run.work.attempts import attempts_of
from fvcli.run.work.journal import batches_done
from fvcli.run.work.notes import WORKER, Note, write_note
from fvcli.run.work.rounds import begin_round
from fvcli.worker import render_batches
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.events import BatchDone, BatchStarted, Compiling, StepsDone, Waiting
from fvcli.worker.options import WorkerOptions
from fvcli.worker.render_batches import Worker
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

# ---- what is rendered together


def test_a_gpu_takes_whole_batches(begin: Begin, worker_of: WorkerOf, painter: Painter) -> None:
    run = begin(channels(5), render={"batch_size": 2})
    painter.shares = (0.25,)
    events = list(worker_of(run, GPU).render([0, 2]))
    assert sorted(painter.calls) == [(names(0, 1), 2), (names(4), 2)]
    assert painter.compiled == ["stem_bn"]
    assert of_kind(events, BatchStarted) == [BatchStarted(0), BatchStarted(2)]
    assert sorted(of_kind(events, StepsDone), key=lambda e: (e.batch, e.units)) == [
        StepsDone(0, 0.5),
        StepsDone(0, 2.0),
        StepsDone(2, 0.25),
        StepsDone(2, 1.0),
    ]
    done = sorted(of_kind(events, BatchDone), key=lambda e: e.batch)
    assert [(e.batch, e.counts, e.remarks) for e in done] == [(0, {"done": 2}, ()), (2, {"done": 1}, ())]
    assert outcomes_of_attempts(run) == {0: ["done"], 2: ["done"]}
    for path, sidecar in known(run).items():
        if path in {"a/channel-0002", "a/channel-0003"}:
            assert sidecar is None
        else:
            assert sidecar.score["end"] == int(path[-4:])  # its own outcome
            assert sidecar.device == "gpu: fake"
            assert (sidecar.batch["size"], sidecar.batch["planned_size"], sidecar.attempt) == (2, 2, 1)
    assert known(run)["a/channel-0004"].batch["number"] == 2


def test_a_cpu_takes_units_one_by_one_and_groups_whole(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin(channels(2), group(3), render={"batch_size": 6})
    events = list(worker_of(run, CPU).render(range(len(run.plan.batches))))
    assert sorted(len(called) for called, _ in painter.calls) == [1, 1, 3]
    assert all(len(called) == size for called, size in painter.calls)
    assert [e.counts for e in of_kind(events, BatchDone)] == [{"done": 2}, {"done": 3}]


def test_of_a_group_all_are_rendered_and_only_what_lacks_is_committed(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """The time of the others counts as theirs; progress is told in units that were asked for."""
    run = begin(group(4, 2), render={"batch_size": 8})
    painter.before = lambda _units, _stopped: time.sleep(0.4)
    (first, second, *_) = run.plan.units
    first_four = [unit.path for unit in run.plan.group_of(first)]
    worker, batches = worker_of(run, CPU), range(len(run.plan.batches))
    events = list(worker.render(batches, frozenset({second.path})))
    assert painter.calls == [([unit.name for unit in run.plan.group_of(first)], 4)]
    assert [path for path, sidecar in known(run).items() if sidecar] == [second.path]
    assert [e.counts for e in of_kind(events, BatchDone)] == [{"done": 1}]
    assert max(e.units for e in of_kind(events, StepsDone)) == 1.0
    sidecar = run.sidecar(second)
    assert sidecar is not None
    assert 0.1 <= sidecar.seconds < 0.35
    list(worker.render(batches))
    assert all(known(run).values())
    assert run.sidecar(second) == sidecar  # it was not rendered again
    assert sorted(known(run)[path].attempt for path in known(run) if path in first_four) == [1, 2, 2, 2]
    painter.calls.clear()
    assert list(worker.render(batches)) == []
    assert painter.calls == []


def test_a_program_is_compiled_once_and_waits_until_nothing_else_is_rendered(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin(channels(3), channels(2, "b", "block1_dw"), channels(1, "c"), render={"batch_size": 1})
    lock, inside, met = threading.Lock(), set(), []

    def watch(units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        with lock:
            inside.add(units[0].path)
        time.sleep(0.05)
        with lock:
            met.append({path[0] for path in inside})
            inside.remove(units[0].path)

    painter.before = watch
    list(worker_of(run, CPU).render(range(len(run.plan.batches))))
    assert len(met) == 6
    assert all(len(jobs) == 1 for jobs in met if "b" in jobs)
    assert painter.compiled == ["block1_dw", "stem_bn"]  # where there is most to compute comes first


def test_batches_of_which_nothing_is_wanted_are_not_begun(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin(channels(6), render={"batch_size": 2})
    wanted = frozenset({"a/channel-0001", "a/channel-0004", "a/channel-0005"})
    events = list(worker_of(run, GPU).render([0, 1, 2], wanted))
    assert of_kind(events, BatchStarted) == [BatchStarted(2), BatchStarted(0)]  # the longest first
    assert {e.batch: e.counts for e in of_kind(events, BatchDone)} == {0: {"done": 1}, 2: {"done": 2}}
    assert sorted(painter.calls) == [(names(1), 2), (names(4, 5), 2)]
    assert outcomes_of_attempts(run) == {0: ["done"], 2: ["done"]}


def test_sidecars_say_how_many_pictures_an_ascent_had_and_how_many_were_planned(
    begin: Begin, worker_of: WorkerOf
) -> None:
    run = begin(channels(2), group(3), render={"batch_size": 6})
    list(worker_of(run, CPU).render(range(2)))
    assert {path: (s.batch["size"], s.batch["planned_size"]) for path, s in known(run).items()} == {
        **dict.fromkeys(("a/channel-0000", "a/channel-0001"), (1, 6)),
        **{f"m/channel-0000-d{i}": (3, 6) for i in (1, 2, 3)},
    }


def test_a_batch_takes_as_long_as_from_its_first_unit_to_its_last(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    run = begin(channels(4), render={"batch_size": 2})
    painter.before = lambda _units, _stopped: time.sleep(0.15)
    began = time.perf_counter()
    events = list(worker_of(run, GPU).render([0, 1]))
    took = time.perf_counter() - began
    seconds = [e.seconds for e in of_kind(events, BatchDone)]
    assert min(seconds) >= 0.15
    assert max(seconds) < took
    for sidecar in known(run).values():  # each has half of an ascent of two
        assert 0.075 <= sidecar.seconds <= seconds[sidecar.batch["number"]] / 2 + 0.001


def test_shares_of_the_tasks_of_a_batch_add_up(begin: Begin, worker_of: WorkerOf, painter: Painter) -> None:
    """Two groups of two, of which three pictures are wanted: half of the first group counts as one."""
    run = begin(group(2, 2), render={"batch_size": 4})
    painter.shares = (0.5,)
    units = run.plan.units
    wanted = frozenset(unit.path for unit in units[:3])
    events = list(worker_of(run, Device("cpu", False, 1, whole_batches=False)).render([0], wanted))
    told = [e.units for e in of_kind(events, StepsDone)]
    assert told[0] == 1.0
    assert told == sorted(told)
    assert told[-1] == 3.0
    assert set(told) <= {1.0, 1.5, 2.0, 2.5, 3.0}


def test_a_program_is_compiled_for_its_model_when_the_one_before_is_gone(
    begin: Begin, worker_of: WorkerOf, painter: Painter, facts: ModelFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs never share the memory."""
    run = begin(channels(1), channels(1, "b", "block1_dw"))
    worker, asked = worker_of(run, GPU), []

    def make(program: Program, model: Any, device: Device, assets: Any) -> Painter:
        assert worker._compiled is None
        asked.append((program.layers, model.facts, device, type(assets)))
        return painter.make(program)

    monkeypatch.setattr(render_batches, "renderer_of", make)
    list(worker.render([0, 1]))
    assert asked == [(program.layers, facts, GPU, Assets) for program in reversed(run.plan.programs)]


@pytest.mark.parametrize("allowed", [False, True])
def test_a_worker_loads_the_model_of_its_plan_and_says_on_what_it_renders(
    begin: Begin, facts: ModelFacts, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    run, asked = begin(channels(1)), []
    monkeypatch.setattr(render_batches, "set_up_device", lambda *_: GPU)
    monkeypatch.setattr(
        render_batches, "load", lambda *what: asked.append(what) or SimpleNamespace(facts=facts)
    )
    worker = Worker(run, WorkerOptions(allow_code=allowed))
    assert asked == [(run.plan.model, allowed)]
    assert worker.device == "gpu: fake"
    assert json.loads((run.path / "run.json").read_text())["device"] == "gpu: fake"


# ---- memory


def test_less_memory_halves_what_an_ascent_takes_until_it_fits(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Both halves of the first batch run out of memory at a size of four: that is told once."""
    run = begin(channels(10), render={"batch_size": 8})
    painter.most = 2
    worker = worker_of(run, GPU)
    events = [*worker.render([0]), *worker.render([1])]
    assert sorted((size for _, size in painter.calls), reverse=True) == [8, 4, 4, 2, 2, 2, 2, 2]
    assert sorted(called for called, size in painter.calls if size == 2) == [
        names(0, 1), names(2, 3), names(4, 5), names(6, 7), names(8, 9),
    ]  # fmt: skip
    done = of_kind(events, BatchDone)
    told = "out of memory: batch 0 goes on with {} pictures at a time"
    assert [e.remarks for e in done] == [(told.format(4), told.format(2)), ()]
    assert [e.counts for e in done] == [{"done": 8}, {"done": 2}]
    for sidecar in known(run).values():
        assert (sidecar.batch["size"], sidecar.batch["planned_size"], sidecar.attempt) == (2, 8, 1)


def test_what_was_done_before_the_memory_ran_out_counts_no_longer(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    painter.most, painter.shares = 2, (0.5,)
    run = begin(channels(4), render={"batch_size": 4})
    events = list(worker_of(run, GPU).render([0]))
    assert [event.units for event in of_kind(events, StepsDone)] == [2.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("groups", "most", "sizes"),
    [(4, 3, [12, 6, 6, 3, 3, 3, 3]), (4, 6, [12, 6, 6]), (3, 8, [9, 3, 3, 3]), (5, 8, [15, 6, 6, 6])],
)
def test_halves_are_of_whole_groups(
    begin: Begin, worker_of: WorkerOf, painter: Painter, groups: int, most: int, sizes: list[int]
) -> None:
    """And half of an odd number of them is the smaller part."""
    run = begin(group(3, groups), render={"batch_size": 3 * groups})
    assert len(run.plan.batches) == 1
    painter.most = most
    list(worker_of(run, GPU).render([0]))
    assert sorted((size for _, size in painter.calls), reverse=True) == sizes
    assert {sidecar.status for sidecar in known(run).values()} == {"done"}


def test_what_does_not_fit_alone_has_failed(begin: Begin, worker_of: WorkerOf, painter: Painter) -> None:
    run = begin(channels(2), group(2), render={"batch_size": 2})
    painter.most = 0
    worker = worker_of(run, GPU)
    done = of_kind([event for n in range(2) for event in worker.render([n])], BatchDone)
    assert [e.counts for e in done] == [{"failed": 2}, {"failed": 2}]
    told = "out of memory: batch {} goes on with 1 picture at a time"
    assert [e.remarks for e in done] == [
        (told.format(n),) if run.plan.program_of(n).members == 1 else () for n in range(2)
    ]
    for sidecar in known(run).values():
        assert (sidecar.status, sidecar.error) == ("failed", "out of memory even alone; lower size_px")


# ---- failures


OOM = "out of memory even alone; lower size_px"
TENSORFLOW = (
    "Graph execution error:\n\nDetected at node a\n\tb\n<stack traces unavailable>\nbad shape\n[[{{node c}}]]"
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FvcliError("the file has gone"), "the file has gone"),
        (ValueError("one\ntwo"), "ValueError: one"),
        (KeyError(), "KeyError: it gives no reason"),
        (ValueError(TENSORFLOW), "ValueError: bad shape"),
        (MemoryError(), OOM),
        (tf.errors.ResourceExhaustedError(None, None, "OOM"), OOM),
        (tf.errors.InternalError(None, None, "Failed: CUDA_ERROR_OUT_OF_MEMORY: out of memory"), OOM),
        (tf.errors.InternalError(None, None, "CUDNN_BAD_PARAM"), "InternalError: CUDNN_BAD_PARAM"),
        (tf.errors.AbortedError(None, None, "exception:Status: 1, message: could not"), OOM),
        (tf.errors.AbortedError(None, None, "Status: 2, other"), "AbortedError: Status: 2, other"),
        (RuntimeError("Status: 1, of something else"), "RuntimeError: Status: 1, of something else"),
    ],
)  # fmt: skip
def test_a_unit_that_breaks_says_why_and_the_others_go_on(
    begin: Begin, worker_of: WorkerOf, painter: Painter, error: Exception, reason: str
) -> None:
    run = begin(channels(3), render={"batch_size": 3})

    def break_one(units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        if units[0].terms[0].index == 1:
            raise error

    painter.before = break_one
    events = list(worker_of(run, CPU).render([0]))
    assert [e.counts for e in of_kind(events, BatchDone)] == [{"done": 2, "failed": 1}]
    assert [(s.status, s.error) for s in known(run).values()] == [
        ("done", None),
        ("failed", reason),
        ("done", None),
    ]


def test_a_program_that_cannot_be_compiled_fails_once_for_all_its_units(
    begin: Begin, worker_of: WorkerOf, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(channels(3), channels(1, "b", "block1_dw"), render={"batch_size": 2})
    worker, tried = worker_of(run, CPU), []

    def make(program: Program, *rest: Any) -> Painter:
        tried.append(program.layers[0])
        if program.layers[0] == "stem_bn":
            raise FvcliError("the network is too old")
        return painter.make(program, *rest)

    monkeypatch.setattr(render_batches, "renderer_of", make)
    events = list(worker.render(range(len(run.plan.batches))))
    assert sorted(tried) == ["block1_dw", "stem_bn"]
    assert {path: (s.status, s.error) for path, s in known(run).items()} == {
        **{f"a/{name}": ("failed", "the network is too old") for name in names(0, 1, 2)},
        "b/channel-0000": ("done", None),
    }
    assert sum(e.counts.get("failed", 0) for e in of_kind(events, BatchDone)) == 3
    assert {outcome for ended in outcomes_of_attempts(run).values() for outcome in ended} == {"done"}


@pytest.mark.parametrize("device", [CPU, GPU])
def test_where_another_worker_lives_an_error_is_left_to_it(
    begin: Begin, worker_of: WorkerOf, painter: Painter, monkeypatch: pytest.MonkeyPatch, device: Device
) -> None:
    """It may be this computer that fails. What comes of it, the other says."""
    monkeypatch.setattr(queue, "REFRESH_S", 0.1)
    run = begin(channels(3), render={"batch_size": 3})
    other = Note("other", this_process(), "2026-01-01", beat_s=9, role=WORKER)
    write_note(run.path, other)

    def break_one(units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        if units[0].terms[0].index == (1 if device is CPU else 0):
            raise ValueError("no such library")

    painter.before = break_one
    round_ = begin_round(run.path, run.plan)
    events = worker_of(run, device).work(round_)
    done = next(event for event in events if isinstance(event, BatchDone))
    left = [1] if device is CPU else [0, 1, 2]
    assert done.counts == ({"done": 2} if device is CPU else {})
    assert len(done.remarks) == 1
    assert done.remarks[0].startswith(f"{len(left)} unit")
    assert done.remarks[0].endswith("an error that may be this computer's: ValueError: no such library")
    idle = Waiting(())  # a lane that has told of its end may take a moment to end
    assert next(event for event in events if event != idle) == Waiting((0,))
    assert [path for path, one in known(run).items() if one is None] == [f"a/{name}" for name in names(*left)]
    (attempt,) = attempts_of(run.path, 0)
    assert (attempt.outcome, attempt.units) == ("erred", tuple(left))
    write_note(run.path, replace(other, ended="finished"))
    if device is CPU:
        painter.before = lambda _units, _stopped: None  # it may have passed
    (again,) = of_kind(list(events), BatchDone)
    assert again.counts == ({"done": 1} if device is CPU else {"failed": 3})
    assert batches_done(run.path, round_) == {0}


# ---- stopping


def test_a_stop_drops_what_is_being_rendered_and_keeps_the_rest(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """The same worker can go on afterwards."""
    run = begin(channels(4), render={"batch_size": 4})

    def linger(units: Sequence[Unit], stopped: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while units[0].terms[0].index > 0 and not stopped() and time.monotonic() < end:
            time.sleep(0.01)

    painter.before = linger
    worker = worker_of(run, CPU)
    events = worker.render([0])
    began = time.monotonic()
    assert next(events) == Compiling("compiling for 224 x 224 px")
    assert next(events) == BatchStarted(0)
    assert next(event for event in events if not isinstance(event, Waiting)) == StepsDone(0, 1.0)
    events.close()
    assert time.monotonic() - began < 10
    assert [path for path, sidecar in known(run).items() if sidecar] == ["a/channel-0000"]
    assert outcomes_of_attempts(run) == {0: ["stopped"]}
    painter.before = lambda _units, _stopped: None
    painter.calls.clear()
    again = list(worker.render([0]))
    assert sorted(name for called, _ in painter.calls for name in called) == names(1, 2, 3)
    assert [e.counts for e in of_kind(again, BatchDone)] == [{"done": 3}]
    assert [s.attempt for s in known(run).values()] == [1, 2, 2, 2]
    assert outcomes_of_attempts(run) == {0: ["stopped", "done"]}


# ---- memory


@pytest.mark.parametrize(("free_gb", "at_once"), [(0.001, 1), (0.02, 1), (20.0, 2), (None, 2)])
def test_a_cpu_renders_as_many_pictures_at_once_as_fit_its_memory(
    begin: Begin,
    worker_of: WorkerOf,
    painter: Painter,
    monkeypatch: pytest.MonkeyPatch,
    free_gb: float | None,
    at_once: int,
) -> None:
    free = None if free_gb is None else int(free_gb * 1e9)
    monkeypatch.setattr(render_batches, "free_bytes", lambda: free)
    running: list[int] = []
    most: list[int] = []

    def work(_units: Sequence[Unit], _stopped: Callable[[], bool]) -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.1)
        running.pop()

    painter.before = work
    run = begin(channels(4), render={"size_px": 224})
    list(worker_of(run, replace(CPU, lanes=2)).render(range(len(run.plan.batches))))
    assert max(most) == at_once
    assert len(painter.calls) == 4


def test_layers_that_alternate_in_a_spec_are_compiled_once_each(
    begin: Begin, worker_of: WorkerOf, painter: Painter
) -> None:
    """Only the latest program is kept, so the order of batches has to keep those of a program together."""
    jobs = [
        channels(9, f"{layer}-{steps}", layer, steps=steps)
        for steps in (4, 5, 6)
        for layer in ("stem_bn", "block1_dw")
    ]
    run = begin(*jobs, render={"batch_size": 2})
    list(worker_of(run, CPU).render(range(len(run.plan.batches))))
    assert len(run.plan.programs) == 6
    assert sorted(painter.compiled) == ["block1_dw", "stem_bn"]
    assert len(painter.calls) == 54
