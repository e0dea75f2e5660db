"""What a check of a GPU has to hand: sizes, a clock, a file of results, processes with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE_S = 10.0  # for a process that was asked to end
FILE = "gpu-check.json"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    layer, size_px: Of the pictures whose speed is measured.
    at_once: How many are rendered at once by default, the most telling first: what the plan would choose.
    few: And in other precisions.
    steps: Numbers of steps; a step takes as long as the difference of the two says.
    scores: Options of ``fvcli render`` for the pictures whose scores are compared.
    shared: How many pictures workers render that share the GPU, in batches of how many, in how many steps.
    """

    layer: str
    size_px: int
    at_once: tuple[int, ...]
    few: tuple[int, ...]
    steps: tuple[int, int]
    scores: tuple[str, ...]
    shared: tuple[int, int, int]


FULL = Sizes(
    layer="block6_expand_bn",
    size_px=224,
    at_once=(128, 64, 256, 32, 16, 8),
    few=(128, 32),
    steps=(32, 64),
    scores=("--set", "render.steps=16", "--set", "render.early_stop=0"),
    shared=(256, 64, 64),
)
TINY = Sizes(
    layer="block1_expand_bn",
    size_px=64,
    at_once=(2, 1),
    few=(),
    steps=(2, 4),
    scores=("--set", "render.steps=2", "--set", "render.size_px=64", "--only", "block4-textures/*-00*"),
    shared=(4, 2, 2),
)


@dataclass(frozen=True)
class Clock:
    """How much time is left of all."""

    total_s: float
    began: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float:
        return self.total_s - self.spent_s


class Results:
    """What was measured; it is written at once, so that nothing is lost when a session ends.

    Args:
        path: The JSON file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: dict[str, Any] = {}

    def note(self, **facts: Any) -> None:
        """Take results, and write all that there are."""
        self.data.update(facts)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=1) + "\n")
        part.replace(self.path)


@dataclass
class Ended:
    """How a process ended: its exit code, its seconds, and whether its time was up."""

    code: int = 0
    seconds: float = 0.0
    is_cut_off: bool = False

    def said(self, log: Path) -> str:
        """Return what was wrong with it; empty if nothing was."""
        if self.is_cut_off:
            return f"cut off after {self.seconds:.0f} s"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return "" if self.code == 0 else f"ended with {self.code}: {lines[-1] if lines else 'no message'}"


def fvcli(*words: str | Path) -> list[str]:
    """Return a command of fvcli's, run by this Python."""
    return [sys.executable, "-m", "fvcli", *map(str, words)]


def lines_of(
    command: Sequence[str], log: Path, limit_s: float, ended: Ended, environment: Mapping[str, str] = QUIET
) -> Iterator[dict[str, Any]]:
    """Run a command and yield the lines of JSON that it prints, until it ends or its time is up.

    Args:
        command: Program and arguments.
        log: Where its standard error goes, and what it prints beside JSON.
        limit_s: After so many seconds it is asked to end, and a little later killed.
        ended: Is told how it ended.
        environment: Variables on top of this process's.
    """
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as this process finds modules
    began, env = time.monotonic(), {**os.environ, **found, **environment}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env, start_new_session=True
        ) as process,
    ):
        timer = threading.Timer(max(0.0, limit_s), _end, (process, ended))
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    yield json.loads(line)
                else:
                    errors.write(line)
            ended.code = process.wait()
        finally:
            timer.cancel()
            _signal(process, signal.SIGKILL)
            ended.seconds = time.monotonic() - began


def _end(process: subprocess.Popen[str], ended: Ended) -> None:
    ended.is_cut_off = True
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: int) -> None:
    """Send a signal to a process and to all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
