"""Which process this is, and whether another one still runs, as far as that can be told from here."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# When a process was started that is there, but not in /proc, as with its option hidepid.
HIDDEN = "hidden"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_process() -> dict[str, Any]:
    """Return host, process number and when it started, as notes of workers have them.

    ``computer`` names one boot of one machine and the process numbers in use there: two containers of one
    host count processes apart.
    """
    pid = os.getpid()
    return {"host": socket.gethostname(), "computer": computer(), "pid": pid, "started": _started(pid)}


def is_gone(process: Mapping[str, Any]) -> bool | None:
    """Tell whether a process has ended, or None if that cannot be seen from this computer.

    Args:
        process: As ``this_process`` describes it.
    """
    pid = process.get("pid")
    if process.get("computer") != computer() or not isinstance(pid, int):
        return None
    started = _started(pid)
    if started == HIDDEN:
        return None
    return started is None or started != process.get("started")


def computer() -> str:
    try:
        boot = BOOT_ID.read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        return socket.gethostname()
    return f"{boot} {namespace}"


def _started(pid: int) -> str | None:
    """Return what tells a process from a later one of the same number; None if there is none.

    The 22nd field of /proc/PID/stat, ticks since boot (proc(5)). A zombie has ended, too.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_without_proc(pid)
    fields = text.rpartition(")")[2].split()  # the name before may have blanks
    return None if fields[0] in "ZX" else fields[19]


def _started_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # of another user, but there
        pass
    return HIDDEN if Path("/proc/self/stat").exists() else "unknown"
