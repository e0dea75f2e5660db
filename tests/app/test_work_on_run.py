"""Being a worker of a run, from Python; it paints instead of rendering."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fvcli.app import work_on_run as module
from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.app.render_run import Observer, RenderOptions
from fvcli.app.work_on_run import WorkOptions, WorkOutcome, work_on_run
from fvcli.engines import EngineOptions, Event
from fvcli.errors import FvcliError, UsageError
from fvcli.run import RunFolder, run_status
from fvcli.run.sidecar import Record
from fvcli.run.work.attempts import attempts_of
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import COMMAND, WORKER, Note, read_notes
from fvcli.run.work.rounds import Round, begin_round, read_round
from tests.helpers.painters import Painter
from tests.helpers.painting import small_plan
from tests.helpers.running import write_spec

HERE = WorkOptions(in_process=True)


class Listener(Observer):
    """Writes down what it hears; wants to stop after some events."""

    def __init__(self, events: int = 99) -> None:
        self.heard: list[str] = []
        self._events = events

    def said(self, text: str) -> None:
        self.heard.append(f"said {text.split(' in ', maxsplit=1)[0]}")

    def saw(self, event: Event) -> None:
        self.heard.append(f"saw {event.batch} {event.state}")
        self._events -= 1

    def ended(self) -> None:
        self.heard.append("ended")

    def wants_stop(self) -> bool:
        return self._events <= 0


@pytest.fixture
def planned() -> PlannedSpec:
    return small_plan()


@pytest.fixture
def run(planned: PlannedSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prepared run, whose workers paint; some of it fails."""
    monkeypatch.setattr(module, "render_here", Painter(failing=["textures/channel-0003"]).render)
    for name in module.JOB_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    return prepare_run(planned, tmp_path / "run").path


def test_a_worker_renders_what_is_left(run: Path) -> None:
    listener = Listener()
    outcome = work_on_run(run, HERE, listener)
    assert outcome == WorkOutcome(
        {"done": 6, "failed": 1}, stopped=False, is_complete=True, done=6, planned=7
    )
    assert outcome.failed == 1
    assert listener.heard == [
        *("saw 0 started", "saw 0 done", "said batch 1/4 edges: 2 done"),
        *("saw 1 started", "saw 1 done", "said batch 2/4 edges: 2 done"),
        *("saw 2 started", "saw 2 done", "said batch 3/4 edges: 1 done"),
        *("saw 3 started", "saw 3 done", "said batch 4/4 textures: 1 failed, 1 done"),
        "ended",
    ]
    again = Listener()
    assert work_on_run(run, HERE, again) == WorkOutcome(
        {}, False, failed_earlier=1, is_complete=True, done=6, planned=7
    )
    assert again.heard == ["ended"]


