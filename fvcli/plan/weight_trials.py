"""How the weight of diversity is found where a spec says ``auto``: how many trials there are, and how long.

They decide pictures, and keys do not tell of them: a change here needs another ``ALGORITHM``.
"""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.plan.terms import Coupling

LOWEST, HIGHEST = 0.01, 1000.0  # weights that are tried lie between them
HALVINGS = 6  # trials; the weight is found to a factor of (HIGHEST / LOWEST)^(1 / 64) = 1.2
SHARE = 4  # a trial has this part of the steps
LEAST_STEPS, MULTIPLE = 32, 16  # two calls of an ascent, and one


def finds_weight(couplings: Sequence[Coupling]) -> bool:
    """Tell whether a weight is found by trials."""
    return any(coupling.weight is None for coupling in couplings)


def trial_steps(steps: int) -> int:
    """Return the steps of a trial before an ascent of so many steps."""
    return min(steps, max(LEAST_STEPS, -(-steps // (SHARE * MULTIPLE)) * MULTIPLE))


def all_steps(steps: int, couplings: Sequence[Coupling]) -> int:
    """Return how many steps are taken for a picture, with those of trials."""
    return steps + (HALVINGS * trial_steps(steps) if finds_weight(couplings) else 0)
