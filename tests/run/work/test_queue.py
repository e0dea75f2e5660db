"""Which batches a worker claims, in which order, and when it may take those of another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.run import RunFolder, run_status
from fvcli.run.process import this_process
from fvcli.run.work import queue as queue_module
from fvcli.run.work.attempts import DIED, ERRED, Attempt, attempts_of, end_attempt, make_attempt
from fvcli.run.work.journal import Journal, batches_done
from fvcli.run.work.notes import WORKER, Note, Presence, write_note
from fvcli.run.work.queue import Claim, WorkQueue
from fvcli.run.work.rounds import Round, begin_round
from tests.helpers.painters import paint_once
from tests.helpers.running import write_spec

ELSEWHERE = {"host": "elsewhere", "computer": "another", "pid": 1, "started": "1"}


@pytest.fixture
def round_(run: RunFolder) -> Round:
    return begin_round(run.path, run.plan)


def queue_of(run: RunFolder, round_: Round, worker: str = "me", **how: Any) -> WorkQueue:
    return WorkQueue(run, round_, worker, **how)


def begun(folder: Path, jobs: list[str]) -> RunFolder:
    head = "model: efficientnet-lite0\nrender: {size_px: 64, steps: 24, batch_size: 2}\njobs:\n"
    text = head + "".join(f"  - {job}\n" for job in jobs)
    planned = plan_of_spec(str(write_spec(folder, text)), [])
    with RunFolder.begin(folder / "run", planned.plan, planned.text) as run:
        return run


def take_all(queue: WorkQueue, compiled: int | None = None) -> list[int]:
    """Claim what is free, batch by batch, as a worker does, and say of each that it is done."""
    taken = []
    while (claim := queue.take(compiled)) is not None:
        taken.append(claim.batch)
        queue.done(claim)
        compiled = claim.units[0].program
    return taken


def paint_claim(run: RunFolder, claim: Claim, journal: Journal | None = None) -> None:
    records = [paint_once(run, unit, "failed" if claim.failed else "done") for unit in claim.units]
    if journal is not None:
        journal.add(claim.batch, 0.0, records, is_part=claim.is_part)


def died(run: RunFolder, batch: int, *units: int) -> None:
    """Let a process have died at some units of a batch, or at all."""
    number = len(attempts_of(run.path, batch)) + 1
    attempt = Attempt(batch, number, "dead", units or None)
    assert make_attempt(run.path, attempt)
    end_attempt(run.path, attempt, DIED, "signal 9")


def left_by(run: RunFolder, batch: int, worker: str) -> Attempt:
    attempt = Attempt(batch, len(attempts_of(run.path, batch)) + 1, worker)
    assert make_attempt(run.path, attempt)
    return attempt


# ---- order


def test_all_batches_are_taken_program_by_program(run: RunFolder, round_: Round) -> None:
    """The program with most work first; of each the batches with most units, then as in the plan."""
    assert take_all(queue_of(run, round_)) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_what_costs_most_is_begun_first(run: RunFolder, round_: Round) -> None:
    weights = [1.0, 1.0, 10.0]
    assert take_all(queue_of(run, round_, weight=lambda i: weights[i]))[:3] == [8, 9, 0]


def test_a_worker_stays_with_the_program_that_is_compiled(run: RunFolder, round_: Round) -> None:
    assert take_all(queue_of(run, round_), compiled=1) == [5, 6, 7, 0, 1, 2, 3, 4, 8, 9]


def test_programs_that_are_compiled_alike_are_taken_together(tmp_path: Path) -> None:
    """Programs 0 and 2 differ in steps alone, which are not compiled in."""
    jobs = [
        "{name: a, layer: stem_bn, channels: 0-3}",
        "{name: b, layer: block2_add, channels: 0-3}",
        "{name: c, layer: stem_bn, channels: 0-3, steps: 9}",
    ]
    run = begun(tmp_path, jobs)
    queue = queue_of(run, begin_round(run.path, run.plan))
    assert [queue.group_of(i) for i in range(3)] == [0, 1, 0]
    claims = [queue.take(2, also=False) for _ in range(5)]
    assert [claim and claim.batch for claim in claims] == [4, 5, 0, 1, None]
    write_note(run.path, Note("other", ELSEWHERE, "2026-01-01", at=({"group": 0},)))
    other = queue_of(run, begin_round(run.path, run.plan), "other")
    assert [claim.batch for claim in iter(other.take, None)] == [2, 3]  # the rest is held


def test_of_units_that_are_rendered_together_those_that_are_missing_are_claimed(tmp_path: Path) -> None:
    job = "{name: a, layer: stem_bn, channels: [0, 1], diversity: {count: 3, weight: 1}, batch_size: 6}"
    run = begun(tmp_path, [job])
    assert [len(group) for group in run.plan.groups_of(0)] == [3, 3]
    for unit in run.plan.units[:2]:
        paint_once(run, unit)
    round_ = begin_round(run.path, run.plan)
    claim = queue_of(run, round_).take()
    assert claim is not None
    assert claim.attempt.units == (0, 1, 2, 3, 4, 5)
    assert claim.units == run.plan.units[2:]
    queue_of(run, round_).give_back(claim)
    for unit in run.plan.units[2:3]:
        paint_once(run, unit)
    claim = queue_of(run, round_).take()
    assert claim is not None
    assert claim.attempt.units == (3, 4, 5)


def test_nothing_else_is_taken_while_lanes_are_busy(run: RunFolder, round_: Round) -> None:
    queue = queue_of(run, round_)
    assert queue.take(None, also=False) is None
    claims = [queue.take(2, also=False) for _ in range(3)]
    assert [claim and claim.batch for claim in claims] == [8, 9, None]
    assert [claim.batch for claim in iter(lambda: queue.take_of(1), None)] == [5, 6, 7]
    assert queue.take_of(7) is None


def test_workers_spread_over_programs(run: RunFolder, round_: Round) -> None:
    """Five, three and two batches: with one worker at the first, the second has more for each worker.

    A worker counts where it began, and not where it goes on.
    """

    def first_with(*groups: tuple[int, ...]) -> int:
        for i, numbers in enumerate(groups):
            at = tuple({"group": number} for number in numbers)
            write_note(run.path, Note(f"other-{i}", ELSEWHERE, "2026-01-01", at=at))
        claim = queue_of(run, round_, f"after {len(groups)}").take()
        assert claim is not None
        return claim.batch

    assert first_with((0,)) == 5
    assert first_with((0,), (1,)) == 0
    assert first_with((0,), (1, 2), (0,)) == 8


def test_ended_workers_and_this_one_are_not_counted(run: RunFolder, round_: Round) -> None:
    at = ({"group": 0},)
    write_note(run.path, Note("ended", ELSEWHERE, "2026-01-01", at=at, ended="finished"))
    write_note(run.path, Note("me", ELSEWHERE, "2026-01-01", at=at))
    claim = queue_of(run, round_).take()
    assert claim is not None
    assert claim.batch == 0


def test_of_batches_in_part_the_longest_come_first(run: RunFolder) -> None:
    asked = frozenset({"a/channel-0000", "a/channel-0002", "a/channel-0003", "a/channel-0005"})
    queue = queue_of(run, begin_round(run.path, run.plan, paths=asked))
    claims = list(iter(queue.take, None))
    assert [claim.batch for claim in claims] == [1, 0, 2]
    assert [[unit.path for unit in claim.units] for claim in claims] == [
        ["a/channel-0002", "a/channel-0003"],
        ["a/channel-0000"],
        ["a/channel-0005"],
    ]
    assert not any(claim.is_part for claim in claims)  # of what was asked for they are all


# ---- what is done, and what is left


def test_finished_and_failed_units_are_left_out(run: RunFolder, round_: Round) -> None:
    for i in (0, 1, 2):
        paint_once(run, run.plan.units[i], "failed" if i == 1 else "done")
    queue = queue_of(run, round_)
    claim = queue.take()
    assert claim is not None
    assert (claim.batch, [unit.name for unit in claim.units]) == (1, ["channel-0003"])
    assert claim.attempt == Attempt(1, 1, "me", (0, 1))  # what was asked; the files are seen later
    assert [one.outcome for one in attempts_of(run.path, 0)] == ["done"]


def test_a_worker_that_finds_all_done_is_over_at_once(run: RunFolder, round_: Round) -> None:
    journal = Journal(run.path, "other", round_)
    for batch in round_.batches:
        journal.add(batch, 0.0, [])
    assert batches_done(run.path, round_) == set(range(10))
    queue = queue_of(run, round_)
    assert queue.is_over
    assert queue.take() is None


def test_journals_of_other_rounds_and_of_parts_do_not_count(run: RunFolder, round_: Round) -> None:
    begin_round(run.path, run.plan)
    again = begin_round(run.path, run.plan, [0, 1])
    Journal(run.path, "other", round_).add(0, 0.0, [])
    Journal(run.path, "other", again).add(1, 0.0, [], is_part=True)
    assert batches_done(run.path, again) == set()
    assert take_all(queue_of(run, again)) == [0, 1]


def test_what_was_finished_without_a_journal_is_told_of_once(run: RunFolder, round_: Round) -> None:
    """Else every later worker would take the round for one with something left."""
    for unit in run.plan.units:
        paint_once(run, unit)
    queue, told = queue_of(run, round_), list[int]()
    queue.settled = told.append
    assert queue.take() is None
    assert queue.is_over
    assert told == list(round_.batches)
    assert {one.outcome for batch in told for one in attempts_of(run.path, batch)} == {"done"}


def test_a_queue_is_over_when_nothing_is_held_or_begun(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    queue = queue_of(run, round_)
    assert not queue.is_over
    claim = queue.take()
    assert claim is not None
    assert not queue.is_over
    assert queue.take() is None
    queue.done(claim)
    assert queue.is_over
    assert attempts_of(run.path, 0) == [Attempt(0, 1, "me", (0, 1), "done")]


def test_what_is_given_back_is_free_for_others(run: RunFolder, round_: Round) -> None:
    mine = queue_of(run, round_)
    claim = mine.take()
    assert claim is not None
    mine.give_back(claim)
    assert attempts_of(run.path, 0) == [Attempt(0, 1, "me", (0, 1), "stopped")]
    assert take_all(queue_of(run, round_, "other"))[0] == 0


# ---- other workers


def test_what_a_living_worker_is_at_is_held(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0, 1])
    with Presence(run.path, lease_s=0.12, role=WORKER).kept() as presence:
        left_by(run, 0, presence.id)
        queue = queue_of(run, round_, lease_s=0.6)
        assert take_all(queue) == [1]
        assert queue.held == {0}
        for _ in range(8):
            time.sleep(0.1)  # for longer than the lease
            assert queue.take() is None
        assert not queue.is_over
    queue.lease_s = 0.0  # look at once
    assert take_all(queue) == [0]  # because it has ended
    assert queue.is_over


def test_what_another_finishes_is_no_longer_held(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    with Presence(run.path).kept() as presence:
        theirs = queue_of(run, round_, presence.id)
        claim = theirs.take()
        assert claim is not None
        queue = queue_of(run, round_, lease_s=0.01)
        assert queue.take() is None
        paint_claim(run, claim)
        theirs.done(claim)
        time.sleep(0.01)
        assert queue.take() is None
        assert queue.is_over


def test_journals_tell_what_is_no_longer_held(run: RunFolder) -> None:
    """Also while the claim is still open."""
    round_ = begin_round(run.path, run.plan, [0])
    with Presence(run.path).kept() as presence:
        left_by(run, 0, presence.id)
        queue = queue_of(run, round_, lease_s=0.01)
        assert queue.take() is None
        Journal(run.path, presence.id, round_).add(0, 0.0, [])
        time.sleep(0.01)
        assert queue.take() is None
        assert queue.is_over


def test_a_worker_elsewhere_is_waited_for_until_its_lease_ends(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    note = Note("theirs", ELSEWHERE, "2026-01-01", beat_s=0.05, role=WORKER)
    write_note(run.path, note)
    left_by(run, 0, "theirs")
    queue = queue_of(run, round_, lease_s=0.3)
    assert queue.take() is None
    for beat in range(1, 6):  # it lives for longer than the lease
        time.sleep(0.1)
        write_note(run.path, Note("theirs", ELSEWHERE, "2026-01-01", beat, 0.05))
        assert queue.take() is None
    began = time.monotonic()
    while (claim := queue.take()) is None:
        assert not queue.is_over
        time.sleep(0.01)
    assert 0.1 <= time.monotonic() - began < 5
    assert claim.attempt == Attempt(0, 2, "me", (0, 1))


def test_claims_without_a_name_have_a_lease_each(run: RunFolder) -> None:
    """One that is just being written is empty for a moment."""
    round_ = begin_round(run.path, run.plan, [0, 5])
    for batch in (0, 5):
        left_by(run, batch, "")
    queue = queue_of(run, round_, lease_s=0.2)
    assert queue.take_of(0) is None
    time.sleep(0.25)
    assert queue.take_of(1) is None  # the lease of the first has nothing to do with it
    assert queue.held == {0, 5}
    freed = queue.take()
    assert freed is not None
    assert freed.batch == 0


def test_a_batch_that_another_claims_meanwhile_is_held(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    with Presence(run.path).kept() as presence:
        queue = queue_of(run, round_)  # sees no attempt
        left_by(run, 0, presence.id)
        assert queue.take() is None
        assert queue.held == {0}


def test_a_claim_whose_answer_was_lost_is_not_waited_for(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    with Presence(run.path).kept() as presence:
        queue = queue_of(run, round_, presence.id, lease_s=0.0)
        left_by(run, 0, presence.id)  # it was made, and the second try said that it was there
        claim = queue.take()
        assert claim is not None
        assert (claim.attempt.number, claim.deaths) == (2, 0)


def test_each_of_many_workers_begins_far_from_the_others(tmp_path: Path) -> None:
    """Else all would walk behind the first, and look at what it has just done."""
    run = begun(tmp_path, ["{name: a, layer: stem_bn, channels: 0-31}"])
    round_ = begin_round(run.path, run.plan)
    firsts = []
    for number in range(5):
        claim = queue_of(run, round_, f"w{number}").take()
        assert claim is not None
        firsts.append(claim.batch)
        write_note(run.path, Note(f"w{number}", this_process(), "2026-01-01", role=WORKER))
    assert firsts == [0, 8, 4, 12, 2]
    assert take_all(queue_of(run, round_, "w5"))[:3] == [10, 11, 13]


def test_a_worker_hears_of_what_others_have_done(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """From journals, at intervals, and it tries no batch that is done."""
    round_ = begin_round(run.path, run.plan, [0, 1, 2, 3])
    mine, other = queue_of(run, round_, lease_s=0.3), queue_of(run, round_, "other")
    journal = Journal(run.path, "other", round_)
    for _ in range(3):
        claim = other.take()
        assert claim is not None
        paint_claim(run, claim, journal)
        other.done(claim)
    time.sleep(0.06)
    tried: list[Attempt] = []
    monkeypatch.setattr(
        queue_module, "make_attempt", lambda *words: tried.append(words[1]) or make_attempt(*words)
    )
    assert take_all(mine) == [3]
    assert [attempt.batch for attempt in tried] == [3]


# ---- errors that may be the computer's


def met_error(run: RunFolder, queue: WorkQueue, batch: int) -> bool:
    """Let a worker meet an error at a batch; tell whether it says that the units are to blame."""
    claim = queue.take()
    assert claim is not None
    assert claim.batch == batch
    if queue.may_judge(claim):
        return True
    queue.leave(claim, claim.units, "no such library")
    return False


def living(run: RunFolder, name: str, computer: str = "") -> None:
    process = {**this_process(), **({"computer": computer} if computer else {})}
    write_note(run.path, Note(name, process, "2026-01-01", beat_s=9, role=WORKER))


def test_a_worker_that_is_alone_says_at_once_that_a_unit_failed(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    living(run, "me")
    assert met_error(run, queue_of(run, round_), 0)


def test_what_fails_with_one_worker_is_left_to_another(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    living(run, "me")
    living(run, "other")
    mine = queue_of(run, round_, lease_s=0.06)
    assert not met_error(run, mine, 0)
    (attempt,) = attempts_of(run.path, 0)
    assert (attempt.outcome, attempt.units, attempt.detail) == ("erred", (0, 1), "no such library")
    time.sleep(0.02)
    assert mine.take() is None  # it met it, and the other may not
    assert not mine.is_over
    other = queue_of(run, round_, "other")
    claim = other.take()
    assert claim is not None
    assert claim.met_with == {"me"}
    paint_claim(run, claim, Journal(run.path, "other", round_))
    other.done(claim)
    time.sleep(0.02)
    assert mine.take() is None
    assert mine.is_over
    assert run_status(run).counts["done"] == 2


def test_what_fails_with_two_workers_of_one_computer_is_left_to_another_computer(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    for name, computer in (("me", ""), ("beside", ""), ("far", "another")):
        living(run, name, computer)
    assert not met_error(run, queue_of(run, round_), 0)
    assert not met_error(run, queue_of(run, round_, "beside"), 0)
    assert queue_of(run, round_, "beside").take() is None
    far = queue_of(run, round_, "far")
    claim = far.take()
    assert claim is not None
    assert claim.met_with == {"me", "beside"}


def test_what_fails_with_two_workers_fails(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    living(run, "me")
    living(run, "beside")
    assert not met_error(run, queue_of(run, round_), 0)
    assert met_error(run, queue_of(run, round_, "beside"), 0)


def test_what_failed_here_is_tried_again_when_the_others_are_gone(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    living(run, "me")
    living(run, "far", "another")
    queue = queue_of(run, round_, lease_s=0.06)
    assert not met_error(run, queue, 0)
    write_note(run.path, Note("far", ELSEWHERE, "2026-01-01", role=WORKER, ended="finished"))
    time.sleep(0.02)
    assert met_error(run, queue, 0)


def test_who_is_at_another_round_is_not_waited_for(run: RunFolder) -> None:
    """It never takes this one's batches; two would wait for each other for ever."""
    round_ = begin_round(run.path, run.plan, [0])
    living(run, "me")
    write_note(run.path, Note("far", ELSEWHERE, "2026-01-01", beat_s=9, role=WORKER, round="0009"))
    assert met_error(run, queue_of(run, round_), 0)


