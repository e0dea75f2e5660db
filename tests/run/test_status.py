"""What is told of units, batches and workers, from the files of a run; journals save reading, and no more."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fvcli.plan import Unit
from fvcli.run import RunFolder, run_status
from fvcli.run import folder as folder_module
from fvcli.run.finished import finished_of
from fvcli.run.look import look_at
from fvcli.run.process import this_process
from fvcli.run.work.attempts import Attempt, end_attempt, make_attempt
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import COMMAND, WORKER, Note, write_note
from fvcli.run.work.rounds import Round, begin_round
from tests.helpers.painting import begun_run, paint

GONE = {**this_process(), "started": "1"}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begun_run(tmp_path / "run")


@pytest.fixture
def round_(run: RunFolder) -> Round:
    return begin_round(run.path, run.plan)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sidecars that are read, in order."""
    names: list[str] = []
    real = folder_module.read_sidecar

    def counted(path: Path) -> Any:
        names.append(path.stem)
        return real(path)

    for module in ("folder", "finished", "look"):
        monkeypatch.setattr(f"fvcli.run.{module}.read_sidecar", counted)
    return names


def counts(run: RunFolder) -> dict[str, int]:
    return {state: count for state, count in run_status(run).counts.items() if count}


def state(run: RunFolder, unit: int) -> str | None:
    return look_at(run).state(list(run.plan.places())[unit])


def rendered(run: RunFolder, round_: Round, batch: int, worker: str = "me", **how: Any) -> None:
    """Let a worker have rendered a batch and told it."""
    records = [paint(run, unit, i, **how) for i, unit in enumerate(run.plan.units_of(batch))]
    Journal(run.path, worker, round_).add(batch, 1.0, records)


# ---- journals


def test_what_journals_tell_is_not_read(run: RunFolder, round_: Round, read: list[str]) -> None:
    rendered(run, round_, 0, extras=["step-0001.png"])
    rendered(run, round_, 1, status="dead")
    read.clear()
    look = look_at(run)
    assert [look.state(place) for place in run.plan.places()] == ["done"] * 2 + ["dead"] * 2 + [None] * 3
    assert {path: one.extra_names for path, one in finished_of(run.path).items()} == {
        "edges/channel-0000": ("step-0001.png",),
        "edges/channel-0001": ("step-0001.png",),
        "edges/channel-0002": (),
        "edges/channel-0003": (),
    }
    assert read == []


def test_a_failure_is_told_by_a_journal_but_is_no_picture(
    run: RunFolder, round_: Round, read: list[str]
) -> None:
    rendered(run, round_, 2, status="failed")
    read.clear()
    assert finished_of(run.path) == {}
    assert state(run, 4) == "failed"
    assert read == []
    assert run_status(run).notable == (("edges/channel-0004", "failed", "it broke"),)


def edit_in_place(run: RunFolder, unit: Unit) -> None:
    """Another status of the same length, at another time."""
    path = run.json(unit)
    text = path.read_text()
    assert text.count('"status": "done"') == 1
    path.write_text(text.replace('"status": "done"', '"status": "dead"'))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def cut_picture(run: RunFolder, unit: Unit) -> None:
    run.png(unit).write_bytes(run.png(unit).read_bytes()[:-1])


def remove_picture(run: RunFolder, unit: Unit) -> None:
    run.png(unit).unlink()


def cut_extra(run: RunFolder, unit: Unit) -> None:
    run.extra(unit, "step-0001.png").write_bytes(b"")


def remove_sidecar(run: RunFolder, unit: Unit) -> None:
    run.json(unit).unlink()


def cut_sidecar(run: RunFolder, unit: Unit) -> None:
    run.json(unit).write_text(run.json(unit).read_text()[:-9])


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (edit_in_place, "dead"),
        (cut_picture, "pending"),
        (remove_picture, "pending"),
        (cut_extra, "pending"),
        (remove_sidecar, "pending"),
        (cut_sidecar, "pending"),
    ],
)
def test_files_that_are_not_those_that_were_told_are_read(
    run: RunFolder, round_: Round, change: Callable[[RunFolder, Unit], None], then: str
) -> None:
    rendered(run, round_, 2, extras=["step-0001.png"])
    assert counts(run) == {"done": 1, "pending": 6}
    change(run, run.plan.units[4])
    assert counts(run) == ({"pending": 7} if then == "pending" else {then: 1, "pending": 6})
    assert len(finished_of(run.path)) == (then != "pending")


def test_a_line_that_was_cut_short_costs_only_time(run: RunFolder, round_: Round, read: list[str]) -> None:
    rendered(run, round_, 0)
    rendered(run, round_, 1)
    journal = run.path / "workers/me.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    read.clear()
    assert state(run, 0) == "done"
    assert read == []
    assert state(run, 2) == "done"
    assert read == ["channel-0002"]
    journal.unlink()
    assert counts(run) == {"done": 4, "pending": 3}


def test_a_line_of_another_key_says_nothing(run: RunFolder, round_: Round) -> None:
    """It tells of a picture of another spec at the same place."""
    rendered(run, round_, 2)
    unit = run.plan.units[4]
    sidecar, journal = run.json(unit), run.path / "workers/me.jsonl"
    before = sidecar.stat().st_mtime_ns
    for path in (sidecar, journal):
        path.write_text(path.read_text().replace(unit.key, "0" * len(unit.key)))
    os.utime(sidecar, ns=(before, before))
    status = run_status(run)
    assert (status.counts["done"], status.counts["pending"], status.others) == (0, 7, 1)


