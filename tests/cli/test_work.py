"""fvcli prepare and fvcli work, with a painter in the place of the renderer."""

from __future__ import annotations

import importlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fvcli.app.work_on_run as use_case
from fvcli.app.work_on_run import WorkOptions, WorkOutcome
from fvcli.cli import main
from fvcli.engines import EngineOptions, Event
from fvcli.run import RunFolder, write_run_facts
from fvcli.run.work.attempts import attempts_of
from fvcli.run.work.notes import read_notes
from fvcli.run.work.rounds import Round, begin_round
from tests.helpers import painters
from tests.helpers.painters import Painter
from tests.helpers.painting import begun_run, small_plan
from tests.helpers.running import fvcli, wait_until, write_spec

Painting = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    begin_round(begun_run(tmp_path / "run").path, small_plan().plan)
    return tmp_path / "run"


@pytest.fixture
def painting(monkeypatch: pytest.MonkeyPatch) -> Painting:
    """Let this process paint; how is said as a painter's fields."""
    command = importlib.import_module("fvcli.cli.work")
    monkeypatch.setattr(command, "_stop_when_alone", lambda _: None)

    def behave(**how: object) -> None:
        monkeypatch.setattr(use_case, "render_here", Painter(**how).render)  # type: ignore[arg-type]

    return behave


def test_what_is_missing_is_said_and_what_to_do_next(tmp_path: Path, painting: Painting) -> None:
    painting()
    spec, run = write_spec(tmp_path), tmp_path / "run"
    made = fvcli("prepare", spec, "-o", run, "--only", "textures")
    assert made.stdout == f"{run}: 2 units to render in 1 batch\nnext: fvcli work {run}\n"
    made = fvcli("prepare", spec, "-o", run)
    assert made.stdout == f"{run}: 7 units to render in 4 batches\nnext: fvcli work {run}\n"
    assert fvcli("work", run, "--in-process").exit_code == 0
    again = fvcli("prepare", spec, "-o", run).stdout
    assert again == f"{run}: nothing is missing\nnext: fvcli grid {run}\n"


def test_other_pictures_are_moved_only_by_force(run: Path, painting: Painting, tmp_path: Path) -> None:
    painting()
    fvcli("work", run, "--in-process")
    words = ("prepare", write_spec(tmp_path), "-o", run, "--set", "render.seed=1")
    assert fvcli(*words).exit_code == 2
    assert fvcli(*words, "--force").exit_code == 0
    assert len(list(run.glob("replaced-1/units/**/*.png"))) == 7


def test_a_worker_says_what_it_did(run: Path, painting: Painting) -> None:
    painting()
    done = fvcli("work", run, "--in-process")
    assert (done.exit_code, done.stdout) == (
        0,
        f"{run}: 7 done by this worker; nothing is left\nnext: fvcli grid {run}\n",
    )
    assert "batch 4/4 textures: 2 done in " in done.stderr
    again = fvcli("work", run, "--in-process")
    nothing = f"{run}: nothing was left to do, 7 of 7 in the run\nnext: fvcli grid {run}\n"
    assert (again.exit_code, again.stdout) == (0, nothing)


def test_a_unit_that_fails_is_an_exit_code(run: Path, painting: Painting) -> None:
    painting(failing=["edges/channel-0000"])
    done = fvcli("work", run, "--in-process")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{run}: 1 failed, 6 done by this worker; nothing is left\n")
    again = fvcli("work", run, "--in-process")
    assert again.exit_code == 1
    assert again.stdout.startswith(f"{run}: nothing was left to do, 6 of 7 in the run\n")
    assert again.stderr == f"1 unit of it failed earlier; to try again: fvcli prepare SPEC -o {run}\n"


def test_a_mistake_is_one(tmp_path: Path) -> None:
    done = fvcli("work", tmp_path)
    assert (done.exit_code, done.stderr) == (
        2,
        f"Error: {tmp_path}: there is no run here: give a folder that fvcli rendered\n",
    )


def events(output: str) -> list[tuple[int, str]]:
    return [(event["batch"], event["state"]) for event in map(json.loads, output.splitlines())]