def died_with(run: RunFolder, batch: int, worker: str, times: int) -> None:
    for _ in range(times):
        attempt = left_by(run, batch, worker)
        end_attempt(run.path, replace(attempt, units=(0,)), DIED, "signal 9")


def test_what_kills_on_one_computer_is_tried_on_another_before_it_fails(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [5])
    living(run, "me")
    living(run, "far", "another")
    died_with(run, 5, "me", 3)
    assert len(run.plan.batches[5]) == 2
    here = queue_of(run, round_, tries=3, lease_s=0.06)
    assert here.take() is None  # the first unit killed three processes here
    assert here.held == {5}
    died_with(run, 5, "far", 1)
    time.sleep(0.02)
    claim = here.take()
    assert claim is not None
    assert claim.failed == "the process died: signal 9, 4 times"


def test_who_is_on_another_computer_tries_what_killed(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [5])
    living(run, "far", "another")
    died_with(run, 5, "far", 3)
    claim = queue_of(run, round_, tries=3).take()
    assert claim is not None
    assert (claim.failed, claim.attempt.units) == ("", (0,))


def test_what_errs_on_one_computer_and_kills_on_another_fails(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [5])
    living(run, "me")
    living(run, "far", "another")
    first = left_by(run, 5, "me")
    end_attempt(run.path, replace(first, units=(0,)), ERRED, "out of memory")
    died_with(run, 5, "far", 3)
    claim = queue_of(run, round_, tries=3).take()
    assert claim is not None
    assert claim.failed == "the process died: signal 9, 3 times"


