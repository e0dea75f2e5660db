"""Journals of workers: workers/<id>.jsonl, a line for each batch that was finished.

They save the reading of sidecars: a line has, for each unit, what its sidecar says, and the sizes of its
files. Where the sizes are others now, or there is no line, the sidecar is read. Nothing depends on a journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError
from fvcli.run.layout import WORKERS
from fvcli.run.objects import is_object, names_below, put, read_bytes
from fvcli.run.sidecar import Record
from fvcli.run.work.rounds import Round, read_rounds

# An id of a worker, and in an object store round and part; not what clients make that copy folders
NAME = re.compile(r"[\w-]+(\.[0-9]*-[0-9]+)?\.jsonl")
ALWAYS_TOLD = 4  # key, status, sizes and time of a unit
A_PART = 100  # lines of a part
UNITS, WHOLE = b', "units": ', b"}}"  # what comes after the head of a line, and how a whole line ends


@dataclass(frozen=True)
class Entry:
    """A line of a journal: a batch of a plan, in a round, and its units.

    is_part: Whether the batch lacked more units.
    """

    worker: str
    plan: str
    round: str
    batch: int
    seconds: float
    records: tuple[Record, ...]
    is_part: bool = False


class Journal:
    """Writes the journal of one worker; in an object store, where nothing can be appended, in parts."""

    def __init__(self, run: Path, worker: str, round_: Round) -> None:
        self._path = run / WORKERS / f"{worker}.jsonl"
        self._lines: list[str] = []  # of the part that is not full yet
        self._part = 0
        self._head = {"plan": round_.plan, "round": round_.name}

    def add(self, batch: int, seconds: float, records: Sequence[Record], *, is_part: bool = False) -> None:
        """Write a line; see ``Entry``.

        Raises:
            FvcliError: The disk is full, or the file cannot be written.
        """
        units = {record.stem: _told(record) for record in records}
        told = {"batch": batch, **({"part": True} if is_part else {}), "seconds": round(seconds, 3)}
        line = json.dumps({**self._head, **told, "units": units})
        self._lines.append(line + "\n")
        if is_object(self._path):
            self._put()
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(self._lines.pop())
        except OSError as error:
            raise FvcliError(f"{self._path} cannot be written: {error.strerror}") from error

    def _put(self) -> None:
        place = self._path.with_name(f"{self._path.stem}.{self._head['round']}-{self._part}.jsonl")
        put(place, "".join(self._lines).encode())
        if len(self._lines) == A_PART:
            self._lines, self._part = [], self._part + 1


def _told(record: Record) -> list[Any]:
    """Return what a line says of a unit; what old lines do not have is left out where it is empty."""
    said = list(record[1:])
    while len(said) > ALWAYS_TOLD and not said[-1]:
        del said[-1]
    return said


def read_journals(run: Path) -> Iterator[Entry]:
    """Yield the lines of all journals; lines that were cut short are passed over."""
    for path in sorted((run / WORKERS).glob("*.jsonl")):
        if not NAME.fullmatch(path.name):
            continue
        for line in read_bytes(path).splitlines():
            try:
                yield _entry(path.stem.partition(".")[0], json.loads(line))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError):
                continue


class Finished:
    """The batches that journals tell of as finished, by round; what they say of units is not read.

    Each look reads only what was written since the last one.

    Args:
        run: The run's folder.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / WORKERS
        self._read: dict[str, int] = {}  # how much of each file
        self._found: dict[str, set[int]] = {}

    def look(self) -> Mapping[str, set[int]]:
        """Read what is new; return all that is known by now."""
        for name, size in _journals(self._folder):
            if size != self._read.get(name):
                self._take(name)
        return self._found

    def _take(self, name: str) -> None:
        path, start = self._folder / name, self._read.get(name, 0)
        if is_object(path):  # a part that has grown is another object
            text, start = read_bytes(path), 0
        else:
            with path.open("rb") as file:
                file.seek(start)
                text = file.read()
        if not text.endswith((b"\n", WHOLE)):  # the last line is being written
            text = text[: text.rfind(b"\n") + 1]
        self._read[name] = start + len(text)
        for line in text.splitlines():
            head, between, _ = line.partition(UNITS)
            if between and line.endswith(WHOLE):
                with contextlib.suppress(ValueError, KeyError):
                    told = json.loads(head + b"}")
                    if not told.get("part"):
                        self._found.setdefault(told["round"], set()).add(told["batch"])


def _journals(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and size of each journal. Notes are not looked at: they are replaced all the time."""
    if is_object(folder):
        yield from (found for found in names_below(folder) if NAME.fullmatch(found[0]))
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        yield from ((entry.name, entry.stat().st_size) for entry in entries if NAME.fullmatch(entry.name))


def batches_done(run: Path, round_: Round) -> set[int]:
    """Return the batches of a round that journals tell of as finished."""
    return Finished(run).look().get(round_.name, set())


def rounds_left(run: Path, plan: str) -> Iterator[Round]:
    """Yield the rounds of a plan that have something left, the newest first, with the batches that are left.

    A later round may have asked for less, such as ``render --only``: what an earlier one asked for stays.

    Args:
        run: The run's folder.
        plan: Sum of its plan.
    """
    done = Finished(run).look()
    covered: set[int] = set()  # batches that a later round finished whole
    for round_ in reversed(read_rounds(run)):
        if round_.plan == plan:
            mine = done.get(round_.name, set())
            left = tuple(batch for batch in round_.batches if batch not in covered and batch not in mine)
            covered |= {batch for batch in mine if batch not in round_.wanted}
            if left:
                yield replace(round_, batches=left)


def _entry(worker: str, data: Mapping[str, Any]) -> Entry:
    units = data["units"]
    records = tuple(Record(stem, *said) for stem, said in units.items())
    return Entry(
        worker, data["plan"], data["round"], data["batch"], data["seconds"], records, bool(data.get("part"))
    )
