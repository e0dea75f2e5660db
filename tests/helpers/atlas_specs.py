"""Specs of atlases, planned with fewer channels."""

from __future__ import annotations

from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.plan.behind_relus import behind_relus
from fvcli.plan.notes import notes_on
from tests.helpers.specs import spec_of_text

ALL, FEW = "every: 1}", "every: 16}"


def planned(text: str, facts: ModelFacts) -> tuple[Plan, list[str]]:
    """Return the plan of an atlas's spec for every 16th channel, and all that would be said of it."""
    spec = spec_of_text(text.replace(ALL, FEW))
    plan, problems = make_plan(spec, range(len(spec.jobs)), facts)
    assert problems == []
    return plan, [*notes_on(spec, plan, facts), *behind_relus(plan, facts)]
