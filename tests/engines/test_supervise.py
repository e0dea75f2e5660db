"""Workers as processes that are watched: what kills them is found, and what they leave is taken over.

The workers are real, but paint instead of rendering. What a real one does not do is done by a script.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.engines import EngineOptions, Event, LocalEngine
from fvcli.engines import local as local_module
from fvcli.engines import supervise as module
from fvcli.engines.supervise import supervise
from fvcli.errors import FvcliError, StoppedError, UsageError
from fvcli.python_module import python_module
from fvcli.run import RunFolder, run_status
from fvcli.run.process import is_gone, this_process
from fvcli.run.work.attempts import Attempt, attempts_of, make_attempt
from fvcli.run.work.notes import Note, read_notes, write_note
from fvcli.run.work.rounds import Round, begin_round
from tests.helpers import painters
from tests.helpers.painting import begun_run
from tests.helpers.running import sidecars

HOW = EngineOptions(threads=1, tries=1)
PAUSE = Event(-1, "waiting")
Script = Callable[[str], None]


@pytest.fixture(autouse=True)
def poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.02)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begun_run(tmp_path / "run")


@pytest.fixture
def round_(run: RunFolder) -> Round:
    return begin_round(run.path, run.plan)


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let workers paint; what they do is said as a painter's fields."""
    monkeypatch.setattr(module, "python_module", lambda _: python_module("tests.helpers.painters"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def behave(**how: object) -> None:
        monkeypatch.setenv(painters.HOW, json.dumps(how))

    return behave


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Script:
    """Let workers be a shell script; $1 is its word --name, $2 the name."""

    def use(text: str) -> None:
        monkeypatch.setattr(module._Nursery, "_command", lambda _: ["/bin/sh", "-c", text, "worker"])

    return use


def said(state: str, batch: int = 0) -> str:
    return f"""echo '{{"batch": {batch}, "state": "{state}"}}'; """


def watching(
    run: RunFolder, round_: Round, options: EngineOptions, workers: int
) -> Generator[Event, None, None]:
    """Yield all events, without those that only give the word to whoever listens."""
    with contextlib.closing(supervise(run, round_, options, workers)) as events:  # type: ignore[type-var]
        yield from (event for event in events if event != PAUSE)


def watch(run: RunFolder, round_: Round, options: EngineOptions, workers: int) -> list[Event]:
    return list(watching(run, round_, options, workers))


def states(events: list[Event]) -> list[str]:
    return [event.state for event in events]


# ---- workers that paint


def test_workers_share_a_round(run: RunFolder, round_: Round, painter: Callable[..., None]) -> None:
    painter(deadly={"edges/channel-0000": "noise"})
    events = watch(run, round_, HOW, 2)
    done = [event.batch for event in events if event.state == "done"]
    assert sorted(done) == [0, 1, 2, 3]
    assert sum(sum(event.counts.values()) for event in events) == 7
    assert {"waiting", "over"}.isdisjoint(states(events))
    assert run_status(run).counts["done"] == 7
    assert [note.ended for note in read_notes(run.path)] == ["finished", "finished"]


def test_a_unit_that_kills_is_found_and_the_others_are_rendered(
    run: RunFolder, round_: Round, painter: Callable[..., None]
) -> None:
    """Once at its batch, and once alone."""
    painter(deadly={"edges/channel-0002": "signal 9"})
    events = watch(run, round_, HOW, 1)
    lost = [event for event in events if event.state == "lost"]
    assert [event.batch for event in lost] == [1, 1]
    notes = read_notes(run.path)
    died = [note for note in notes if note.ended == "signal 9"]
    assert {event.where for event in lost} == {note.id for note in died}
    for event in lost:
        log = run.path / f"logs/{event.where}.log"
        assert event.remarks == (
            f"worker {event.where} died: signal 9; another takes its place, and its log is {log}",
        )
    assert all(note.at == () for note in notes)
    attempts = [(attempt.units, attempt.outcome, attempt.detail) for attempt in attempts_of(run.path, 1)]
    assert attempts == [
        ((0, 1), "died", "signal 9"),
        ((0,), "died", "signal 9"),
        ((0,), "done", ""),  # recorded as failed
        ((1,), "done", ""),
    ]
    failed = {name: one["status"] for name, one in sidecars(run.path).items() if one["status"] != "done"}
    assert failed == {"edges/channel-0002.json": "failed"}
    assert run_status(run).left == 0


def test_workers_that_are_no_longer_watched_are_asked_to_stop(
    run: RunFolder, round_: Round, painter: Callable[..., None]
) -> None:
    painter(pause_s=0.2)
    events = watching(run, round_, HOW, 1)
    assert next(events).state == "started"
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 20
    assert [attempts_of(run.path, 0)[0].outcome] in (["stopped"], [None], ["done"])
    assert all(is_gone(note.process) for note in read_notes(run.path))
    assert run_status(run).counts["done"] < 7


WATCHER = """
import sys
from pathlib import Path
from fvcli.engines import EngineOptions, supervise as module
from fvcli.run import RunFolder
from fvcli.run.work.rounds import latest_round
python_module = module.python_module
module.python_module = lambda _: python_module("tests.helpers.painters")
path = Path(sys.argv[1])
for event in module.supervise(RunFolder.read(path), latest_round(path), EngineOptions(threads=1), 1):
    if event.state == "started":
        print("started", flush=True)
"""


def test_a_worker_stops_when_its_watcher_is_killed(
    run: RunFolder, round_: Round, painter: Callable[..., None]
) -> None:
    painter(pause_s=0.1)
    with subprocess.Popen([sys.executable, "-c", WATCHER, run.path], stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == b"started\n"
        watcher.kill()
    (note,) = read_notes(run.path)
    end = time.monotonic() + 20
    while not is_gone(note.process):
        assert time.monotonic() < end
        time.sleep(0.02)
    (note,) = read_notes(run.path)
    assert note.ended
    assert run_status(run).counts["done"] < 7


def test_a_computer_at_which_everything_dies_is_given_up(
    run: RunFolder, round_: Round, painter: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No unit is failed for it, and what died there is rendered elsewhere."""
    monkeypatch.setattr(module, "DEADLY", 3)
    painter(deadly=dict.fromkeys((f"{unit.job}/{unit.name}" for unit in run.plan.units), "signal 9"))
    events: list[Event] = []
    with pytest.raises(
        FvcliError, match=r"^3 batches in a row killed their process, .*: signal 9: does this"
    ):
        events.extend(watching(run, round_, EngineOptions(threads=1, tries=2), 1))
    assert len({event.batch for event in events if event.state == "lost"}) == 3
    assert sidecars(run.path) == {}
    painter()
    watch(run, round_, EngineOptions(threads=1, tries=2), 1)
    assert run_status(run).counts["done"] == 7


def test_a_worker_at_which_everything_dies_leaves_the_others_in_peace(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first dies at batches 0 to 2, one after the other; the second ends when that is over."""
    monkeypatch.setattr(module, "DEADLY", 3)
    count = f"echo >> {tmp_path}/count; n=$(wc -l < {tmp_path}/count); "
    begin = 'echo "{\\"batch\\": $n, \\"state\\": \\"started\\"}"; '
    script(
        f"mkdir {tmp_path}/first 2>/dev/null && {{ sleep 1.5; {said('over')} exit 0; }}; "
        f"{count} {begin} kill -9 $$"
    )
    events = watch(run, round_, HOW, 2)
    assert sorted(event.batch for event in events if event.state == "started") == [1, 2, 3]
    assert "3 batches in a row killed their process" in events[-1].remarks[0]


# ---- workers that do what no real one does


def test_garbage_is_passed_over(run: RunFolder, round_: Round, script: Script) -> None:
    script(r"printf '\377\376 noise\n[1]\n{}\n7\n'; " + said("started") + said("done") + said("over"))
    assert states(watch(run, round_, HOW, 1)) == ["started", "done"]


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("exit 139", "exit code 139"),
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "signal 9"),
        ("kill -SEGV $$", "signal 11"),
    ],
)
def test_what_dies_is_replaced(
    run: RunFolder, round_: Round, script: Script, tmp_path: Path, end: str, how: str
) -> None:
    script(
        f"[ -e {tmp_path}/second ] && {{ {said('over')} exit 1; }}; "
        f": > {tmp_path}/second; {said('started')} {end}"
    )
    started, lost = watch(run, round_, HOW, 1)
    assert (started.state, lost.state, lost.batch) == ("started", "lost", 0)
    assert f"worker {lost.where} died: {how}; another takes its place" in lost.remarks[0]


def test_who_was_stopped_is_not_replaced(run: RunFolder, round_: Round, script: Script) -> None:
    script(said("started") + "exit 75")
    events: list[Event] = []
    with pytest.raises(StoppedError, match=f"to go on: fvcli work {run.path}"):
        events.extend(watching(run, round_, HOW, 1))
    assert len(list((run.path / "logs").iterdir())) == 1


@pytest.mark.parametrize("end", ["exit 139", "kill -9 $$", "kill -SEGV $$", "exit 3"])
def test_a_death_after_the_end_is_no_death(run: RunFolder, round_: Round, script: Script, end: str) -> None:
    script(said("started") + said("done") + said("over") + end)
    assert states(watch(run, round_, HOW, 1)) == ["started", "done"]


def test_a_worker_that_errs_again_and_again_is_given_up_and_the_others_go_on(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the others finish does not make it worth another try."""
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    finish = " ".join(f"sleep 0.1; {said('started', i)} {said('done', i)}" for i in range(20))
    script(
        f"mkdir {tmp_path}/first 2>/dev/null && {{ {finish} {said('over')} exit 0; }}; "
        f"echo >> {tmp_path}/errors; echo 'Error: no such disk' >&2; exit 74"
    )
    events = watch(run, round_, HOW, 2)
    assert (tmp_path / "errors").read_text().count("\n") == 3
    given_up = [
        event for event in events if "the other workers go on without worker" in " ".join(event.remarks)
    ]
    assert len(given_up) == 1
    assert "no such disk" in given_up[0].remarks[0]
    assert states(events).count("done") == 20


@pytest.mark.parametrize("workers", [1, 3])
def test_of_an_error_that_all_meet_the_error_itself_is_told(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """And nothing of deaths: also where they had claimed batches, and gave them back."""
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    script(said("started") + "echo 'Error: no space left' >&2; exit 74")
    with pytest.raises(FvcliError, match=r"^no space left$"):
        watch(run, round_, HOW, workers)


def test_workers_that_cannot_start_end_none_that_can(
    run: RunFolder, round_: Round, script: Script, tmp_path: Path
) -> None:
    script(
        f"mkdir {tmp_path}/first 2>/dev/null || exit 139; "
        f"{said('started')} sleep 1; {said('done')} {said('over')} exit 0"
    )
    events = watch(run, round_, HOW, 3)
    assert states(events).count("done") == 1
    assert sum("died before they could render" in " ".join(event.remarks) for event in events) == 2


def test_who_listens_may_stop_it_whatever_workers_say(run: RunFolder, round_: Round, script: Script) -> None:
    """Three that talk without a pause."""
    script("while :; do " + said("waiting", -1) + " sleep 0.005; done")
    events = supervise(run, round_, HOW, 3)
    with contextlib.closing(events):  # type: ignore[type-var]
        assert [next(events) for _ in range(5)] == [PAUSE] * 5


@pytest.mark.parametrize("code", [0, 1, 74])
def test_an_end_without_a_last_word_is_an_error(
    run: RunFolder, round_: Round, script: Script, code: int
) -> None:
    script(f"echo 'Error: a disk is full' >&2; echo 'Error: free some' >&2; exit {code}")
    with pytest.raises(FvcliError, match=r"^a disk is full\nfree some$") as raised:
        watch(run, round_, HOW, 1)
    assert not isinstance(raised.value, UsageError)


def test_a_mistake_is_raised_in_the_workers_words(run: RunFolder, round_: Round, script: Script) -> None:
    script("echo 'a remark' >&2; echo 'Error: it may not join' >&2; exit 2")
    with pytest.raises(UsageError, match=r"^it may not join$"):
        watch(run, round_, HOW, 2)
    script("exit 2")
    with pytest.raises(UsageError, match=r"^a worker could not start; see .*\.log$"):
        watch(run, round_, HOW, 1)


def test_workers_that_die_before_they_claim_are_given_up(
    run: RunFolder, round_: Round, script: Script
) -> None:
    script("exit 139")
    events: list[Event] = []
    why = "3 workers in a row died before they could render: exit code 139: see"
    with pytest.raises(FvcliError, match=why):
        events.extend(watching(run, round_, HOW, 1))
    assert [(event.batch, event.state) for event in events] == [(-1, "lost"), (-1, "lost")]


def test_a_worker_that_claimed_makes_others_worth_a_try(
    run: RunFolder, round_: Round, script: Script, tmp_path: Path
) -> None:
    """Two die at once, one claims and dies, two die at once, the sixth does the rest."""
    count = f"echo >> {tmp_path}/count; n=$(wc -l < {tmp_path}/count); "
    script(
        f"{count} [ $n = 6 ] && {{ {said('started')} {said('done')} {said('over')} exit 0; }}; "
        f"[ $n = 3 ] && {{ {said('started', 1)} {said('started', 2)} }}; exit 139"
    )
    events = watch(run, round_, HOW, 1)
    assert [(event.batch, event.state) for event in events] == [
        *((-1, "lost"), (-1, "lost")),
        *((1, "started"), (2, "started"), (1, "lost"), (2, "lost")),
        *((-1, "lost"), (-1, "lost")),
        *((0, "started"), (0, "done")),
    ]
    assert [any(event.remarks) for event in events if event.batch > 0] == [False, False, True, False]


def test_what_was_said_last_is_heard(run: RunFolder, round_: Round, script: Script) -> None:
    """Also if the process has ended before anybody listened."""
    many = " ".join(said("progress", i) for i in range(200))
    script(said("started") + many + said("over") + "exit 139")
    events = watch(run, round_, HOW, 1)
    assert Counter(states(events)) == {"started": 1, "progress": 200}


def test_what_a_worker_started_and_left_holds_nothing_up(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the line of the worker open."""
    monkeypatch.setattr(module, "LAST_WORDS_S", 0.1)
    script("sleep 20 & " + said("over") + "exit 0")
    began = time.monotonic()
    assert watch(run, round_, HOW, 1) == []
    assert time.monotonic() - began < 15


def test_a_process_that_will_not_stop_is_killed(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    script("trap '' TERM; " + said("started") + "while :; do sleep 0.1; done")
    events = watching(run, round_, HOW, 2)
    assert [next(events).state for _ in range(2)] == ["started"] * 2  # both heed no SIGTERM from here on
    (log, *_) = (run.path / "logs").iterdir()
    assert make_attempt(run.path, Attempt(0, 1, log.stem))
    write_note(run.path, Note(log.stem, this_process(), "2026-01-01", at=({"batch": 0, "attempt": 1},)))
    began = time.monotonic()
    events.close()
    assert 0.2 < time.monotonic() - began < 10
    assert attempts_of(run.path, 0)[0].outcome == "stopped"  # its batch did not kill it


def test_progress_keeps_a_worker(run: RunFolder, round_: Round, script: Script) -> None:
    """It is at one batch for longer than the time limit."""
    options = EngineOptions(timeout_s=0.6, tries=1)
    script(said("started") + f"for i in 1 2 3 4 5 6; do sleep 0.2; {said('progress')} done;" + said("over"))
    assert states(watch(run, round_, options, 1)) == ["started", *["progress"] * 6]


def test_a_worker_that_hangs_is_killed_and_its_batch_knows(
    run: RunFolder, round_: Round, script: Script
) -> None:
    script(said("started") + "sleep 60")
    events = watching(run, round_, EngineOptions(timeout_s=0.3), 1)
    assert next(events).state == "started"
    (log,) = (run.path / "logs").iterdir()
    attempt = Attempt(0, 1, log.stem)
    assert make_attempt(run.path, attempt)
    note = Note(log.stem, this_process(), "2026-01-01", at=({"batch": 0, "attempt": 1},))
    write_note(run.path, note)
    began = time.monotonic()
    assert next(events).state == "lost"
    assert time.monotonic() - began < 20
    told = "no progress for 0.3 s"
    assert attempts_of(run.path, 0) == [replace(attempt, outcome="died", detail=told)]
    assert read_notes(run.path) == [replace(note, at=(), ended=told)]
    events.close()


def test_a_process_that_starts_slowly_does_not_hang(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another patience is for its start, which may read TensorFlow from a slow disk."""
    options = EngineOptions(timeout_s=0.2)
    script("sleep 1; " + said("started") + said("over"))
    assert states(watch(run, round_, options, 1)) == ["started"]
    monkeypatch.setattr(module, "START_S", 0.3)
    script("sleep 60")
    with pytest.raises(FvcliError, match=r"before they could render: no progress for 0\.3 s"):
        watch(run, round_, options, 1)


# ---- how they are started


def command_of(run: RunFolder, round_: Round, options: EngineOptions, workers: int = 1) -> list[str]:
    nursery = module._Nursery(run, round_, options, workers)
    nursery.stop()
    return nursery._command()


def test_workers_know_what_was_typed(run: RunFolder, round_: Round, script: Script) -> None:
    """$3 and $4 are --typed and the words; run.json and messages of the worker name them."""
    script('echo "Error: $3 $4" >&2; exit 2')
    typed = ("fvcli", "render", "a spec.yaml", "--again")
    with pytest.raises(UsageError, match=r'^--typed \["fvcli", "render", "a spec\.yaml", "--again"\]$'):
        list(supervise(run, round_, HOW, 1, typed))
    with RunFolder.join(run.path, argv=typed) as joined, pytest.raises(UsageError, match=r"a spec\.yaml"):
        list(supervise(joined, round_, HOW, 1))
    script("exit 75")
    with pytest.raises(StoppedError, match=r"; to go on: fvcli render 'a spec\.yaml'$"):
        list(supervise(run, round_, HOW, 1, typed))
    with pytest.raises(StoppedError, match=f"; to go on: fvcli work {run.path}$"):
        list(supervise(run, round_, HOW, 1, ["my_program.py"]))


def test_workers_are_told_how_to_work(run: RunFolder, round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    words = [*python_module("fvcli"), "work", str(run.path), "--events", "--round", "0001"]
    rest = ["--tries", "4", "--timeout", "99.5", "--lease", "7.5", "--threads", "3"]
    options = EngineOptions(None, 3, tries=4, timeout_s=99.5, lease_s=7.5)
    assert command_of(run, round_, options) == [*words, *rest]
    options = EngineOptions(None, 3, tries=4, timeout_s=99.5, lease_s=7.5, allow_code=True, mixed=True)
    assert command_of(run, round_, options) == [*words, *rest, "--allow-code", "--mixed"]


def test_cores_are_shared_out(run: RunFolder, round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(module, "cores", lambda: 8)
    for workers, threads in ((1, "8"), (3, "2"), (16, "1")):
        assert command_of(run, round_, EngineOptions(), workers)[-2:] == ["--threads", threads]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "--threads" not in command_of(run, round_, EngineOptions(), 3)


def test_each_worker_has_a_name_and_its_gpus(
    run: RunFolder, round_: Round, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    script(f'echo "$1 $CUDA_VISIBLE_DEVICES" > {tmp_path}/$2; ' + said("over"))
    watch(run, round_, EngineOptions(), 2)
    names = sorted(path.stem for path in (run.path / "logs").iterdir())
    assert len(names) == 2
    assert sorted((tmp_path / name).read_text() for name in names) == ["--name 4\n", "--name 7\n"]


@pytest.mark.parametrize(
    ("workers", "gpus", "each", "started"),
    [
        (None, (), 1.0, None),  # this process renders
        (None, ("0",), 1.0, None),
        (None, ("0", "1"), 1.0, 2),
        (None, ("0",), 0.25, 4),
        (1, (), 1.0, 1),  # a process of its own
        (3, (), 1.0, 3),
        (99, (), 1.0, 4),  # no more than batches
    ],
)
def test_how_many_workers_a_machine_has(
    run: RunFolder,
    round_: Round,
    monkeypatch: pytest.MonkeyPatch,
    workers: int | None,
    gpus: tuple[str, ...],
    each: float,
    started: int | None,
) -> None:
    heard: list[int | None] = []
    monkeypatch.setattr(local_module, "gpus_here", lambda: gpus)
    monkeypatch.setattr(local_module, "supervise", lambda _run, _round, _options, n: heard.append(n))
    monkeypatch.setattr(local_module, "render_here", lambda *_: heard.append(None))
    LocalEngine().run(run, round_, EngineOptions(workers=workers, gpus_per_worker=each))
    assert heard == [started]
