"""Which units patterns name."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.errors import UsageError
from fvcli.plan.plan import Plan

EXAMPLES = 3  # names of units that a message shows


def choose_units(plans: Plan | Sequence[Plan], patterns: Sequence[str]) -> frozenset[str] | None:
    """Return the paths of the units that any of the patterns names, or None for all without a pattern.

    Args:
        plans: A plan, or several of which any may have the units.
        patterns: Shell patterns of job/unit, job or unit.

    Raises:
        UsageError: With a line for each pattern that names no unit.
    """
    if not patterns:
        return None
    known = (plans,) if isinstance(plans, Plan) else plans
    found = {pattern: frozenset().union(*(plan.only(pattern) for plan in known)) for pattern in patterns}
    nothing = [pattern for pattern, units in found.items() if not units]
    if nothing:
        called = ", ".join(_examples(known))
        message = f"no unit matches: units are named like {called}"
        raise UsageError("\n".join(f"--only {pattern}: {message}" for pattern in nothing))
    return frozenset().union(*found.values())


def _examples(plans: Sequence[Plan]) -> list[str]:
    """Return the first unit of each of the first jobs."""
    first = (units[0].path for plan in plans for _, units in plan.by_job() if units)
    return list(dict.fromkeys(first))[:EXAMPLES]
