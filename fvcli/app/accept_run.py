"""Accept a run: make it the golden that later runs are compared with, or take what changed into one."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from fvcli.app.compare_runs import CompareOptions, compare_runs
from fvcli.errors import UsageError
from fvcli.golden import Comparison, Golden, NothingToCompareError, Options
from fvcli.golden.accept import Taken, choose, gone_from, refuse_unfinished, take
from fvcli.golden.folder import GOLDEN
from fvcli.golden.golden_plan import whole_groups
from fvcli.plan import choose_units
from fvcli.run import RunFolder
from fvcli.run.check import damage_of
from fvcli.run.foreign import refuse_foreign
from fvcli.run.layout import PLAN


@dataclass(frozen=True)
class Accepted:
    """What was accepted.

    taken: The units.
    kept: How many units of the golden were left as they are.
    is_new: Whether the golden was made.
    """

    taken: Taken
    kept: int
    is_new: bool


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
        UsageError: A unit failed, is missing or damaged, or the golden cannot be read; nothing was written.
    """
    if not reason.strip():
        raise UsageError("--reason is empty", "say why the pictures are as they should be")
    new, old = RunFolder.read(run), _golden_at(golden)
    wanted = choose_units((new.plan,) if old is None else (new.plan, old.run.plan), only)
    asked = [unit for unit in new.plan.units if wanted is None or unit.path in wanted]
    refuse_unfinished(new, asked, {})
    found = None if old is None else _compared(golden, run, only, options or CompareOptions(), seen)
    gone = gone_from(old, new, wanted) if old else []
    changed, removed = whole_groups(
        old.run.plan if old else None, new.plan, [*choose(new, wanted, found, everything), *gone]
    )
    refuse_unfinished(new, changed, {u.path: why for u in changed if (why := damage_of(new, u)) is not None})
    taken = Taken(changed, removed)
    kept = 0 if old is None else len({u.path for u in old.units} - {u.path for u in changed + taken.removed})
    if not taken.is_nothing:
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        why = reason.strip().encode("utf-8", "replace").decode()  # a shell may hand over any bytes
        take(golden, old, new, taken, (when, who_accepts(), why))
    return Accepted(taken, kept, old is None)


def _golden_at(path: Path) -> Golden | None:
    """Return the golden in a folder, or None where nothing is yet."""
    if not (path / PLAN).exists():
        refuse_foreign(path, "")
        return None
    if not (path / GOLDEN).exists():
        raise UsageError(f"{path} is a run, not a golden", "give a new folder for the golden")
    return Golden.read(path)


def _compared(
    golden: Path,
    run: Path,
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
