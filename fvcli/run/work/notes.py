"""Notes of workers: workers/<id>.json, rewritten while a worker lives, and what can be told from them."""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fvcli.errors import FvcliError
from fvcli.run.atomic import write_atomic
from fvcli.run.layout import WORKERS
from fvcli.run.objects import read_bytes
from fvcli.run.process import is_gone, this_process
from fvcli.typed_command import typed_command

WORKER, COMMAND = "worker", "command"
# Ends of workers that are no deaths
IN_ORDER = {"finished", "stopped", "FvcliError", "UsageError", "StoppedError"}
BEAT_S = 10.0
LEASE_S = 120.0  # a file server may show an old note for a minute
BEATS_A_LEASE = 6
BEATS_WATCHED = 3  # before a worker elsewhere is taken to be gone, where nothing is at stake but a refusal


@dataclass(frozen=True)
class Note:
    """What a worker says of itself.

    process: See ``run.process``.
    began: When, in UTC, for people.
    beat: A number that rises while the worker lives.
    beat_s: How often it is written.
    role: WORKER, or COMMAND for what only looks after others.
    device, fingerprint: What it computes with; empty while it starts.
    at: What it is at: batch, attempt, group of programs, job, layer, units, and since when.
    done, failed, again: Units that it has rendered, those of them that failed, and those that had been
        finished by another worker meanwhile.
    busy_s: Seconds since it began to render.
    error: What went wrong last.
    ended: How it ended; empty while it lives.
    round: Which round it is at; empty where an old version did not say.
    job: What the engine calls it, such as the number of a Slurm job.
    argv: The command that somebody typed, even where another process started this one.
    """

    id: str
    process: Mapping[str, Any]
    began: str
    beat: int = 0
    beat_s: float = BEAT_S
    role: str = COMMAND
    device: str = ""
    fingerprint: str = ""
    at: tuple[Mapping[str, Any], ...] = ()
    done: int = 0
    failed: int = 0
    again: int = 0
    busy_s: float = 0.0
    error: str = ""
    ended: str = ""
    round: str = ""
    job: str = ""
    argv: tuple[str, ...] = ()

    @property
    def units_a_minute(self) -> float:
        return 60.0 * self.done / self.busy_s if self.busy_s > 0 else 0.0


def now_utc() -> str:
    """Return the time, for people: no decision is made by it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def seconds_since(when: str) -> float:
    """Return how long ago a time of ``now_utc`` was, for people: clocks of two computers may differ."""
    return max(0.0, (datetime.now(timezone.utc) - datetime.fromisoformat(when)).total_seconds())


def new_id() -> str:
    """Return the name of a new worker, unlike every other."""
    process = this_process()
    host = "".join(c if c.isalnum() or c == "-" else "-" for c in str(process["host"]))[:40]
    return f"{host}-{process['pid']}-{secrets.token_hex(3)}"


def read_notes(run: Path) -> list[Note]:
    """Return the notes of all workers that ever were, oldest first."""
    found = [(path.stem, read_note(path)) for path in (run / WORKERS).glob("*.json")]
    notes = [note for name, note in found if note is not None and note.id == name]  # others are copies
    return sorted(notes, key=lambda note: (note.began, note.id))


def read_note(path: Path) -> Note | None:
    """Return a note, or None if it cannot be read."""
    try:
        return _adapter().validate_json(read_bytes(path), extra="ignore")
    except (OSError, ValueError):
        return None


def write_note(run: Path, note: Note) -> None:
    """Replace a worker's note."""
    write_atomic(note_path(run, note.id), (json.dumps(asdict(note), indent=1) + "\n").encode(), durable=False)


def note_path(run: Path, worker: str) -> Path:
    return run / WORKERS / f"{worker}.json"


@cache
def _adapter() -> TypeAdapter[Note]:
    return TypeAdapter(Note)


