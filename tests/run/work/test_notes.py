"""Notes of workers, and which of them live."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.run.process import this_process
from fvcli.run.work import notes
from fvcli.run.work.notes import (
    WORKER,
    Note,
    Presence,
    Watch,
    at_work,
    new_id,
    note_path,
    read_note,
    read_notes,
    seems_alive,
    write_note,
)
from tests.helpers.running import at_work_elsewhere

ELSEWHERE = {"host": "elsewhere", "computer": "another", "pid": 1, "started": "1"}
GONE = {**this_process(), "started": "1"}


class Clock:
    """Stands in for the clock of this computer."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    time = staticmethod(time.time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(notes, "time", found)
    return found


def note(name: str = "a", beat: int = 0, **more: object) -> Note:
    return Note(name, more.pop("process", ELSEWHERE), "2026-01-01", beat, **more)  # type: ignore[arg-type]


# ---- files


def test_a_note_is_written_and_read(tmp_path: Path) -> None:
    full = Note(
        *("a", this_process(), "2026-01-01T00:00:00+00:00", 7, 2.5, WORKER, "cpu", "f00d"),
        at=({"batch": 3, "attempt": 1},),
        done=4,
        failed=1,
        again=2,
        busy_s=80.0,
        error="it broke",
        ended="signal 9",
        job="12_3",
        argv=("fvcli", "work"),
    )
    write_note(tmp_path, full)
    assert note_path(tmp_path, "a") == tmp_path / "workers/a.json"
    assert read_note(tmp_path / "workers/a.json") == full
    assert full.units_a_minute == 3.0
    assert note().units_a_minute == 0.0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": "a"}'])
def test_what_is_no_note_is_passed_over(tmp_path: Path, content: str) -> None:
    write_note(tmp_path, note("b"))
    (tmp_path / "workers/a.json").write_text(content)
    assert read_notes(tmp_path) == [note("b")]
    assert read_notes(tmp_path / "nowhere") == []


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    write_note(tmp_path, note("a"))
    path = tmp_path / "workers/a.json"
    path.write_text(path.read_text().replace('"beat"', '"mood": "fine", "beat"'))
    assert read_note(path) == note("a")


def test_notes_are_read_oldest_first(tmp_path: Path) -> None:
    for name, began in (("a", "2026-02-02"), ("b", "2026-01-01"), ("c", "2026-01-01")):
        write_note(tmp_path, Note(name, ELSEWHERE, began))
    assert [found.id for found in read_notes(tmp_path)] == ["b", "c", "a"]


def test_names_are_unlike_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({new_id() for _ in range(100)}) == 100
    monkeypatch.setattr("socket.gethostname", lambda: "node_1.cluster/" + "x" * 300)
    name = new_id()
    assert name.startswith("node-1-cluster-xxx")
    assert f"-{os.getpid()}-" in name
    assert len(name) < 70


# ---- presence


def test_a_worker_that_lives_rewrites_its_note(tmp_path: Path) -> None:
    with Presence(tmp_path, 0.06, role=WORKER, job="7").kept() as presence:
        path = note_path(tmp_path, presence.id)
        first = read_note(path)
        assert first is not None
        assert (first.process, first.role, first.job, first.ended) == (this_process(), WORKER, "7", "")
        assert first.beat_s == pytest.approx(0.01)
        end = time.monotonic() + 20
        while (later := read_note(path)) is None or later.beat < first.beat + 3:
            assert time.monotonic() < end
            time.sleep(0.01)
        presence.say(device="cpu", done=3, at=({"batch": 1},))
        said = read_note(path)
        assert said is not None
        assert (said.device, said.done, said.at) == ("cpu", 3, ({"batch": 1},))
        assert presence.note.device == "cpu"
    ended = read_note(path)
    assert ended is not None
    assert (ended.ended, ended.at, ended.done) == ("finished", (), 3)
    assert threading.active_count() < 20


def test_a_long_lease_needs_a_sign_of_life_every_ten_seconds(tmp_path: Path) -> None:
    assert Presence(tmp_path).note.beat_s == 10.0
    assert Presence(tmp_path, 30.0).note.beat_s == 5.0


def test_nothing_is_left_of_a_command(tmp_path: Path) -> None:
    with Presence(tmp_path).kept() as presence:
        assert note_path(tmp_path, presence.id).exists()
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_note_says_what_went_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such layer"), Presence(tmp_path, id="me", role=WORKER).kept():
        raise ValueError("no such layer")
    left = read_note(note_path(tmp_path, "me"))
    assert left is not None
    assert (left.error, left.ended, left.at) == ("no such layer", "ValueError", ())


