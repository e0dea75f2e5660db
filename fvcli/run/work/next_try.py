"""Find the unit that kills its process, from the deaths alone. Pure.

    tries deaths of the batch -> half of the smallest that died -> ... -> tries deaths of a unit -> failed

Units that were rendered meanwhile are left out, so each try says something: it dies, and the unit is in that
half, or it does not, and the unit is in the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fvcli.errors import counted

Positions = tuple[int, ...]


@dataclass(frozen=True)
class Death:
    """A process died at some units of a batch; detail says how, if that is known."""

    units: Positions
    detail: str = ""


@dataclass(frozen=True)
class NextTry:
    """What to do next: render these units, or record that they failed, and why."""

    units: Positions
    failed: str = ""


def next_try(groups: Sequence[Positions], deaths: Sequence[Death], tries: int) -> NextTry:
    """Return what is to be tried next at a batch.

    Args:
        groups: The units that are still missing, by position, in the groups that are rendered together; at
            least one group.
        deaths: Of processes that were at the batch.
        tries: How many deaths a batch may cause before it is cut, and a unit, alone, before it fails. Fewer
            than that may have another cause, such as a computer that was switched off.
    """
    everything = _flat(groups)
    at_these = [death for death in deaths if set(death.units) & set(everything)]
    if len(at_these) < tries:
        return NextTry(everything)
    suspects = min((_suspects(groups, death) for death in at_these), key=len)
    if len(suspects) > 1:
        return NextTry(_flat(suspects[: (len(suspects) + 1) // 2]))
    alone = [death for death in at_these if set(death.units) == set(suspects[0])]
    return NextTry(suspects[0], _reason(alone) if len(alone) >= tries else "")


def _suspects(groups: Sequence[Positions], death: Death) -> Sequence[Positions]:
    return [group for group in groups if set(group) & set(death.units)]


def _reason(deaths: Sequence[Death]) -> str:
    known = [death.detail for death in deaths if death.detail]
    how = f": {known[-1]}" if known else ""
    return f"the process died{how}, {counted(len(deaths), 'time')}"


def _flat(groups: Sequence[Positions]) -> Positions:
    return tuple(position for group in groups for position in group)
