"""What goes wrong between here and an object store."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fvcli.errors import FvcliError, UsageError
from fvcli.run import RunFolder, objects
from fvcli.run.finished import finished_at
from fvcli.run.foreign import refuse_foreign
from fvcli.run.objects import names_below, open_address, put, put_new, read_bytes, refuse_unconditional
from fvcli.run.sidecar import read_sidecar
from fvcli.run.work.notes import Presence, read_note
from tests.helpers.painting import small_plan


class StoreError(Exception):
    """As clients of stores raise it: no OSError."""


@pytest.fixture
def store() -> Path:
    return open_address(f"memory://{uuid4()}/run")


@pytest.fixture
def silent(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that does not answer."""

    for name in ("cat_file", "pipe_file", "find"):
        monkeypatch.setattr(type(store.fs), name, _raise)  # type: ignore[attr-defined]
    return store


def test_a_store_that_does_not_answer_is_told_of_as_a_disk_would_be(silent: Path) -> None:
    for write in (put, put_new):
        with pytest.raises(FvcliError, match="cannot be written: StoreError: could not connect"):
            write(silent / "a", b"")
    with pytest.raises(OSError, match="could not connect"):
        read_bytes(silent / "a")
    with pytest.raises(OSError, match="could not connect"):
        list(names_below(silent))
    assert read_note(silent / "workers" / "me.json") is None


def test_what_a_store_does_not_tell_is_not_taken_for_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_sidecar(store / "a.json") is None
    assert finished_at(store, "a") is None
    monkeypatch.setattr(type(store.fs), "cat_file", _raise)  # type: ignore[attr-defined]
    for look in (lambda: read_sidecar(store / "a.json"), lambda: finished_at(store, "a")):
        with pytest.raises(FvcliError, match=r"a\.json cannot be read: StoreError: could not connect"):
            look()


def test_a_store_that_cannot_be_reached_is_no_bug(silent: Path) -> None:
    """Nor a mistake: it may answer later."""
    with pytest.raises(FvcliError, match="cannot be read: StoreError: could not connect") as raised:
        RunFolder.read(silent)
    assert not isinstance(raised.value, UsageError)


def test_a_trial_that_was_killed_is_in_nobodys_way(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(objects, "put_new", _raise)
        with pytest.raises(StoreError):
            refuse_unconditional(store)
    assert [path.name[:7] for path in store.iterdir()] == [".probe-"]
    refuse_foreign(store, "")


def test_a_note_goes_on_after_a_store_did_not_answer(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Presence(store, lease_s=0.06).kept() as presence:
        with monkeypatch.context() as broken:
            broken.setattr(type(store.fs), "pipe_file", _raise)  # type: ignore[attr-defined]
            time.sleep(0.05)
        beat = presence.note.beat
        end = time.monotonic() + 5
        while presence.note.beat <= beat + 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert presence.note.beat > beat + 2


def test_logs_of_two_commands_in_a_store_stay(store: Path) -> None:
    plan, spec_text = small_plan().plan, small_plan().text
    for words in ("the first", "the second"):
        with RunFolder.begin(store, plan, spec_text) as run:
            run.log(words)
            run.log(f"{words} again")
    logs = sorted((store / "logs").iterdir())
    assert all(log.name.startswith("render-") for log in logs)
    lines = [[line[20:] for line in log.read_text().splitlines()] for log in logs]
    assert sorted(lines) == [["the first", "the first again"], ["the second", "the second again"]]


def test_files_of_runs_are_read_with_one_request() -> None:
    """A path of fsspec makes two, and fails where the object is another one meanwhile."""
    ours = sorted(Path(objects.__file__).parent.rglob("*.py"))
    of_this_computer = {
        *("objects.py", "process.py", "cores.py", "control_groups.py", "free_memory.py")
    }  # what they read is in no run
    wrong = [
        f"{path.name}: {line.strip()}"
        for path in ours
        if path.name not in of_this_computer
        for line in path.read_text().splitlines()
        if re.search(r"\.read_(bytes|text)\(", line) and "CPU_INFO" not in line
    ]
    assert wrong == []


def _raise(*_: Any, **__: Any) -> None:
    raise StoreError("could not connect")
