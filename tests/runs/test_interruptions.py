"""Nothing is lost: kill -9, signals, a second process, a full disk."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.media.movie_writer import encode_movie
from fvcli.run.atomic import write_atomic
from fvcli.run.layout import FILMS
from fvcli.run.unfinished_films import KeptFrames
from tests.helpers.picture_files import noise
from tests.helpers.running import fvcli, pictures, start_fvcli, wait_until, write_spec
from tests.helpers.trapped_network import HEAD, TRAP

CODE = "--allow-code"

# In the network of two layers; where the trap is armed, each picture takes seconds.
UNITS = 7
SPEC = HEAD + f"  - {{name: edges, layer: conv, channels: 0-{UNITS - 1}}}\n"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pictures of the spec, rendered in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert fvcli("render", write_spec(folder, SPEC), "-o", folder / "run", CODE).exit_code == 0
    return pictures(folder / "run")


@contextlib.contextmanager
def started_slowly(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start a render for which pictures take long, so that a signal meets it at work."""
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setenv(TRAP, folder)
        with start_fvcli("render", *words, CODE) as process:
            yield process


def finished(run: Path) -> list[str]:
    """The places of the pictures that have their sidecar, which is written last."""
    sidecars = [path.relative_to(run) for path in run.glob("units/**/*.json")]
    return [str(path.with_suffix(".png")) for path in sidecars]


def test_kill_9_loses_only_the_batch_in_flight(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    spec, run = write_spec(tmp_path, SPEC), tmp_path / "run"
    with started_slowly(spec, "-o", run) as process:
        wait_until(lambda: len(finished(run)) >= 2 and len(list(run.glob("attempts/*/*.json"))) >= 2, process)
        process.kill()
    kept = finished(run)
    assert 2 <= len(kept) < UNITS
    status = json.loads(fvcli("status", run, "--json").stdout)
    assert status["done"] == len(kept)
    assert status["lost"] >= 1
    assert status["done"] + status["lost"] + status["pending"] == UNITS
    times = {name: (run / name).stat().st_mtime_ns for name in kept}
    assert fvcli("render", spec, "-o", run, CODE).exit_code == 0
    assert pictures(run) == undisturbed
    assert {name: (run / name).stat().st_mtime_ns for name in kept} == times


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_and_another_spec_is_refused_meanwhile(
    tmp_path: Path, undisturbed: dict[str, bytes], number: signal.Signals
) -> None:
    spec, run = write_spec(tmp_path, SPEC), tmp_path / "run"
    with started_slowly(spec, "-o", run) as process:
        wait_until(lambda: bool(list(run.glob("attempts/*/*.json"))), process)
        second = fvcli("render", spec, "-o", run, CODE, "--set", "render.seed=1")
        assert second.exit_code == 2
        assert "and this spec plans other pictures: wait for it" in second.stderr
        assert json.loads(fvcli("status", run, "--json").stdout)["running"] >= 1
        process.send_signal(number)
        if number == signal.SIGTERM:  # again, as of a script that passes on what Slurm told every process
            time.sleep(0.02)
            process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert f"Stopped by {number.name}" in errors
    assert "to go on: fvcli render" in errors
    assert "Traceback" not in errors
    assert json.loads(fvcli("status", run, "--json").stdout)["lost"] == 0
    assert fvcli("render", spec, "-o", run, CODE).exit_code == 0
    assert pictures(run) == undisturbed


def test_a_signal_before_the_first_batch_stops_cleanly_too(tmp_path: Path) -> None:
    spec, run = write_spec(tmp_path), tmp_path / "run"
    process = start_fvcli("render", spec, "-o", run)
    wait_until((run / "plan.json").exists, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75
    assert "Stopped by SIGTERM" in errors
    assert not list(run.glob("units/**/*.png"))


FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
from fvcli.cli import main
main(prog_name="fvcli")
"""


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files stops the write of a picture midway, as a full disk does."""
    text = HEAD.replace("size_px: 32", "size_px: 96") + "  - {name: edges, layer: conv, channels: 0-1}\n"
    spec, run = write_spec(tmp_path, text), tmp_path / "run"
    words = ["render", str(spec), "-o", str(run), CODE]
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


FILM_SPEC = """\
model: {factory: "tests.helpers.trapped_network:build", value_range: [0, 1]}
jobs:
  - name: film
    layer: conv
    objective: layer
    pictures: film.gif
    recipe: deepdream
    size_px: [64, 80]
    steps: 6
    octaves: {count: 1, tile_px: 64}
    animation: {format: webp}
"""


def test_a_film_that_was_killed_goes_on_at_its_frames(tmp_path: Path) -> None:
    """Only frames that are missing are dreamt, and the film has the bytes of an undisturbed one."""
    frames = [noise(64, 80, seed) for seed in range(8)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    spec, run, whole = write_spec(tmp_path, FILM_SPEC), tmp_path / "run", tmp_path / "whole"
    with started_slowly(spec, "-o", run) as process:
        wait_until(lambda: len(frames_of(run)) >= 2, process)
        process.kill()
    kept = frames_of(run)
    assert 2 <= len(kept) < len(frames)
    assert fvcli("status", run, "--check").exit_code == 0
    dreamt = []
    original = KeptFrames.keep

    def keep(self: KeptFrames, *arrays: np.ndarray) -> None:
        dreamt.append(len(self))
        original(self, *arrays)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(KeptFrames, "keep", keep)
        assert fvcli("render", spec, "-o", run, CODE).exit_code == 0
    assert dreamt == list(range(dreamt[0], len(frames)))
    assert dreamt[0] >= len(kept) - 1  # the kill may have come between a frame and what makes it count
    assert frames_of(run) == []
    assert fvcli("render", spec, "-o", whole, CODE).exit_code == 0
    names = [path.name for path in sorted((whole / "units/film").iterdir()) if path.suffix != ".json"]
    assert len(names) == 2
    for name in names:
        assert (run / "units/film" / name).read_bytes() == (whole / "units/film" / name).read_bytes()


def frames_of(run: Path) -> list[Path]:
    return sorted((run / FILMS).glob("*/[0-9][0-9][0-9][0-9][0-9].npy"))