def test_deaths_of_workers_that_nobody_knows_are_judged(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [5])
    living(run, "far", "another")
    died_with(run, 5, "", 3)
    claim = queue_of(run, round_, tries=3).take()
    assert claim is not None
    assert claim.failed


# ---- deaths


def test_a_batch_that_killed_is_rendered_alone_after_all_others(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0, 1, 2, 5])
    died(run, 1)
    queue = queue_of(run, round_)
    first = queue.take()
    assert first is not None
    second = queue.take()
    third = queue.take()
    assert second is not None
    assert third is not None
    assert [first.batch, second.batch, third.batch] == [0, 2, 5]
    assert queue.take() is None  # not beside what is being rendered
    for claim in (first, second, third):
        assert not queue.is_over
        queue.done(claim)
    alone = queue.take()
    assert alone is not None
    assert (alone.batch, alone.attempt.number) == (1, 2)


def test_nothing_is_taken_beside_a_batch_that_killed(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0, 1])
    died(run, 0)
    with Presence(run.path, role=WORKER).kept() as presence:
        left_by(run, 1, presence.id)
        queue = queue_of(run, round_, lease_s=0.01)
        alone = queue.take()
        assert alone is not None
        assert alone.batch == 0
    time.sleep(0.01)  # the other batch is free now
    assert queue.take() is None
    assert queue.take_of(0) is None
    queue.done(alone)
    time.sleep(0.01)
    assert take_all(queue) == [1]