def test_what_is_told_is_in_the_log_and_the_note_of_the_worker(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    work_on_run(run, WorkOptions(in_process=True, name="painter"))
    (note,) = read_notes(run)
    assert (note.id, note.role, note.job, note.ended) == ("painter", WORKER, "17", "finished")
    assert note.argv == tuple(sys.argv)
    assert "batch 4/4 textures" in (run / "logs/painter.log").read_text()
    assert not (run / "logs/render.log").exists()


def test_a_stop_gives_the_rest_back(run: Path) -> None:
    listener = Listener(2)
    assert work_on_run(run, HERE, listener) == WorkOutcome({"done": 2}, stopped=True, done=2, planned=7)
    assert listener.heard == ["saw 0 started", "saw 0 done", "said batch 1/4 edges: 2 done", "ended"]
    assert [attempt.outcome for attempt in attempts_of(run, 1)] == ["stopped"]
    assert run_status(RunFolder.read(run)).batches == {"done": 1, "running": 0, "lost": 0, "pending": 3}
    assert work_on_run(run, HERE).counts == {"done": 4, "failed": 1}


def test_a_worker_has_not_ended_before_it_has_given_back(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def render(run: RunFolder, *_: object) -> Iterator[Event]:
        try:
            yield Event(0, "started")
            yield Event(0, "progress")
        finally:  # what is begun ends here, and claims are given back
            ended.extend(note.ended for note in read_notes(run.path))

    monkeypatch.setattr(module, "render_here", render)
    assert work_on_run(run, HERE, Listener(1)).stopped
    assert ended == [""]
    assert [note.ended for note in read_notes(run)] == ["stopped"]


def test_a_stop_at_the_very_end_is_one(run: Path) -> None:
    assert work_on_run(run, HERE, Listener(8)) == WorkOutcome(
        {"done": 6, "failed": 1}, stopped=True, done=6, planned=7
    )


def test_an_error_is_raised_and_the_end_is_heard(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "render_here", Painter(deadly={"edges/channel-0002": "error"}).render)
    listener = Listener()
    with pytest.raises(FvcliError, match="no space left"):
        work_on_run(run, WorkOptions(in_process=True, name="me"), listener)
    assert listener.heard[-1] == "ended"
    (note,) = read_notes(run)
    assert (note.ended, note.error) == ("FvcliError", "no space left: free some")


def test_else_it_watches_a_process_that_renders(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    seen: list[Note] = []

    def supervise(run: RunFolder, round_: Round, options: EngineOptions, workers: int) -> Iterator[Event]:
        told.extend((round_.name, options, workers))
        seen.extend(read_notes(run.path))
        yield Event(0, "done", units=2, counts={"done": 2})

    monkeypatch.setattr(module, "supervise", supervise)
    how = EngineOptions(workers=5, tries=2)
    assert work_on_run(run, WorkOptions(how)).counts == {"done": 2}
    assert told == ["0001", how, 1]
    assert [note.role for note in seen] == [COMMAND]
    assert read_notes(run) == []


def test_nothing_is_started_if_all_is_done(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = read_round(run, "0001")
    for batch in round_.batches:
        Journal(run, "other", round_).add(batch, 0.0, [Record("a/b", "k", "done", {}, 0)])
    for name in ("render_here", "supervise"):
        monkeypatch.setattr(module, name, None)
    nothing = WorkOutcome({}, False, is_complete=True, done=0, planned=7)
    assert work_on_run(run, HERE) == work_on_run(run, WorkOptions()) == nothing


def test_what_an_earlier_round_asked_for_is_not_forgotten(run: Path, planned: PlannedSpec) -> None:
    """A later command may ask for less; the newest round comes first."""
    prepare_run(planned, run, RenderOptions(only=["textures"]))
    listener = Listener()
    assert work_on_run(run, HERE, listener).counts == {"failed": 1, "done": 6}
    assert next(text for text in listener.heard if text.endswith("started")) == "saw 3 started"
    assert json.loads((run / "rounds/0002.json").read_text())["batches"] == [[3, 3]]


def test_a_round_may_be_named(run: Path, planned: PlannedSpec) -> None:
    prepare_run(planned, run, RenderOptions(only=["textures"]))
    assert work_on_run(run, WorkOptions(in_process=True, round_name="0002")).counts == {
        "failed": 1,
        "done": 1,
    }
    assert work_on_run(run, WorkOptions(in_process=True, round_name="0001")).counts == {"done": 5}
    with pytest.raises(UsageError, match=r"rounds/0007\.json cannot be read"):
        work_on_run(run, WorkOptions(in_process=True, round_name="0007"))


def test_something_must_have_been_asked(run: Path, planned: PlannedSpec, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run here"):
        work_on_run(tmp_path / "nowhere", HERE)
    assert not (tmp_path / "nowhere").exists()
    for path in (run / "rounds").iterdir():
        path.unlink()
    hint = f"{run}: nothing was asked of this run: fvcli prepare SPEC -o {run}"
    with pytest.raises(UsageError, match=hint):
        work_on_run(run, HERE)
    other = plan_of_spec(str(write_spec(tmp_path)), ["render.seed=1"]).plan
    begin_round(run, other)
    with pytest.raises(UsageError, match=hint):
        work_on_run(run, HERE)
    assert attempts_of(run, 0) == []


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "7"}, "7"),
        ({"SLURM_ARRAY_JOB_ID": "5", "SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}, "5_2"),
        ({"SLURM_ARRAY_TASK_ID": "2"}, ""),
        ({"SLURM_JOB_ID": "", "RAY_JOB_ID": "r"}, "r"),
        ({"AWS_BATCH_JOB_ID": "b"}, "b"),
        ({"PBS_JOBID": "p", "JOB_NAME": "j"}, "j"),
    ],
)
def test_what_engines_call_the_work(environment: dict[str, str], job: str) -> None:
    assert module._job(environment) == job
