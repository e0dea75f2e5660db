"""Which bars of the network are marked for a layer, above all where branches are joined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fvcli.atlas.site.network_figure import Bar, Stage, stages_of
from fvcli.models import ModelChoice, ModelFacts, describe


@pytest.fixture(scope="module")
def inception() -> ModelFacts:
    return describe(ModelChoice("inceptionv1", weights="random"))


def marked(stages: list[Stage]) -> list[Bar]:
    return [bar for stage in stages for bar in stage.bars if bar.chapter]


def named(stages: list[Stage]) -> list[str]:
    return [name for stage in stages for name in stage.chapters]


def test_a_concatenation_marks_all_its_branches_and_is_named_once(inception: ModelFacts) -> None:
    stages = stages_of(inception, ["mixed3a"])
    bars = marked(stages)
    assert sorted(bar.title for bar in bars) == [
        "mixed3a_1x1_pre_relu, 64 channels",
        "mixed3a_3x3_pre_relu, 128 channels",
        "mixed3a_5x5_pre_relu, 32 channels",
        "mixed3a_pool_reduce_pre_relu, 32 channels",
    ]
    assert {bar.chapter for bar in bars} == {"mixed3a"}
    assert named(stages) == ["mixed3a"]
    assert len({(bar.x, bar.y) for bar in bars}) == 4


def test_two_concatenations_share_no_bar(inception: ModelFacts) -> None:
    stages = stages_of(inception, ["mixed3a", "mixed3b"])
    bars = marked(stages)
    assert [sum(bar.chapter == name for bar in bars) for name in ("mixed3a", "mixed3b")] == [4, 4]
    assert named(stages) == ["mixed3a", "mixed3b"]


def test_a_branch_marks_itself_alone(inception: ModelFacts) -> None:
    (bar,) = marked(stages_of(inception, ["mixed3a_5x5_pre_relu"]))
    assert bar.title == "mixed3a_5x5_pre_relu, 32 channels"


def test_what_passes_layers_by_is_no_branch(facts: ModelFacts) -> None:
    """In a DenseNet all that came before is joined to what is made of it."""
    joined = [replace(node, kind="concat") if node.name == "block2_add" else node for node in facts.nodes]
    dense = replace(facts, nodes=tuple(joined))
    (before,) = (node for node in facts.nodes if node.name == "block2_add")
    assert len(before.inputs) == 2
    titles = [bar.title for bar in marked(stages_of(dense, ["block2_add"]))]
    assert titles == [bar.title for bar in marked(stages_of(facts, ["block2_add"]))]
    assert len(titles) == 1


def test_arcs_are_curves_between_the_layers_that_they_join(facts: ModelFacts) -> None:
    arcs = [arc for stage in stages_of(facts, []) for arc in stage.arcs]
    assert len(arcs) == 9  # the blocks of EfficientNet-Lite0 that are added to what they are made of
    assert str(arcs[0]).startswith(f"M{arcs[0].left:.1f} 16C")
    assert all(arc.left < arc.right for arc in arcs)
