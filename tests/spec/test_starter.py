"""The spec that fvcli init writes can be planned, as it is and with its comments taken off."""

from __future__ import annotations

import itertools
import re

import pytest

from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.spec import Spec
from tests.helpers.specs import STARTER, spec_of_text


def plan_of(spec: Spec, facts: ModelFacts) -> Plan:
    plan, problems = make_plan(spec, range(len(spec.jobs)), facts)
    assert problems == []
    return plan


# ---- the starter


def uncommented(text: str) -> str:
    """Take the # off the lines that hold keys: jobs and settings that wait to be used."""
    return re.sub(r"^(\s+)# (- |  |steps:|size_px:|seed:)", r"\1\2", text, flags=re.MULTILINE)


@pytest.mark.parametrize("change", [str, uncommented])
def test_starter(facts: ModelFacts, change) -> None:
    spec = spec_of_text(change(STARTER))
    plan = plan_of(spec, facts)
    assert {unit.job for unit in plan.units} == {job.name for job in spec.jobs}


def test_starter_uncommented_has_more_jobs() -> None:
    few, many = spec_of_text(STARTER), spec_of_text(uncommented(STARTER))
    assert {job.name for job in many.jobs} - {job.name for job in few.jobs} == {"opposites", "mixed"}
    assert many.render.steps == 64


def test_starter_says_what_there_is() -> None:
    """Names in the comments of the starter are names of the schema."""
    objectives = ("channel", "neuron", "layer", "class_logit", "class_probability")
    for word in itertools.chain(("default", "lucid", "distill"), objectives):
        assert word in STARTER
