"""Which units of a plan patterns name."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.errors import UsageError
from fvcli.plan import Plan

EXAMPLES = 3  # names of units that a message shows


def choose_units(plan: Plan, patterns: Sequence[str]) -> frozenset[str] | None:
    """Return the paths of the units that any of the patterns names, or None for all without a pattern.

    Raises:
        UsageError: With a line for each pattern that names no unit.
    """
    if not patterns:
        return None
    found = {pattern: plan.only(pattern) for pattern in patterns}
    nothing = [pattern for pattern, units in found.items() if not units]
    if nothing:
        called = ", ".join(units[0].path for _, units in plan.by_job()[:EXAMPLES] if units)
        message = f"no unit matches: units are named like {called}"
        raise UsageError("\n".join(f"--only {pattern}: {message}" for pattern in nothing))
    return frozenset().union(*found.values())