def test_no_batch_that_killed_is_forgotten(run: RunFolder) -> None:
    """Several wait; each is rendered alone."""
    round_ = begin_round(run.path, run.plan, [0, 1, 2, 3])
    for batch in (1, 2, 3):
        died(run, batch)
    queue = queue_of(run, round_)
    first = queue.take()
    assert first is not None
    assert queue.take() is None
    queue.done(first)
    assert not queue.is_over
    assert take_all(queue) == [1, 2, 3]
    assert queue.is_over


def test_what_others_leave_does_not_hide_what_killed(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0, 1, 2])
    died(run, 1)
    with Presence(run.path, role=WORKER).kept() as presence:
        left_by(run, 2, presence.id)
        queue = queue_of(run, round_, lease_s=0.01)
        first = queue.take()
        assert first is not None
        assert queue.take() is None
        queue.done(first)
    time.sleep(0.01)
    assert sorted(take_all(queue)) == [1, 2]


def test_a_batch_that_killed_is_cut_and_its_parts_are_told(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [0])
    for _ in range(2):
        died(run, 0)
    queue = queue_of(run, round_, tries=2)
    journal = Journal(run.path, "me", round_)
    part = queue.take()
    assert part is not None
    assert [unit.name for unit in part.units] == ["channel-0000"]
    assert (part.is_part, part.failed, part.attempt.units) == (True, "", (0,))
    paint_claim(run, part, journal)
    queue.done(part)
    assert batches_done(run.path, round_) == set()
    for _ in range(2):
        died(run, 0, 1)
    rest = queue.take()
    assert rest is not None
    assert [unit.name for unit in rest.units] == ["channel-0001"]
    assert (rest.is_part, rest.failed) == (False, "the process died: signal 9, 2 times")
    paint_claim(run, rest, journal)
    queue.done(rest)
    assert batches_done(run.path, round_) == {0}
    assert queue.is_over


