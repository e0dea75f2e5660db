"""Accept a run: make it the golden that later runs are compared with, or take what changed into one."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from fvcli.app.compare_runs import CompareOptions, compare_runs
from fvcli.errors import UsageError, counted
from fvcli.golden import Comparison, Golden, NothingToCompareError, Options
from fvcli.golden.accept import About, Taken, choose, gone_from, refuse_unfinished, take
from fvcli.golden.files_outside import said_of_files_outside
from fvcli.golden.folder import is_golden
from fvcli.golden.golden_plan import whole_groups
from fvcli.golden.staging import DOING, finish
from fvcli.plan import Plan, Unit, choose_units
from fvcli.run import RunFolder
from fvcli.run.foreign import refuse_foreign
from fvcli.run.layout import PLAN
from fvcli.run.lock import hold_alone

NO_LOCKS = "{}: this file system has no locks, so take care that no two accept into it at once"


@dataclass(frozen=True)
class Accepted:
    """What was accepted.

    taken: The units.
    kept: How many units of the golden were left as they are.
    is_new: Whether the golden was made.
    within: Where nothing was taken, how many pictures differ within the tolerances.
    remarks: What should be known, in sentences.
    """

    taken: Taken
    kept: int
    is_new: bool
    within: int = 0
    remarks: tuple[str, ...] = ()


def accept_run(
    run: Path,
    golden: Path,
    reason: str,
    *,
    only: Sequence[str] = (),
    everything: bool = False,
    options: CompareOptions | None = None,
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> Accepted:
    """Take a run's pictures into a golden: those that changed beyond its tolerances, or all that differ.

    Args:
        run: Folder of the run.
        golden: Folder of the golden; it need not be there.
        reason: Why, for its history.
        only: Patterns of job/unit, job or unit.
        everything: Whether pictures within the tolerances are taken, too.
        options: How to compare.
        seen: Is told how many pictures were looked at, and of how many.

    Raises:
        UsageError: A unit failed, is missing or damaged, or the golden cannot be read or written; nothing
            was accepted.
        FvcliError: The disk is full or fails; nothing was accepted, or the next acceptance finishes it.
    """
    if not reason.strip():
        raise UsageError("--reason is empty", "say why the pictures are as they should be")
    new = RunFolder.read(run)
    if not golden.is_dir():
        _golden_at(golden)  # which refuses a file
    with _held(golden) as has_locks:
        finished = finish(golden)
        old = _golden_at(golden)
        lacks = tuple(old.lacks) if old else ()
        wanted = choose_units((new.plan,) if old is None else (new.plan, old.run.plan), only)
        asked = [unit for unit in new.plan.units if wanted is None or unit.path in wanted]
        refuse_unfinished(new, asked)  # before networks are asked
        found = None if old is None else _compared(old, new, only, options or CompareOptions(), seen)
        taken = _taken(new, old, wanted, choose(new, wanted, found, everything))
        known = {unit.path for unit in asked}
        refuse_unfinished(new, [unit for unit in taken.changed if unit.path not in known])
        writes = bool(lacks) or not taken.is_nothing
        done = take(golden, old, new, taken, _about(reason)) if writes else None
    mended = done.mended if done else ()
    of_another_spec = _of_another_spec(done.plan, new.plan) if done and not taken.is_nothing else 0
    outside = said_of_files_outside(golden, done.plan) if done else None
    return Accepted(
        taken,
        kept=0 if old is None else len({unit.path for unit in old.units} - taken.paths),
        is_new=old is None,
        within=found.counts["close"] if found and taken.is_nothing else 0,
        remarks=(
            *([f"finished an acceptance that was cut off: {finished}"] if finished else []),
            *([] if has_locks else [NO_LOCKS.format(golden)]),
            *(f"{golden / name} was written anew" for name in mended),
            *(f"{golden / name} {old.lacks[name]}" for name in lacks if old and name not in mended),
            *([_of_another_spec_said(golden, of_another_spec)] if of_another_spec else []),
            *([outside] if outside and not taken.is_nothing else []),
        ),
    )


def _about(reason: str) -> About:
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    why = reason.strip().encode("utf-8", "replace").decode()  # a shell may hand over any bytes
    return About(when, who_accepts(), why)


def _of_another_spec_said(golden: Path, count: int) -> str:
    units = counted(count, "unit of the golden is", "units of the golden are")
    return f"{units} not of {golden}/spec.yaml, which the run was rendered with: render them with their own"


@contextlib.contextmanager
def _held(golden: Path) -> Iterator[bool]:
    """Keep others from accepting into a folder; one that was made for nothing goes again."""
    was_there = golden.exists()
    try:
        golden.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{golden} cannot be made: {error.strerror}", "give another folder") from error
    try:
        if not os.access(golden, os.W_OK | os.X_OK):
            raise UsageError(f"{golden} cannot be written", "allow writing there")
        with hold_alone(golden, DOING) as has_locks:
            yield has_locks
    finally:
        if not was_there:
            with contextlib.suppress(OSError):  # it is not empty
                golden.rmdir()


def _taken(
    new: RunFolder, old: Golden | None, wanted: frozenset[str] | None, chosen: Sequence[Unit]
) -> Taken:
    """Return what is taken over and what goes, each with all that it is optimised together with."""
    gone = gone_from(old, new, wanted) if old else []
    return Taken(*whole_groups(old.run.plan if old else None, new.plan, [*chosen, *gone]))


def _of_another_spec(golden: Plan, run: Plan) -> int:
    """Return how many units of the golden are not as its spec, the run's, has them."""
    asked = {unit.path: unit.key for unit in run.units}
    return sum(asked.get(unit.path) != unit.key for unit in golden.units)


def _golden_at(path: Path) -> Golden | None:
    """Return the golden in a folder, or None where nothing is yet."""
    if not (path / PLAN).exists() and not is_golden(path):
        refuse_foreign(path, "")
        return None
    golden = Golden.read(path)
    if not golden.is_accepted:
        raise UsageError(f"{path} is a run, not a golden", "give a new folder for the golden")
    return golden


def _compared(
    golden: Golden,
    run: RunFolder,
    only: Sequence[str],
    options: CompareOptions,
    seen: Callable[[int, int], None],
) -> Comparison | None:
    try:
        return compare_runs(golden, run, replace(options, units=Options(only=only)), seen)
    except NothingToCompareError:  # all of the run is new
        return None


def who_accepts() -> str:
    """Return the name that git knows of who works here, or that of the login."""
    try:
        said = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        name = said.stdout.strip()
    except OSError:  # there is no git
        name = ""
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a user
        return "unknown"