def test_the_latest_line_of_a_unit_counts(run: RunFolder, round_: Round, read: list[str]) -> None:
    rendered(run, round_, 2, status="failed")
    rendered(run, round_, 2)
    read.clear()
    assert state(run, 4) == "done"
    assert read == []


@pytest.mark.parametrize("late", ["other", "another"])  # read after and before the journal of me
def test_what_is_rendered_twice_is_counted(run: RunFolder, round_: Round, late: str) -> None:
    rendered(run, round_, 0)
    rendered(run, round_, 0, late, anew=False)
    rendered(run, round_, 1)
    status = run_status(run)
    assert (status.twice, status.counts["done"]) == (2, 4)
    assert status.to_dict()["rendered_twice"] == 2


def test_twice_is_counted_though_neither_saw_the_other_or_the_other_was_in_a_round_before(
    run: RunFolder, round_: Round
) -> None:
    rendered(run, round_, 0)
    rendered(run, round_, 0, "beside")  # two units
    rendered(run, begin_round(run.path, run.plan), 2, "before", anew=False)
    rendered(run, round_, 2, "late", anew=False)  # one unit
    rendered(run, round_, 2, "latest", anew=False)  # once more
    assert run_status(run).twice == 4


# ---- batches


def attempt_at(run: RunFolder, batch: int, worker: str, *units: int, outcome: str = "") -> None:
    attempt = Attempt(batch, 1, worker, units or None)
    assert make_attempt(run.path, attempt)
    if outcome:
        end_attempt(run.path, attempt, outcome)


def test_batches_are_running_lost_or_pending(run: RunFolder) -> None:
    write_note(run.path, Note("alive", this_process(), "2026-01-01", role=WORKER))
    write_note(run.path, Note("gone", GONE, "2026-01-01", role=WORKER))
    attempt_at(run, 0, "alive", 0)  # of two units one
    attempt_at(run, 1, "gone")
    attempt_at(run, 2, "alive", outcome="died")
    attempt_at(run, 3, "gone", outcome="stopped")
    status = run_status(run)
    assert {state: count for state, count in status.counts.items() if count} == {
        **{"running": 1, "lost": 3, "pending": 3}
    }
    assert status.batches == {"done": 0, "running": 1, "lost": 2, "pending": 1}
    assert status.jobs["textures"]["pending"] == 2
    assert [(one.unit, one.status, one.error) for one in status.notable] == [
        (f"edges/channel-000{i}", "lost", None) for i in (2, 3, 4)
    ]
    assert status.left == 7


def test_only_the_latest_attempt_counts(run: RunFolder) -> None:
    write_note(run.path, Note("alive", this_process(), "2026-01-01", role=WORKER))
    attempt_at(run, 2, "alive")
    later = Attempt(2, 2, "alive")
    make_attempt(run.path, later)
    end_attempt(run.path, later, "stopped")
    assert counts(run) == {"pending": 7}


@pytest.mark.parametrize("outcome", ["done", "stopped"])
def test_what_an_attempt_left_undone_is_pending(run: RunFolder, outcome: str) -> None:
    attempt_at(run, 2, "gone", outcome=outcome)
    assert counts(run) == {"pending": 7}


def test_a_batch_is_what_its_worst_unit_is(run: RunFolder, round_: Round) -> None:
    rendered(run, round_, 0)
    paint(run, run.plan.units[2], status="failed")
    paint(run, run.plan.units[3], status="dead")
    paint(run, run.plan.units[5])
    status = run_status(run)
    assert status.batches == {"done": 2, "running": 0, "lost": 0, "pending": 2}
    assert (status.units, status.left) == (7, 2)
    assert [tuple(one) for one in status.notable] == [
        ("edges/channel-0002", "failed", "it broke"),
        ("edges/channel-0003", "dead", "it never fired"),
    ]


# ---- workers


def test_workers_are_told_and_commands_are_not(run: RunFolder) -> None:
    write_note(run.path, Note("command", this_process(), "2026-01-01", role=COMMAND))
    living = Note(
        *("alive", this_process(), "2026-01-02", 7, 10.0, WORKER, "cpu", "f00d"),
        at=({"batch": 3, "attempt": 1},),
        done=6,
        busy_s=90.0,
        job="12",
        argv=("fvcli", "work"),
    )
    write_note(run.path, living)
    write_note(run.path, Note("gone", GONE, "2026-01-01", role=WORKER, done=60, busy_s=60.0))
    status = run_status(run)
    assert [(worker.note.id, worker.is_alive) for worker in status.workers] == [
        ("gone", False),
        ("alive", True),
    ]
    assert status.units_a_minute == 4.0
    told = status.to_dict()
    assert (told["units_a_minute"], told["seconds_left"]) == (4.0, 105.0)
    assert told["workers"][1] == {
        **{"id": "alive", "began": "2026-01-02", "role": "worker", "device": "cpu", "fingerprint": "f00d"},
        **{"at": ({"batch": 3, "attempt": 1},), "done": 6, "failed": 0, "again": 0, "busy_s": 90.0},
        **{"error": "", "ended": "", "round": "", "job": "12", "alive": True, "units_a_minute": 4.0},
        **{"host": this_process()["host"], "pid": os.getpid()},
    }
    json.dumps(told)


def test_without_workers_nobody_knows_how_long_it_takes(run: RunFolder) -> None:
    told = run_status(run).to_dict()
    assert (told["units_a_minute"], told["seconds_left"], told["workers"]) == (0, None, [])
