"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io
import os
import pty
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.render_log import RenderLog, say_counts
from fvcli.cli import heartbeat, progress
from fvcli.cli.exit_and_signals import Stop
from fvcli.cli.progress import Lines, Progress, terminal_width
from fvcli.engines import Event
from fvcli.run import RunFolder
from tests.helpers.running import SMALL_SPEC, write_spec


class Terminal(io.StringIO):
    """Standard error that people look at."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


class Clock:
    """Stands at what a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("fvcli.cli.progress.time", clock)
    monkeypatch.setattr("fvcli.cli.heartbeat.time", clock)
    monkeypatch.setattr("fvcli.app.units_done.time", clock)
    return clock


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Batches 0 and 1 have two units of edges, 2 has one, and 3 has two of textures."""
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        return run


def test_it_is_patient_while_units_are_rendered(run: RunFolder) -> None:
    stop = Stop()
    shown = Progress(stop)
    assert not stop.patient
    shown.started(run, {0: 2})
    assert stop.patient
    assert not shown.wants_stop()
    stop.heard = 15
    assert shown.wants_stop()
    shown.ended()
    assert not stop.patient
    shown.ended()


def test_where_there_is_no_terminal_lines_are_written_to_standard_error(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Progress(Stop())
    shown.said("before")
    shown.started(run, {0: 2, 3: 2})
    shown.saw(Event(0, "done", "easel", units=2))
    shown.said("batch 1/2 edges: 2 done")
    shown.ended()
    shown.saw(Event(3, "done", "easel", units=2))
    shown.said("after")
    said = ["before", "loading efficientnet-lite0", "batch 1/2 edges: 2 done", "after"]
    assert capsys.readouterr() == ("", "\n".join(said) + "\n")


def test_a_log_says_something_every_minute(
    run: RunFolder, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also while a model is loaded, a program compiled, and within a unit; a line of a batch counts."""
    lines = Lines(run, {0: 2, 3: 2})
    said = []

    def after(seconds: float) -> None:
        clock.now += seconds
        said.append(lines.heart.due())
        if said[-1] is not None:
            lines.write(said[-1])

    after(50)
    after(10)
    lines.show(Event(-1, "compiling", detail="compiling for 64 x 64 px"))
    after(50)
    after(60)
    lines.show(Event(0, "started"))
    lines.show(Event(0, "progress", units=0.5))
    after(60)
    lines.write("batch 1/2 edges: 2 done")
    lines.show(Event(0, "done", units=2))
    after(50)
    lines.show(Event(-1, "compiling", detail="compiling for 32 x 32 px"))
    after(10)
    assert said == [
        None,
        "loading efficientnet-lite0; 1 min since the start",
        None,
        "compiling for 64 x 64 px; 3 min since the start",
        "edges: 0/4 units (12%), 0.2 units/min; 4 min since the start",
        None,
        "compiling for 32 x 32 px; 5 min since the start",
    ]
    assert capsys.readouterr().err.splitlines() == [
        said[1],
        "compiling for 64 x 64 px",
        said[3],
        said[4],
        "batch 1/2 edges: 2 done",
        said[6],
    ]


def test_the_line_of_a_minute_comes_by_itself(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also while an import of TensorFlow holds standard error back."""
    monkeypatch.setattr(heartbeat, "SILENCE_S", 0.2)
    monkeypatch.setattr(heartbeat, "TICK_S", 0.01)
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False))  # noqa: SIM115
    shown = Progress(Stop())
    shown.started(run, {0: 2})
    said, end = capfd.readouterr().err, time.monotonic() + 10
    with tempfile.TemporaryFile() as held_back:
        kept = os.dup(2)
        os.dup2(held_back.fileno(), 2)
        while "min since the start" not in said and time.monotonic() < end:
            os.dup2(kept, 2)
            said += capfd.readouterr().err
            os.dup2(held_back.fileno(), 2)
            time.sleep(0.02)
        os.dup2(kept, 2)
        os.close(kept)
    shown.ended()
    assert said.startswith("loading efficientnet-lite0\nloading efficientnet-lite0; 0 min since the start\n")


@pytest.mark.parametrize(
    ("columns", "size", "width"), [("", 0, 0), ("", 80, 80), ("100", 0, 100), ("x", 0, 0)]
)
def test_a_terminal_of_unknown_size_is_a_log(
    columns: str, size: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24 if size else 0, size))
    monkeypatch.setenv("COLUMNS", columns)
    with open(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert terminal_width() == width
    os.close(ours)


def test_on_a_terminal_a_bar_counts_units(
    run: RunFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fractions of batches in flight count in the rate and the bar, and units that are done in its words."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(progress, "BAR", "{desc} {n:.2f}/{total} {postfix}")
    shown = Progress(Stop())
    shown.started(run, {0: 2, 3: 2})
    clock.now += 30
    events = [
        Event(0, "started", "easel"),
        Event(0, "progress", "easel", units=0.5),
        Event(3, "progress", "easel", units=1.25),
        Event(0, "progress", "easel", units=1.0),
        Event(0, "done", "easel", units=2),
        Event(3, "done", "easel", units=2),
    ]
    lines = []
    for event in events:
        terminal.truncate(0)
        terminal.seek(0)
        shown.saw(event)
        lines.append(terminal.getvalue().replace("\r", "").strip(" \x00"))
    assert lines == [
        "",
        "edges 0/4 units 0.50/4 , 1.0 units/min",
        "edges 0/4 units 1.75/4 , 3.5 units/min",
        "edges 0/4 units 2.25/4 , 4.5 units/min",
        "edges 2/4 units 3.25/4 , 6.5 units/min",
        "textures 4/4 units 4.00/4 , 8.0 units/min",
    ]
    terminal.truncate(0)
    terminal.seek(0)
    shown.said("batch 2/2 textures: 2 done")
    assert terminal.getvalue() == ""
    shown.said("a remark")
    assert "a remark\n" in terminal.getvalue()
    terminal.truncate(0)
    terminal.seek(0)
    shown.ended()
    assert terminal.getvalue().endswith(" units/min\n")  # the bar stays, and the next line is its own
    shown.said("batch 3 of another run")
    assert terminal.getvalue().endswith("\nbatch 3 of another run\n")


def test_a_line_of_a_batch_says_how_it_went_and_how_long_the_rest_takes(run: RunFolder, clock: Clock) -> None:
    log = RenderLog(run, {0: 2, 2: 1, 3: 2})
    clock.now += 30
    assert log.lines(Event(0, "started", "easel")) == ()
    assert log.lines(Event(0, "progress", "easel", units=1)) == ()
    done = Event(0, "done", "easel", units=2, counts={"done": 1, "dead": 0, "failed": 1}, seconds=29.96)
    assert log.lines(done) == (
        "batch 1/3 edges: 1 done, 1 failed in 30.0 s on easel (2/5 units, 4.0 units/min, 0.8 min left)",
    )
    clock.now += 30
    nothing = Event(3, "done", "lane 2", units=2, seconds=1.0, remarks=("a remark",))
    assert log.lines(nothing) == (
        "a remark",
        "batch 2/3 textures: nothing to do in 1.0 s on lane 2 (4/5 units, 4.0 units/min, 0.2 min left)",
    )
    written = (run.path / "logs/render.log").read_text().splitlines()
    assert [line[20:60] for line in written[-3:]] == [
        "batch 1/3 edges: 1 done, 1 failed in 30.",
        "a remark",
        "batch 2/3 textures: nothing to do in 1.0",
    ]
    assert say_counts({"done": 7, "dead": 0, "failed": 1}) == "7 done, 1 failed"
    assert say_counts({}) == ""
