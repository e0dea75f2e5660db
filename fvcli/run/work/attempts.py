"""Attempts at batches: attempts/<part>/<batch>.<number>.json.

Making the file, which succeeds for one worker alone, is the claim on the batch. What became of the attempt is
written into it later. Those of a plan name batches of that plan, so another plan begins without any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from fvcli.run.atomic import create_exclusive, remove_tree, write_atomic
from fvcli.run.layout import ATTEMPTS
from fvcli.run.listing import files_below
from fvcli.run.objects import read_bytes
from fvcli.run.process import is_gone
from fvcli.run.work.notes import Note, note_path, read_note

A_FOLDER = 1000  # batches, most of them with one attempt
# Older versions had no parts, and what clients that copy folders add to a name is none of these
NAME = re.compile(r"[0-9]{4,}/([0-9]+)\.([0-9]+)\.json")
DONE, STOPPED, DIED, ERRED = "done", "stopped", "died", "erred"


@dataclass(frozen=True)
class Attempt:
    """One try at a batch.

    worker: Id of who made it; empty where an old version did not say, or while the file is being written.
    units: Positions in the batch of what was to be rendered; None for all, where an old version did not say.
    outcome: None while it is under way, done, stopped (given back), died, or erred: left to other workers
        after an error that may be this computer's. What is known of it is the detail.
    """

    batch: int
    number: int
    worker: str = ""
    units: tuple[int, ...] | None = None
    outcome: str | None = None
    detail: str = ""

    @property
    def is_open(self) -> bool:
        return self.outcome is None


def make_attempt(run: Path, attempt: Attempt) -> bool:
    """Claim a batch; tell whether this process made the file, and no other."""
    return create_exclusive(_place(run, attempt.batch, attempt.number), _content(attempt))


def end_attempt(run: Path, attempt: Attempt, outcome: str, detail: str = "") -> None:
    """Write what became of an attempt."""
    ended = replace(attempt, outcome=outcome, detail=detail)
    write_atomic(_place(run, attempt.batch, attempt.number), _content(ended), durable=False)


def attempts_of(run: Path, batch: int, known: int = 0) -> list[Attempt]:
    """Return the attempts at a batch, oldest first.

    Args:
        run: The run's folder.
        batch: Number of the batch.
        known: The number of an attempt that is known to have been made, if one is.
    """
    found = []
    for number in count(1):
        attempt = read_attempt(run, batch, number)
        if attempt is not None:
            found.append(attempt)
        elif number > known:
            break
    return found


def read_attempt(run: Path, batch: int, number: int) -> Attempt | None:
    """Return an attempt, or None if there is none; of a file that cannot be read only that it was made."""
    try:
        data: Mapping[str, Any] = json.loads(read_bytes(_place(run, batch, number)))
        units, outcome = data.get("units"), data.get("outcome")
        return Attempt(
            batch,
            number,
            str(data.get("worker", "")),
            None if units is None else tuple(map(int, units)),
            None if outcome is None else str(outcome),
            str(data.get("detail", "")),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, AttributeError):
        return Attempt(batch, number)


def latest_attempts(run: Path) -> dict[int, int]:
    """Return the number of the latest attempt at every batch that has one, from the names of files."""
    found: dict[int, int] = {}
    for batch, number in _listed(run):
        found[batch] = max(number, found.get(batch, 0))
    return found


def _listed(run: Path) -> Iterator[tuple[int, int]]:
    for name in files_below(run / ATTEMPTS):
        found = NAME.fullmatch(name)
        if found is not None:
            yield int(found[1]), int(found[2])


def forget_attempts(run: Path, batches: Sequence[int] | None = None) -> None:
    """Remove the records of some batches, or of all, because the batches are others now."""
    if batches is None:
        remove_tree(run / ATTEMPTS)
    for batch in batches or ():
        for attempt in attempts_of(run, batch):
            _place(run, batch, attempt.number).unlink(missing_ok=True)


def _folder(run: Path, batch: int) -> Path:
    return run / ATTEMPTS / f"{batch // A_FOLDER:04d}"


def _place(run: Path, batch: int, number: int) -> Path:
    return _folder(run, batch) / f"{batch}.{number}.json"


def _content(attempt: Attempt) -> bytes:
    return (json.dumps(asdict(attempt)) + "\n").encode()


def bury(run: Path, note: Note, how: str, outcome: str = DIED) -> None:
    """Write how a worker ended, which could not do it itself, into the attempts that it was at."""
    for at in note.at:
        attempt = read_attempt(run, at["batch"], at["attempt"])
        if attempt is not None and attempt.is_open and attempt.worker == note.id:
            end_attempt(run, attempt, outcome, how)


def is_claimed(run: Path, batch: int) -> bool:
    """Tell whether a batch has a claim whose worker may live."""
    latest = attempts_of(run, batch)[-1:]
    if not latest or not latest[0].is_open:
        return False
    note = read_note(note_path(run, latest[0].worker)) if latest[0].worker else None
    return note is None or (not note.ended and not is_gone(note.process))