def test_an_open_claim_of_a_dead_worker_counts_as_a_death(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [9])
    with Presence(run.path, id="dead").kept() as presence:
        presence.say(role=WORKER)
    left_by(run, 9, "dead")
    claim = queue_of(run, round_, tries=1).take()
    assert claim is not None
    assert claim.failed == ""  # it ended in order, and could not write that it gave the batch back
    queue_of(run, round_).give_back(claim)
    left_by(run, 9, "dead")
    write_note(run.path, replace(presence.note, ended="signal 9"))
    claim = queue_of(run, round_, tries=1).take()
    assert claim is not None
    assert claim.failed == "the process died, 2 times"


def test_a_claim_that_was_given_back_is_no_death(run: RunFolder) -> None:
    round_ = begin_round(run.path, run.plan, [9])
    for _ in range(3):
        queue = queue_of(run, round_, tries=1)
        claim = queue.take()
        assert claim is not None
        assert claim.failed == ""
        queue.give_back(claim)


# ---- many at a time


def test_threads_render_every_unit_once(run: RunFolder, round_: Round) -> None:
    """No batch is claimed by two while both live."""
    claimed: Counter[int] = Counter()
    painted: Counter[str] = Counter()
    beside = threading.Barrier(4)

    def work(name: str) -> None:
        with Presence(run.path, id=name, role=WORKER).kept():
            own = RunFolder.read(run.path)
            queue, journal = queue_of(own, round_, name, lease_s=0.3), Journal(run.path, name, round_)
            beside.wait()
            while not queue.is_over:
                claim = queue.take()
                if claim is None:
                    time.sleep(0.01)
                    continue
                claimed[claim.batch] += 1
                painted.update(unit.path for unit in claim.units)
                paint_claim(own, claim, journal)
                queue.done(claim)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [f"worker-{i}" for i in range(4)]))
    assert claimed == dict.fromkeys(range(10), 1)
    assert painted == {unit.path: 1 for unit in run.plan.units}
    status = run_status(run)
    assert (status.counts["done"], status.twice, status.left) == (19, 0, 0)


def test_of_paths_that_a_batch_has_not_nothing_is_asked(run: RunFolder) -> None:
    assert begin_round(run.path, run.plan, [0], frozenset({"b/channel-0000"})).batches == ()
