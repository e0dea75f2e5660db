"""Which layers are remarked on because the layer before their ReLU gives better pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.models.graph import Node
from fvcli.plan import make_plan
from fvcli.plan.activations import before_relus
from fvcli.plan.behind_relus import behind_relus
from tests.helpers.specs import spec_of_text

TWO = "block9_expand is behind a ReLU6, where a silent channel has no gradient and none rises above 6; "


def remarks(facts: ModelFacts, *jobs: str) -> list[str]:
    lines = [f"  - {{name: j{i}, {job}}}" for i, job in enumerate(jobs)]
    spec = spec_of_text("\n".join([f"model: {facts.name}", "jobs:", *lines]) + "\n")
    plan, problems = make_plan(spec, range(len(spec.jobs)), facts)
    assert problems == []
    assert plan is not None
    return behind_relus(plan, facts)


def test_once_for_each_layer_with_the_line_to_write(facts: ModelFacts) -> None:
    jobs = ["layer: block9_expand, channels: 0-3", "layer: block9_expand, channels: 5, recipe: lucid"]
    assert remarks(facts, *jobs) == [TWO + "better is the layer before it: layer: block9_expand_bn"]


@pytest.mark.parametrize(
    "job",
    [
        "layer: block9_expand_bn, channels: 0",
        "layer: block9_add, channels: 0",
        "layer: 'block9_expand*', channels: 0",  # both are rendered, so somebody compares
        "layer: block9_expand, objective: layer",  # of a whole layer something always fires
        "objective: class_logit, classes: [3]",
    ],
)
def test_what_needs_no_remark(facts: ModelFacts, job: str) -> None:
    assert remarks(facts, job) == []


def test_of_many_layers_the_first_and_a_count(facts: ModelFacts) -> None:
    found = remarks(facts, *(f"layer: block{i}_expand, channels: 0" for i in range(1, 6)))
    assert len(found) == 4
    assert found[-1] == (
        "2 more layers are behind a ReLU; fvcli layers efficientnet-lite0 shows what each is made from"
    )


def test_joined_relus_have_the_join_before_them() -> None:
    facts = describe(ModelChoice("inceptionv1", weights="random"))
    assert remarks(facts, "layer: mixed4a, channels: 0") == [
        "mixed4a is behind a ReLU, where a silent channel has no gradient; "
        "better is the layer before it: layer: mixed4a_pre_relu"
    ]


def test_without_a_layer_before_it_there_is_nothing_to_say(facts: ModelFacts) -> None:
    nodes = (Node("relu", "relu", ("input",), 3), Node("join", "concat", ("relu", "relu"), 6))
    assert before_relus(replace(facts, nodes=nodes).nodes) == {}
