"""Many worker processes on one run, on disk and in an object store: deaths, hangs, two at one batch."""

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
from fvcli.run.work.journal import read_journals
from fvcli.run.work.notes import Note, read_notes
from tests.helpers.running import fvcli, pictures, sidecars, start_fvcli, wait_until, write_spec
from tests.helpers.s3_server import bucket
from tests.helpers.trapped_network import PICTURES, TRAP, write_trapped_spec

POISONOUS = "like/p11-caricature"
STEPS = 40
MOST_AGAIN = 4  # units that are rendered twice: two batches in flight
# Short, so that nothing is waited for; a death is seen at once on one machine anyway.
TIMEOUT_S = 12
HOW = ("--allow-code", "--tries", "2", "--timeout", str(TIMEOUT_S), "--lease", "6")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trapped_spec(tmp_path_factory.mktemp("trapped"), STEPS)


@pytest.fixture(scope="module")
def undisturbed(spec: Path) -> dict[str, bytes]:
    """The pictures of one process for which the trap is not armed."""
    assert fvcli("render", spec, "-o", spec.parent / "run", "--allow-code").exit_code == 0
    return pictures(spec.parent / "run")


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
    place: str, spec: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is killed at work, one hangs, a unit kills every process, and who watches them is killed, too."""
    monkeypatch.setenv(TRAP, str(tmp_path))
    process = start_fvcli("render", spec, "-o", place, "--workers", "2", *HOW)
    wait_until(lambda: bool(at_work(place)), process)
    os.kill(at_work(place)[0].process["pid"], signal.SIGKILL)
    wait_until(lambda: len(list(read_journals(opened(place)))) >= 6, process)
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
    expected = {name: content for name, content in undisturbed.items() if POISONOUS not in name}
    assert pictures(home) == expected


def test_two_workers_at_one_batch_do_no_harm(place: str, tmp_path: Path) -> None:
    """Neither sees the other's claims, as where a file server shows old files."""
    text = "model: efficientnet-lite0\nrender: {size_px: 48, steps: 8, batch_size: 4}\njobs:\n"
    spec = write_spec(tmp_path, text + "  - {name: a, layer: stem_bn, channels: 0-7}\n")
    assert fvcli("prepare", spec, "-o", place).exit_code == 0
    code = (
        "import sys; from fvcli.run.work import queue\n"
        "queue.make_attempt = lambda *_: True\n"
        "queue.latest_attempts = lambda *_: {}\n"
        "queue.batches_done = lambda *_: set()\n"
        "queue.WorkQueue._missing = lambda self, batch: set(range(4))\n"
        "from fvcli.cli import main; main(prog_name='fvcli')"
    )
    words = [sys.executable, "-c", code, "work", place, "--in-process"]
    both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert "other pixels" not in errors
    told = Counter(record.stem for entry in read_journals(opened(place)) for record in entry.records)
    assert told == {f"a/channel-{i:04d}": 2 for i in range(8)}
    assert json.loads(fvcli("status", place, "--json").stdout)["rendered_twice"] == 8
    assert fvcli("render", spec, "-o", tmp_path / "alone").exit_code == 0
    assert fvcli("merge", place, "-o", tmp_path / "home").exit_code == 0
    assert pictures(tmp_path / "home") == pictures(tmp_path / "alone")
    assert len(sidecars(tmp_path / "home")) == 8
    run = RunFolder.read(opened(place))
    assert all(run.is_finished(unit) for unit in run.plan.units)
