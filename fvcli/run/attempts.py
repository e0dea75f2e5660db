"""Notes about batches that were begun: attempts/<batch>.<number>.json.

They are for ``status`` alone. They name batches of the plan that the run has, so another plan begins without
any.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from fvcli.run.atomic import write_atomic


def attempts_of(folder: Path) -> dict[int, list[Path]]:
    """Return the notes of every batch that was begun, oldest first."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for path in folder.glob("[0-9]*.*.json"):
        batch, number = path.name.split(".")[:2]
        if batch.isdigit() and number.isdigit():
            found.setdefault(int(batch), []).append((int(number), path))
    return {batch: [path for _, path in sorted(numbered)] for batch, numbered in found.items()}


def begin_attempt(folder: Path, batch: int) -> int:
    """Note that this process starts on a batch; return how many times the batch was begun."""
    number = 1
    while _place(folder, batch, number).exists():
        number += 1
    _write(_place(folder, batch, number), {**_owner(batch), "outcome": None})
    return number


def end_attempt(folder: Path, batch: int, number: int, outcome: str) -> None:
    """Note how an attempt ended: done or stopped. A killed one never does, and so is lost."""
    path = _place(folder, batch, number)
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError):  # somebody tidied up meanwhile
        facts = _owner(batch)
    _write(path, {**facts, "outcome": outcome})


def is_open(attempt: Path) -> bool:
    """Tell whether an attempt began and never ended."""
    try:
        return json.loads(attempt.read_text())["outcome"] is None
    except (OSError, ValueError, KeyError, TypeError):
        return True


def forget_attempts(folder: Path) -> None:
    """Remove the notes, because the batches are others now."""
    shutil.rmtree(folder, ignore_errors=True)


def _owner(batch: int) -> dict[str, Any]:
    return {"batch": batch, "host": socket.gethostname(), "pid": os.getpid()}


def _place(folder: Path, batch: int, number: int) -> Path:
    return folder / f"{batch}.{number}.json"


def _write(path: Path, facts: dict[str, Any]) -> None:
    write_atomic(path, (json.dumps(facts) + "\n").encode())
