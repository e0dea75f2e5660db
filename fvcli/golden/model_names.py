"""What reports call the networks of two runs."""

from __future__ import annotations

from fvcli.models.choice import IMAGENET
from fvcli.plan import Plan

SUM_DIGITS = 8  # of a hash, as people are shown it


def model_names(first: Plan, second: Plan) -> tuple[str, str]:
    """Return the names of two runs' networks; with the sums of their weights where only these differ."""
    names, sums = (_name(first), _name(second)), (_sum(first), _sum(second))
    if names[0] != names[1] or sums[0] == sums[1]:
        return names
    one, other = (f"{name}, weights {found}" for name, found in zip(names, sums, strict=True))
    return one, other


def _name(plan: Plan) -> str:
    choice = plan.model
    return choice.called if choice.weights in {None, IMAGENET} else f"{choice.called} ({choice.weights})"


def _sum(plan: Plan) -> str:
    return plan.programs[0].weights_sha256[:SUM_DIGITS] if plan.programs else ""
