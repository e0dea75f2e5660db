"""How tests run fvcli: in this process, or as a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from click.testing import CliRunner, Result

from fvcli.cli import main

# Small and shallow, so that a whole run takes seconds: seven units in four batches of two.
SMALL_SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 24, batch_size: 2}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-4}
  - {name: textures, layer: block1_expand_bn, channels: [3, 17]}
"""
WAIT_S = 120
OnDevice = Callable[..., None]  # of the fixture on_device


def fvcli(*words: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


def start_fvcli(*words: str | Path) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    command = [sys.executable, "-m", "fvcli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str], poll_s: float = 0.05) -> None:
    """Wait for something that a running process does."""
    for _ in range(round(WAIT_S / poll_s)):
        if true():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(poll_s)
    raise AssertionError("it did not happen")


PRESENT = """
import sys, time
from pathlib import Path
from fvcli.run import RunFolder
with RunFolder.join(Path(sys.argv[1])):
    print(flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def at_work_elsewhere(run: Path) -> Iterator[int]:
    """Let another process be present in a run, and yield its number."""
    with subprocess.Popen([sys.executable, "-c", PRESENT, str(run)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def write_spec(folder: Path, text: str = SMALL_SPEC, name: str = "spec.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def pictures(run: Path) -> dict[str, bytes]:
    """Return the bytes of every picture of a run, by its place."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.glob("units/**/*.png"))}


def sidecars(run: Path) -> dict[str, dict]:
    return {
        str(p.relative_to(run / "units")): json.loads(p.read_text())
        for p in sorted(run.glob("units/**/*.json"))
    }


HEAD = """
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 6, redirect_steps: 0, early_stop: 0, seed: 0, memory_gb: 2}
jobs:
"""


def rendered(folder: Path, jobs: str, *more: str) -> Path:
    result = fvcli("render", write_spec(folder, HEAD + jobs), "-o", folder / "run", *more)
    assert result.exit_code == 0, result.stderr
    return folder / "run"