def test_who_watches_hears_every_event(run: Path, painting: Painting) -> None:
    painting(failing=["edges/channel-0000"])
    done = fvcli("work", run, "--events")
    assert done.exit_code == 1
    each = [(batch, state) for batch in range(4) for state in ("started", "done")]
    assert events(done.stdout) == [*each, (-1, "over")]
    assert done.stderr == ""
    assert events(fvcli("work", run, "--events").stdout) == [(-1, "over")]


def test_a_run_names_the_command_that_was_typed_and_no_option_of_fvcli_s_own(
    run: Path, painting: Painting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is another process, which has options that nobody typed."""
    seen: list[tuple[str, ...]] = []

    def render(joined: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        assert joined.presence is not None
        seen.append(joined.presence.note.argv)
        write_run_facts(joined, "easel")
        signal.raise_signal(signal.SIGTERM)
        return iter([Event(-1, "waiting")])

    monkeypatch.setattr(use_case, "render_here", render)
    typed = ["fvcli", "work", "my run", "--tries", "2"]
    monkeypatch.setattr(sys, "argv", ["/x/fvcli/__main__.py", "work", "run", "--events", "--name", "me"])
    done = fvcli("work", run, "--events", "--name", "me", "--typed", json.dumps(typed))
    assert done.stderr == "Stopped by SIGTERM: 0 of 7 units done; to go on: fvcli work 'my run' --tries 2\n"
    assert seen == [tuple(typed)]
    assert json.loads((run / "run.json").read_text())["argv"] == typed


def test_an_error_is_not_the_end_of_the_work(run: Path, painting: Painting) -> None:
    """Who watches must not take it for that, nor a scheduler for a unit that failed."""
    painting(deadly={"edges/channel-0002": "error"})
    done = fvcli("work", run, "--events")
    assert (done.exit_code, done.stderr) == (74, "Error: no space left: free some\n")
    assert events(done.stdout) == [(0, "started"), (0, "done"), (1, "started")]


def test_defaults_are_those_of_the_engines() -> None:
    defaults = {option.name: option.default for option in main.commands["work"].params}
    how = EngineOptions()
    for name in ("tries", "timeout_s", "lease_s"):
        assert defaults[name] == getattr(how, name)


def test_options_reach_the_worker(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def work_on_run(path: Path, options: WorkOptions, _observer: object) -> WorkOutcome:
        told.extend((path, options))
        return WorkOutcome({}, False)

    monkeypatch.setattr(use_case, "work_on_run", work_on_run)
    fvcli("work", run)
    words = ["--threads", 3, "--tries", 4, "--timeout", 5, "--lease", 6, "--mixed", "--allow-code"]
    fvcli("work", run, *map(str, words), "--in-process", "--round", "0001", "--name", "me")
    how = EngineOptions(None, 3, 1.0, 4, 5.0, 6.0, True, True)
    assert told == [run, WorkOptions(EngineOptions()), run, WorkOptions(how, True, "0001", "me")]


@pytest.mark.parametrize("option", ["--tries", "--threads", "--timeout", "--lease"])
def test_numbers_are_checked(run: Path, option: str) -> None:
    assert fvcli("work", run, option, "0").exit_code == 2


def slow_worker(run: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[str]:
    """Start a worker that is at its second batch for long."""
    monkeypatch.setenv(painters.HOW, json.dumps({"pause_s": 0.15}))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.painters", "work", str(run), "--in-process"],
        **dict.fromkeys(("stdout", "stderr"), subprocess.PIPE),
        text=True,
    )
    wait_until(lambda: len(attempts_of(run, 1)) == 1, process)
    return process


def test_a_signal_stops_a_worker_and_what_it_has_is_given_back(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow_worker(run, monkeypatch) as process:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    again = f"fvcli work {run} --in-process\n"
    assert re.search(rf"Stopped by SIGTERM: \d of 7 units done; to go on: {re.escape(again)}", errors)
    assert json.loads(fvcli("status", run, "--json").stdout)["lost"] == 0
    assert [note.ended for note in read_notes(run)] == ["stopped"]
