"""fvcli status --watch, and what status says of workers."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.app.watch_run import Seen
from fvcli.cli.status import CLEAR, _watch
from fvcli.run import RunFolder, run_status
from fvcli.run.process import this_process
from fvcli.run.unit_table import UnitRow
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import WORKER, Note, write_note
from fvcli.run.work.rounds import begin_round
from tests.helpers.painting import begun_run, paint, small_plan
from tests.helpers.running import fvcli, start_fvcli
from tests.helpers.scored_runs import score_unit


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return begun_run(tmp_path / "run")


def worker(run: RunFolder, name: str = "alive", **more: object) -> None:
    facts = {"role": WORKER, "device": "cpu", "process": this_process(), **more}
    write_note(run.path, Note(name, began="2026-01-01", **facts))  # type: ignore[arg-type]


AT = {
    **{"batch": 3, "attempt": 1, "group": 1, "job": "textures", "layer": "block1_expand_bn", "units": 2},
    "since": "2026-01-01T10:20:30+00:00",
}


def test_lines_until_nothing_is_left(run: RunFolder) -> None:
    worker(run, done=3, busy_s=60.0)
    for unit in run.plan.units[:4]:
        paint(run, unit)
    later = threading.Timer(0.3, lambda: [paint(run, unit) for unit in run.plan.units[4:]])
    later.start()
    done = fvcli("status", run.path, "--watch", "--every", "0.1")
    later.join()
    assert done.exit_code == 0
    first, *_, last = done.stdout.splitlines()
    assert first == "4/7 units, 1 worker, 3.0 units/min, 60 s left"
    assert re.fullmatch(r"7/7 units, 1 worker, \d+\.\d units/min, 0\.0 s left", last)


def test_json_is_a_line_a_look(run: RunFolder) -> None:
    for unit in run.plan.units:
        paint(run, unit)
    done = fvcli("status", run.path, "--watch", "--json")
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert (told["units"], told["done"], told["pending"]) == (7, 7, 0)
    assert (told["units_a_minute"], told["seconds_left"]) == (0.0, None)
    assert done.exit_code == 0


def test_a_terminal_shows_everything_anew(
    run: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(run, at=(AT,), done=4, busy_s=60.0)
    worker(run, "fell", ended="signal 9")
    worker(run, "broke", ended="FvcliError", error="no space left")
    worker(run, "fine", ended="finished")
    paint(run, run.plan.units[0], status="failed")
    look = Seen(run_status(run), 2.0)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _watch(iter([look, look]), False)
    nothing, one, other = capsys.readouterr().out.split(CLEAR)
    assert nothing == ""
    assert one == other
    assert one.endswith(
        "\n\nbatches: 4 pending\n"
        "1/7 units, 1 failed, 1 worker, 2.0 units/min, 3.0 min left\n"
        "worker fell ended: signal 9\n"
        "worker broke ended: no space left\n"
        "edges/channel-0000 is failed: it broke\n"
    ), one


def test_living_workers_are_told_with_what_they_are_at(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fvcli.run.work.notes.seconds_since", lambda when: float(when[17:19]))
    worker(run, at=(AT,), done=4, busy_s=60.0)
    worker(run, "starts", device="")
    worker(run, "again", at=(AT | {"attempt": 2},))
    worker(run, "gone", ended="finished")
    lines = fvcli("status", run.path).stdout.splitlines()
    table = [re.split(r" {2,}", line.strip()) for line in lines[lines.index("") + 1 :]]
    assert table == [
        ["worker", "device", "at", "for", "done", "units/min"],
        ["again", "cpu", "textures, block1_expand_bn, batch 3 (try 2)", "30 s", "0"],
        ["alive", "cpu", "textures, block1_expand_bn, batch 3", "30 s", "4", "4.0"],
        ["starts", "starting", "0"],
    ]


def test_what_a_shard_did_not_ask_for_is_not_waited_for(run: RunFolder) -> None:
    journal = Journal(run.path, "me", begin_round(run.path, run.plan, [0, 1]))
    for batch, unit in enumerate(run.plan.units[:4]):
        paint(run, unit)
        journal.add(batch // 2, 0.0, ())
    watched = fvcli("status", run.path, "--watch")
    assert watched.exit_code == 0
    rest = f"fvcli render SPEC -o {run.path}"
    hint = f"3 units were not asked for, as with --only or --shard; to render the rest as well: {rest}"
    assert watched.stdout == f"4/7 units, 0 workers, {hint}\n"
    assert hint in fvcli("status", run.path).stdout


def test_nobody_at_work_is_said_with_what_to_do(run: RunFolder) -> None:
    begin_round(run.path, run.plan)
    assert f"nobody is at work; to go on: fvcli work {run.path}\n" in fvcli("status", run.path).stdout
    paint(run, run.plan.units[0], status="failed")
    assert f"to try again what failed: fvcli render SPEC -o {run.path}\n" in fvcli("status", run.path).stdout


def test_one_leaves_a_watch_by_ctrl_c(run: RunFolder) -> None:
    begin_round(run.path, run.plan)
    process = start_fvcli("status", run.path, "--watch", "--every", "0.1")
    assert process.stdout is not None
    assert "0/7 units" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "\n")


def test_what_was_rendered_twice_is_said(run: RunFolder) -> None:
    unit = run.plan.units[0]
    paint(run, unit)
    again = paint(run, unit, anew=False)
    Journal(run.path, "late", begin_round(run.path, run.plan)).add(0, 0.0, [again])
    said = "1 unit rendered twice, by two workers, and the first picture was kept\n"
    assert f"\n{said}" in fvcli("status", run.path).stdout
    for name, ended in (("ill", "signal 9"), ("well", "finished"), ("told", "stopped")):
        worker(run, name, ended=ended)
    died = f"1 worker died, and what was finished is kept; see {run.path}/logs; {said}"
    assert f"\n{died}" in fvcli("status", run.path).stdout


def test_nothing_is_said_of_workers_that_ended_in_order(run: RunFolder) -> None:
    worker(run, "well", ended="finished")
    assert "died" not in fvcli("status", run.path).stdout


def test_what_is_refused(run: RunFolder) -> None:
    both = fvcli("status", run.path, "--watch", "--check")
    assert both.exit_code == 2
    assert "--watch with --check would read every picture again and again" in both.stderr
    assert fvcli("status", run.path, "--watch", "--every", "0").exit_code == 2
    assert fvcli("status", run.path.parent / "nowhere", "--watch").exit_code == 2


def test_a_run_is_a_table_for_other_programs(tmp_path: Path) -> None:
    planned = small_plan()
    *units, named = planned.plan.units
    plan = replace(planned.plan, units=(*units, replace(named, label='lines, "fine"')))
    with RunFolder.begin(tmp_path / "run", plan, planned.text, planned.facts) as run:
        first, second, third, *_, last = run.plan.units
        paint(run, first, saved=2.5)
        score_unit(run, first.path, 0.75)
        paint(run, second, status="failed")
        paint(run, third, status="dead")
        paint(run, last, saved=-1e-7)
    done = fvcli("status", run.path, "--csv")
    assert done.exit_code == 0
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head == list(UnitRow._fields)
    assert len(rows) == 7
    at = "edges,channel-0000,0,stem_bn,done,0.0,2.5,24,1.0,,units/edges/channel-0000.png,0.75"
    assert rows[0] == at.split(",")
    assert rows[1] == ["edges", "channel-0001", "1", "stem_bn", "failed", "", "", "24", "1.0", "", "", ""]
    assert rows[2][4:8] == ["dead", "0.0", "1.0", "24"]
    assert rows[3] == ["edges", "channel-0003", "3", "stem_bn", "pending", "", "", "", "", "", "", ""]
    assert (rows[6][2], float(rows[6][6])) == ('lines, "fine"', -1e-7)
    assert (run.path / rows[6][-2]).exists()
    run.extra(first, "scores.json").write_text("{")
    _, damaged, *_ = csv.reader(io.StringIO(fvcli("status", run.path, "--csv").stdout))
    assert damaged == [*rows[0][:-1], ""]


def test_a_table_tells_what_is_damaged(run: RunFolder) -> None:
    unit = run.plan.units[0]
    paint(run, unit)
    run.png(unit).write_bytes(b"x" * run.png(unit).stat().st_size)
    assert fvcli("status", run.path, "--csv").exit_code == 0
    checked = fvcli("status", run.path, "--csv", "--check")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines()[1].split(",")[4] == "damaged"
    for other in ("--json", "--watch"):
        both = fvcli("status", run.path, "--csv", other)
        assert (both.exit_code, f"--csv with {other}: " in both.stderr) == (2, True)
