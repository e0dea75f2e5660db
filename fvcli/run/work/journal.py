"""Journals of workers: workers/<id>.jsonl, a line for each batch that was finished.

They save the reading of sidecars: a line has, for each unit, what its sidecar says, and the sizes of its
files. Where the sizes are others now, or there is no line, the sidecar is read. Nothing depends on a journal.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError
from fvcli.run.layout import WORKERS
from fvcli.run.objects import is_object, put, read_bytes
from fvcli.run.sidecar import Record
from fvcli.run.work.rounds import Round, read_rounds

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
        units = {record.stem: record[1:] if record.again else record[1:-1] for record in records}
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


def read_journals(run: Path) -> Iterator[Entry]:
    """Yield the lines of all journals; lines that were cut short are passed over."""
    for path in sorted((run / WORKERS).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield _entry(path.stem.partition(".")[0], json.loads(line))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError):
                continue


def batches_done(run: Path, round_: Round) -> set[int]:
    """Return the batches of a round that journals tell of as finished; what they say of units is not read."""
    return _done_by_round(run).get(round_.name, set())


def rounds_left(run: Path, plan: str) -> Iterator[Round]:
    """Yield the rounds of a plan that have something left, the newest first, with the batches that are left.

    A later round may have asked for less, such as ``render --only``: what an earlier one asked for stays.

    Args:
        run: The run's folder.
        plan: Sum of its plan.
    """
    done = _done_by_round(run)
    covered: set[int] = set()  # batches that a later round finished whole
    for round_ in reversed(read_rounds(run)):
        if round_.plan == plan:
            mine = done.get(round_.name, set())
            left = tuple(batch for batch in round_.batches if batch not in covered and batch not in mine)
            covered |= {batch for batch in mine if batch not in round_.wanted}
            if left:
                yield replace(round_, batches=left)


def _done_by_round(run: Path) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for path in (run / WORKERS).glob("*.jsonl"):
        for line in read_bytes(path).splitlines():
            head, between, _ = line.partition(UNITS)
            if between and line.endswith(WHOLE):
                with contextlib.suppress(ValueError, KeyError):
                    told = json.loads(head + b"}")
                    if not told.get("part"):
                        found.setdefault(told["round"], set()).add(told["batch"])
    return found


def _entry(worker: str, data: Mapping[str, Any]) -> Entry:
    units = data["units"]
    records = tuple(Record(stem, *said) for stem, said in units.items())
    return Entry(
        worker, data["plan"], data["round"], data["batch"], data["seconds"], records, bool(data.get("part"))
    )
