"""Run a command and note what it took, from a process that is itself small.

A child's peak memory counts from before its exec, when it still shares its parent's memory; under a parent
that has loaded TensorFlow, every child would seem as large as that. Hence this process in between:

    python -S measured.py USAGE.json COMMAND ...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process took, from its start to its end; CPU is user and system time of all its threads."""

    code: int
    wall_seconds: float
    cpu_seconds: float
    peak_rss_mb: float


def run_measured(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command with its output in a log file.

    Args:
        command: Program and arguments.
        log: Where standard output and standard error go; the folder is made.
        environment: Variables on top of this process's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    note = log.with_suffix(".usage.json")
    env = {**os.environ, **(environment or {})}
    with log.open("wb") as stream:
        wrapped = [sys.executable, "-S", __file__, str(note), *command]
        subprocess.run(wrapped, stdout=stream, stderr=subprocess.STDOUT, env=env, check=True)
    usage = Usage(**json.loads(note.read_text()))
    note.unlink()
    return usage


def _main(note: str, *command: str) -> None:
    began = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    usage = Usage(code, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    Path(note).write_text(json.dumps(asdict(usage)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