def test_a_full_disk_does_not_hide_the_end_of_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FvcliError("no space left")

    with Presence(tmp_path, role=WORKER).kept():
        monkeypatch.setattr(notes, "write_note", full)


# ---- who is gone


@pytest.mark.parametrize(
    ("left", "gone"),
    [
        (note(ended="finished"), True),
        (note(process=GONE), True),
        (note(process=this_process()), False),
        (note(), False),
        (None, False),
    ],
)
def test_what_can_be_told_at_once(tmp_path: Path, clock: Clock, left: Note | None, gone: bool) -> None:
    if left is not None:
        write_note(tmp_path, left)
    assert Watch(tmp_path, 60.0).is_gone("a") is gone


@pytest.mark.parametrize("process", [ELSEWHERE, this_process()])
def test_else_a_worker_is_gone_when_its_note_stays_the_same_for_the_lease(
    tmp_path: Path, clock: Clock, process: dict[str, object]
) -> None:
    """By the clock of who watches, from when it looked first."""
    watch = Watch(tmp_path, 60.0)
    write_note(tmp_path, note(beat=5, process=process))
    assert not watch.is_gone("a")
    clock.sleep(59.9)
    assert not watch.is_gone("a")
    write_note(tmp_path, note(beat=6, process=process))
    clock.sleep(59.9)
    assert not watch.is_gone("a")  # seen now
    clock.sleep(59.9)
    assert not watch.is_gone("a")
    clock.sleep(0.2)
    assert watch.is_gone("a")
    write_note(tmp_path, note(beat=7, process=process))  # it was only slow
    assert not watch.is_gone("a")


def test_each_worker_has_a_lease_of_its_own(tmp_path: Path, clock: Clock) -> None:
    watch = Watch(tmp_path, 60.0)
    assert not watch.is_gone("a")
    clock.sleep(60)
    assert not watch.is_gone("b")
    assert watch.is_gone("a")
    write_note(tmp_path, note("a"))  # it is there after all
    assert not watch.is_gone("a")


def test_whether_a_worker_lives_as_far_as_it_can_be_told(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    told = [
        watch.is_alive(one) for one in (note(ended="x"), note(process=GONE), note(process=this_process()))
    ]
    assert told == [False, False, True]
    assert watch.is_alive(note()) is None


def test_for_people_the_age_of_a_note_is_enough(tmp_path: Path) -> None:
    for one, alive in (
        (note(ended="finished"), False),
        (note(process=this_process(), ended="finished"), False),
        (note(process=GONE), False),
        (note(process=this_process()), True),
        (note(beat_s=2.0), True),
    ):
        write_note(tmp_path, one)
        assert seems_alive(tmp_path, one) is alive
    path = note_path(tmp_path, "a")
    for age_s, alive in ((11.0, True), (13.0, False)):
        os.utime(path, (time.time() - age_s,) * 2)
        assert seems_alive(tmp_path, note(beat_s=2.0)) is alive
    assert not seems_alive(tmp_path, note("nobody"))


# ---- who is at work


def test_this_process_and_who_has_ended_are_not_at_work(tmp_path: Path) -> None:
    write_note(tmp_path, note("a", process=GONE))
    write_note(tmp_path, note("b", ended="finished"))
    with Presence(tmp_path).kept():
        assert at_work(tmp_path) == []


def test_another_process_here_is_at_work(tmp_path: Path) -> None:
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.run import RunFolder
    from tests.helpers.running import write_spec

    planned = plan_of_spec(str(write_spec(tmp_path)), [])
    with RunFolder.begin(tmp_path / "run", planned.plan, planned.text):
        pass
    with at_work_elsewhere(tmp_path / "run") as pid:
        assert [one.process["pid"] for one in at_work(tmp_path / "run")] == [pid]


def at_second_sleep(clock: Clock, then: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(99))

    def sleep(seconds: float) -> None:
        clock.now += seconds
        if next(calls) == 1:
            then()

    monkeypatch.setattr(clock, "sleep", sleep)


def test_one_elsewhere_is_watched_for_some_beats(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_note(tmp_path, note(beat_s=4.0))
    assert at_work(tmp_path) == []
    assert clock.now == 1012.0
    at_second_sleep(clock, lambda: write_note(tmp_path, note(beat=1, beat_s=4.0)), monkeypatch)
    assert [one.id for one in at_work(tmp_path)] == ["a"]
    assert clock.now == 1014.0


def test_one_elsewhere_that_ends_meanwhile_is_not_at_work(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_note(tmp_path, note(beat_s=0.5))
    ended = note(beat=1, beat_s=0.5, ended="finished")
    at_second_sleep(clock, lambda: write_note(tmp_path, ended), monkeypatch)
    assert at_work(tmp_path) == []