class Presence:
    """A worker's own note, kept up to date by a thread while the worker lives.

    A worker that is at a batch and has not come on for ``patience_s`` gives no sign of life any more.

    Args:
        run: The run's folder.
        lease_s: For how long others wait for a sign of life.
        more: What else is known at once.
    """

    def __init__(self, run: Path, lease_s: float = LEASE_S, **more: Any) -> None:
        self.patience_s = math.inf
        self._came_on = time.monotonic()
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        beat_s = min(BEAT_S, lease_s / BEATS_A_LEASE)
        more["argv"] = tuple(more.get("argv") or typed_command())
        self._note = Note(more.pop("id", None) or new_id(), this_process(), now_utc(), beat_s=beat_s, **more)
        self._thread = threading.Thread(target=self._beat, name="fvcli worker's note", daemon=True)

    @property
    def id(self) -> str:
        return self._note.id

    @property
    def note(self) -> Note:
        return self._note

    @contextlib.contextmanager
    def kept(self) -> Iterator[Presence]:
        """Write the note, keep it alive, and say at the end that it is over."""
        self._write()
        self._thread.start()
        try:
            yield self
        except BaseException as error:
            self.say(error=str(error), ended=f"{type(error).__name__}")
            raise
        finally:
            self._over.set()
            self._thread.join()
            with contextlib.suppress(FvcliError):  # a full disk; others see that the process is gone
                self._end()

    def _end(self) -> None:
        """Leave the note of a worker, which tells what it did; nobody needs that of a command."""
        if self._note.role == WORKER:
            self.say(at=(), ended=self._note.ended or "finished")
        else:
            note_path(self._run, self.id).unlink(missing_ok=True)

    def say(self, **facts: Any) -> None:
        """Change the note and write it."""
        with self._lock:
            self._note = replace(self._note, **facts)
        self._write()

    def _write(self) -> None:
        with self._lock:
            self._note = replace(self._note, beat=self._note.beat + 1)
            write_note(self._run, self._note)

    def came_on(self) -> None:
        """Note that the work goes on."""
        self._came_on = time.monotonic()

    def _beat(self) -> None:
        while not self._over.wait(self._note.beat_s):
            if self._note.at and time.monotonic() - self._came_on > self.patience_s:
                continue  # it hangs; others may take over what it is at
            with contextlib.suppress(FvcliError):  # the next one may succeed; else others see no sign of life
                self._write()


@dataclass
class Watch:
    """Tells which workers are gone, by what it has seen of their notes with its own clock.

    It never compares the clocks of two computers.
    """

    run: Path
    lease_s: float = LEASE_S
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def is_gone(self, worker: str) -> bool:
        """Tell whether a worker has ended, or has shown no sign of life for the lease.

        One that writes its note less often than the lease would have it is waited for as long as it asks for.
        """
        note = read_note(note_path(self.run, worker)) if worker else None
        if note is not None and (note.ended or is_gone(note.process)):
            return True
        beat, now = note.beat if note is not None else -1, time.monotonic()
        last, since = self._seen.get(worker, (None, now))
        if last != beat:
            since = now
        self._seen[worker] = (beat, since)
        own_s = BEATS_A_LEASE * note.beat_s if note is not None else 0.0
        return now - since >= max(self.lease_s, own_s)

    def is_alive(self, note: Note) -> bool | None:
        """Tell at once whether a worker lives, or None if that takes watching."""
        if note.ended:
            return False
        gone = is_gone(note.process)
        return None if gone is None else not gone


def seems_alive(run: Path, note: Note) -> bool:
    """Tell whether a worker lives, for people: of another computer by the age of its note, as clocks say."""
    gone = is_gone(note.process)
    if note.ended or gone is not None:
        return not note.ended and not gone
    try:
        age_s = time.time() - note_path(run, note.id).stat().st_mtime
    except OSError:
        return False
    return age_s < note.beat_s * BEATS_A_LEASE


def at_work(run: Path) -> list[Note]:
    """Return the notes of workers that live, this process's aside.

    Of another computer that takes watching, for some beats of each.
    """
    here = this_process()
    notes = [note for note in read_notes(run) if not note.ended and dict(note.process) != here]
    unseen = [note for note in notes if is_gone(note.process) is None]
    alive = [note for note in notes if is_gone(note.process) is False]
    end = time.monotonic() + BEATS_WATCHED * max((note.beat_s for note in unseen), default=0.0)
    while unseen and not alive and time.monotonic() < end:
        time.sleep(min(1.0, unseen[0].beat_s))
        alive = [note for note in unseen if _has_moved(run, note)]
    return alive


def _has_moved(run: Path, note: Note) -> bool:
    now = read_note(note_path(run, note.id))
    return now is not None and now.beat != note.beat and not now.ended
