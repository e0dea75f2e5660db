"""Whether a process still runs, as far as that can be told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.run import process
from fvcli.run.process import is_gone, this_process

PRINT_PROCESS = """
import json
from fvcli.run.process import this_process
print(json.dumps(this_process()), flush=True)
input()
"""


def test_this_process_is_there() -> None:
    here = this_process()
    assert (here["pid"], here["host"]) == (os.getpid(), socket.gethostname())
    assert is_gone(here) is False
    assert this_process() == here


def test_a_process_is_gone_once_it_has_ended_also_before_anybody_asked() -> None:
    """Until then it is a zombie."""
    import json

    words = [sys.executable, "-c", PRINT_PROCESS]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        assert told["pid"] == child.pid
        assert is_gone(told) is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{child.pid}").exists()
        assert is_gone(told) is True
    assert is_gone(told) is True


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"started": "1"}, True),  # a later process of the same number
        ({"started": None}, True),
        ({"pid": 2**22 + 1}, True),
        ({"pid": 2**22 + 1, "started": None}, True),
        ({"computer": "another"}, None),
        ({"computer": None}, None),
        ({"pid": None}, None),
        ({"pid": "7"}, None),
        ({"host": "renamed"}, False),
    ],
)
def test_what_can_be_told_of_a_process(change: dict[str, object], gone: bool | None) -> None:
    assert is_gone({**this_process(), **change}) is gone


def test_of_nothing_nothing_can_be_told() -> None:
    assert is_gone({}) is None


@pytest.mark.parametrize(
    ("stat", "started"),
    [
        ("7 (a) S 1 7 7 0 -1 4194560 10 0 0 0 0 0 0 0 20 0 1 0 4711 2 3", "4711"),
        ("7 (a ) b) R 1 7 7 0 -1 4194560 10 0 0 0 0 0 0 0 20 0 1 0 815 2 3", "815"),
        ("7 (a) Z 1 7 7 0 -1 4194560 10 0 0 0 0 0 0 0 20 0 1 0 4711 2 3", None),
        ("7 (a) X 1 7 7 0 -1 4194560 10 0 0 0 0 0 0 0 20 0 1 0 4711 2 3", None),
    ],
)
def test_when_a_process_started_is_its_22nd_field(
    stat: str, started: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: stat if str(path) == "/proc/7/stat" else "")
    assert process._started(7) == started


def test_without_proc_the_number_alone_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems that are no Linux: there the computer is its name."""
    monkeypatch.setattr(process, "BOOT_ID", Path("/nowhere"))
    monkeypatch.setattr(Path, "exists", lambda _: False)

    def unreadable(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", unreadable)
    here = this_process()
    assert here == {
        "host": socket.gethostname(),
        "computer": socket.gethostname(),
        "pid": os.getpid(),
        "started": "unknown",
    }
    assert is_gone(here) is False
    assert is_gone({**here, "pid": 2**22 + 1}) is True


def test_a_process_of_somebody_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert process._started_without_proc(1) == "unknown"


def test_of_a_process_that_proc_hides_nothing_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of another user's, with the option hidepid: it must not be taken for dead."""
    read = Path.read_text

    def hide(path: Path) -> str:
        if str(path).startswith("/proc/") and path.name == "stat":
            raise FileNotFoundError
        return read(path)

    here = this_process()
    monkeypatch.setattr(Path, "read_text", hide)
    assert is_gone(here) is None
    assert is_gone({**here, "pid": 2**22 + 1}) is True
