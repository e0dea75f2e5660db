"""Layers by a pattern, by a part of their name, or by how it is spelled."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.plan import make_plan
from fvcli.plan.layer_names import hint_for, matching, recommended_first
from fvcli.plan.meant_layer import meant_layer
from tests.helpers.plans import plan_of
from tests.helpers.specs import spec_of


def names(facts: ModelFacts, layer: Any) -> list[str]:
    plan = plan_of(facts, [{"name": "a", "layer": layer, "channels": [0]}])
    return [unit.name for unit in plan.units]


def problems(facts: ModelFacts, **job: Any) -> list[str]:
    spec = spec_of({"model": "efficientnet-lite0", "jobs": [{"name": "a", "channels": [0], **job}]})
    return [problem.message for problem in make_plan(spec, [0], facts)[1]]


def test_a_pattern_names_layers_in_the_order_of_the_network(facts: ModelFacts) -> None:
    assert names(facts, "block[1-3]_expand_bn") == [f"block{i}_expand_bn-channel-0000" for i in (1, 2, 3)]
    assert names(facts, "block1?_add")[0] == "block10_add-channel-0000"
    order = [node.name for node in facts.nodes]
    found = matching("*_bn", facts)
    assert [*found] == sorted(found, key=order.index)
    assert len(found) == 49


def test_names_and_patterns_may_be_mixed_and_a_layer_comes_once(facts: ModelFacts) -> None:
    found = names(facts, ["stem_bn", "block1_*_bn", "block1_dw_bn"])
    layers = ["stem_bn", "block1_expand_bn", "block1_dw_bn", "block1_project_bn"]
    assert found == [f"{layer}-channel-0000" for layer in layers]


def test_a_pattern_gives_the_keys_that_the_names_give(facts: ModelFacts) -> None:
    job = {"name": "a", "channels": [0, 1]}
    plans = [plan_of(facts, [{**job, "layer": layer}]) for layer in ("block[12]_add", ["block2_add"])]
    keys = [{unit.key for unit in plan.units} for plan in plans]
    assert keys[1] == keys[0]


def test_units_of_a_pattern_are_named_with_their_layer_even_if_there_is_one(facts: ModelFacts) -> None:
    assert names(facts, "stem_b?") == ["stem_bn-channel-0000"]
    assert names(facts, "stem_bn") == ["channel-0000"]


def test_a_pattern_that_matches_nothing(facts: ModelFacts) -> None:
    (message,) = problems(facts, layer="blok4_*_bn")
    assert message.startswith("efficientnet-lite0 has no layer like 'blok4_*_bn'")
    (message,) = problems(facts, layer="*block4?_x*")
    assert "the best first: block4_expand_bn, block4_dw_bn" in message


def test_a_term_takes_no_pattern(facts: ModelFacts) -> None:
    terms = [{"kind": "channel", "layer": "block4_*", "channel": 3}]
    messages = problems(facts, objective={"kind": "sum", "terms": terms}, channels=None)
    assert messages[0].startswith("this key takes no pattern")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "block4",
            "; layers with block4 in their name, the best first: block4_expand_bn, block4_dw_bn, block4_add",
        ),
        ("Block4_Expand_BN", " (did you mean block4_expand_bn?)"),
        ("block4-expand-bn", " (did you mean block4_expand_bn?)"),
        ("block4.expand.bn", " (did you mean block4_expand_bn?)"),
        ("all", "; a pattern takes several: layer: 'block*_bn', or '*' for all that have channels"),
        (
            "xyz",
            " (list them with: fvcli layers efficientnet-lite0; recommended are block2_expand_bn, ",
        ),
        ("BLOCK4_*", " (did you mean block4_*?)"),
        ("stem_relu6", " (did you mean stem?)"),
        ("block4_expand_relu6", " (did you mean block4_expand?)"),
        ("block4_expnd_bn", " (did you mean block4_expand_bn?)"),
        ("relu6", "; a layer is named by its name, not its kind; of that kind are stem, block0_dw, "),
    ],
)
def test_hint(facts: ModelFacts, name: str, hint: str) -> None:
    assert hint_for(name, facts).startswith(hint)


def test_a_number_is_not_cut(facts: ModelFacts) -> None:
    assert "block10" not in hint_for("block1", facts)
    assert hint_for("block1", facts).endswith("--match '*block1*')")


def test_what_an_activation_follows_comes_first(facts: ModelFacts) -> None:
    mixed = ["block4_add", "block4_expand", "block4_project_bn", "block4_expand_bn"]
    assert recommended_first(mixed, facts)[:2] == ["block4_expand_bn", "block4_add"]


GOOGLENET = ("pre_layers_6", "a3", "b3", "a4", "c4", "c4_b4_conv1_relu", "d4", "d4_b4_conv1", "linear")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mixed4c", "c4"),
        ("inception_4c", "c4"),
        ("inception (4c)", "c4"),
        ("Mixed_4c", "c4"),
        ("mixed4a_pre_relu", "a4"),
        ("4d", "d4"),
        ("mixed4e", None),
        ("c4_relu", "c4"),
        ("d4_concat", "d4"),
        ("c4_b4_conv1_rleu", "c4_b4_conv1_relu"),
        ("liner", "linear"),
        ("xyz", None),
    ],
)
def test_the_layer_that_is_meant(name: str, meant: str | None) -> None:
    assert meant_layer(name, GOOGLENET) == meant


def test_known_modules_are_found_from_short_names() -> None:
    assert meant_layer("c4", ("mixed4a", "mixed4c")) == "mixed4c"


def test_joins_of_modules_come_before_their_branches() -> None:
    facts = describe(ModelChoice("inceptionv1", weights="random"))
    found = recommended_first(["mixed4c_3x3_pre_relu", "mixed4c_pre_relu"], facts)
    assert found == ["mixed4c_pre_relu", "mixed4c_3x3_pre_relu"]
