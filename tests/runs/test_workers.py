"""Many worker processes on one run: deaths and hangs in an object store, and two workers at one batch.

What workers on a disk survive is tested in test_slurm.py and test_ray.py, with the same network.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fvcli.run import RunFolder
from fvcli.run.objects import open_address
from fvcli.run.work import queue
from fvcli.run.work.journal import read_journals
from fvcli.run.work.notes import Note, read_notes
from tests.helpers.running import fvcli, pictures, sidecars, start_fvcli, wait_until, write_spec
from tests.helpers.s3_server import bucket
from tests.helpers.trapped_network import HEAD, MOST_AGAIN, PICTURES, POISONOUS, TRAP, write_trapped_spec

# Short, so that nothing is waited for; a death is seen at once on one machine anyway.
TIMEOUT_S = 12
LOOK_AGAIN_S = 0.3  # each look at a run in a store asks the server, which is slow, for many objects
# A single death cuts a batch; where two are needed is tested in test_slurm.py.
HOW = ("--allow-code", "--tries", "2", "--timeout", str(TIMEOUT_S), "--lease", "6")


def rendered_here(spec: Path, run: Path) -> dict[str, bytes]:
    """Return the pictures of a spec, rendered in this process, where the trap is not armed."""
    assert fvcli("render", spec, "-o", run, "--allow-code").exit_code == 0
    return pictures(run)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with bucket() as address:
        yield address


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a run is."""
    if request.param == "disk":
        return str(tmp_path / "run")
    return f"{request.getfixturevalue('store')}/{tmp_path.name}"


def opened(place: str) -> Path:
    return open_address(place) if "://" in place else Path(place)


def workers_of(place: str) -> list[int]:
    """Return the numbers of the processes that work on a run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:  # it has ended
            continue
        if "--events" in words and place in words:
            found.append(int(folder.name))
    return found


def at_work(place: str) -> list[Note]:
    """Workers that live and are at a batch."""
    return [
        note for note in read_notes(opened(place)) if note.role == "worker" and note.at and not note.ended
    ]


def test_whatever_happens_to_workers_only_the_unit_that_kills_is_lost(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is killed at work, one hangs, a unit kills every process, and who watches them is killed, too."""
    spec, place = write_trapped_spec(tmp_path), f"{store}/run"
    undisturbed = rendered_here(spec, tmp_path / "undisturbed")
    monkeypatch.setenv(TRAP, str(tmp_path))
    process = start_fvcli("render", spec, "-o", place, "--workers", "2", *HOW)
    wait_until(lambda: bool(at_work(place)), process, LOOK_AGAIN_S)
    os.kill(at_work(place)[0].process["pid"], signal.SIGKILL)
    wait_until(lambda: len(list(read_journals(opened(place)))) >= 6, process, LOOK_AGAIN_S)
    process.kill()  # the workers have nobody who watches them, and stop
    process.communicate()
    left = workers_of(place)
    result = fvcli("render", spec, "-o", place, "--workers", "2", *HOW)
    assert result.exit_code == 1, result.stderr
    assert f"Error: {POISONOUS} failed: the process died" in result.stderr
    told = json.loads(fvcli("status", place, "--json").stdout)
    assert (told["done"], told["failed"], told["units"]) == (PICTURES - 1, 1, PICTURES)
    (failed,) = told["notable"]
    assert failed["unit"] == POISONOUS
    assert failed["error"].startswith("the process died: signal 9, ")
    assert told["rendered_twice"] <= MOST_AGAIN
    for _ in range(TIMEOUT_S * 20):  # one of them hangs, and nobody is there to kill it
        if not {*left} & {*workers_of(place)}:
            break
        time.sleep(0.1)
    assert not {*left} & {*workers_of(place)}
    home = tmp_path / "home"
    assert fvcli("merge", place, "-o", home).exit_code == 1  # a unit failed
    del undisturbed[f"units/{POISONOUS}.png"]
    assert pictures(home) == undisturbed


SEES_NOBODY = """
from fvcli.run.work import queue
queue.make_attempt = lambda *_: True
queue.latest_attempts = lambda *_: {}
queue.WorkQueue._done_elsewhere = lambda self: set()
queue.WorkQueue._missing = lambda self, batch: set(range(4))
"""


def test_two_workers_at_one_batch_do_no_harm(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's claims, as where a file server shows old files.

    One is a process of its own, and the other, this one, begins while it is at work.
    """
    head = HEAD.replace("batch_size: 2", "batch_size: 4")
    spec = write_spec(tmp_path, head + "  - {name: a, layer: conv, channels: 0-7}\n")
    alone = rendered_here(spec, tmp_path / "alone")
    assert fvcli("prepare", spec, "-o", place, "--allow-code").exit_code == 0
    monkeypatch.setenv(TRAP, str(tmp_path))
    work = ["work", place, "--in-process", "--allow-code"]
    code = f"{SEES_NOBODY}\nfrom fvcli.cli import main; main(prog_name='fvcli')"
    with subprocess.Popen([sys.executable, "-c", code, *work], stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: bool(at_work(place)), process, LOOK_AGAIN_S)
        for name in ("make_attempt", "latest_attempts"):
            monkeypatch.setattr(queue, name, getattr(queue, name))
        for name in ("_done_elsewhere", "_missing"):
            monkeypatch.setattr(queue.WorkQueue, name, getattr(queue.WorkQueue, name))
        exec(SEES_NOBODY)  # what was set is put back by monkeypatch
        here = fvcli(*work)
        assert here.exit_code == 0, here.stderr
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert "other pixels" not in errors + here.stderr
    told = Counter(record.stem for entry in read_journals(opened(place)) for record in entry.records)
    assert told == {f"a/channel-{i:04d}": 2 for i in range(8)}
    assert json.loads(fvcli("status", place, "--json").stdout)["rendered_twice"] == 8
    assert fvcli("merge", place, "-o", tmp_path / "home").exit_code == 0
    assert pictures(tmp_path / "home") == alone
    assert len(sidecars(tmp_path / "home")) == 8
    run = RunFolder.read(opened(place))
    assert all(run.is_finished(unit) for unit in run.plan.units)
