"""Nothing is lost: kill -9, signals, a second process, a full disk."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.run.atomic import write_atomic
from tests.helpers.running import SMALL_SPEC, fvcli, pictures, start_fvcli, wait_until, write_spec

# Long enough in its first batches that a signal meets it at work.
SLOW_SPEC = SMALL_SPEC.replace("steps: 24", "steps: 200")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pictures of the slow spec, rendered in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert fvcli("render", write_spec(folder, SLOW_SPEC), "-o", folder / "run").exit_code == 0
    return pictures(folder / "run")


def finished(run: Path) -> list[str]:
    """The places of the pictures that have their sidecar, which is written last."""
    sidecars = [path.relative_to(run) for path in run.glob("units/**/*.json")]
    return [str(path.with_suffix(".png")) for path in sidecars]


def test_kill_9_loses_only_the_batch_in_flight(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    spec, run = write_spec(tmp_path, SLOW_SPEC), tmp_path / "run"
    process = start_fvcli("render", spec, "-o", run)
    wait_until(lambda: len(finished(run)) >= 2 and len(list(run.glob("attempts/*/*.json"))) >= 2, process)
    process.kill()
    process.communicate()
    kept = finished(run)
    assert 2 <= len(kept) < 7
    status = json.loads(fvcli("status", run, "--json").stdout)
    assert status["done"] == len(kept)
    assert status["lost"] >= 1
    assert status["done"] + status["lost"] + status["pending"] == 7
    times = {name: (run / name).stat().st_mtime_ns for name in kept}
    assert fvcli("render", spec, "-o", run).exit_code == 0
    assert pictures(run) == undisturbed
    assert {name: (run / name).stat().st_mtime_ns for name in kept} == times


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_and_another_spec_is_refused_meanwhile(
    tmp_path: Path, undisturbed: dict[str, bytes], number: signal.Signals
) -> None:
    spec, run = write_spec(tmp_path, SLOW_SPEC), tmp_path / "run"
    process = start_fvcli("render", spec, "-o", run)
    wait_until(lambda: bool(list(run.glob("attempts/*/*.json"))), process)
    second = fvcli("render", spec, "-o", run, "--set", "render.seed=1")
    assert second.exit_code == 2
    assert "and this spec plans other pictures: wait for it" in second.stderr
    assert json.loads(fvcli("status", run, "--json").stdout)["running"] >= 1
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert f"stopped by {number.name}" in errors
    assert "to go on: fvcli render" in errors
    assert "Traceback" not in errors
    assert json.loads(fvcli("status", run, "--json").stdout)["lost"] == 0
    assert fvcli("render", spec, "-o", run).exit_code == 0
    assert pictures(run) == undisturbed


def test_a_signal_before_the_first_batch_stops_cleanly_too(tmp_path: Path) -> None:
    spec, run = write_spec(tmp_path, SLOW_SPEC), tmp_path / "run"
    process = start_fvcli("render", spec, "-o", run)
    wait_until((run / "plan.json").exists, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "stopped by SIGTERM" in errors
    assert not list(run.glob("units/**/*.png"))


FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
from fvcli.cli import main
main(prog_name="fvcli")
"""


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files stops the write of a picture midway, as a full disk does."""
    spec, run = write_spec(tmp_path), tmp_path / "run"
    words = ["render", str(spec), "-o", str(run), "--only", "textures", "--set", "render.steps=8"]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK.format(limit=8000), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no space left for" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(run.glob("units/**/*.png"))
    assert not list(run.glob("units/**/*.json"))
    assert not list(run.rglob("*.tmp"))
    assert fvcli(*words).exit_code == 0
    assert len(pictures(run)) == 2


def test_an_atomic_write_keeps_the_old_file_when_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(FvcliError, match="no space left"):
            write_atomic(target, b"much longer than ten bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
