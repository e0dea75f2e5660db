"""The learning rate of default by what a unit sees."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.plan import make_plan
from fvcli.plan.fit_to_field import WHOLE_IMAGE, field_share, rate_for
from fvcli.spec.schema import Spec

RATES = ((0.75, 0.12), (1.5, 0.06))


def rate_by_hand(share: float) -> float:
    if share <= 0.75:
        return 0.12
    if share >= 1.5:
        return 0.06
    return float(0.12 * 2.0 ** -(math.log2(share) - math.log2(0.75)))


@given(st.floats(0.01, 10.0))
def test_a_rate_is_that_of_the_formula(share: float) -> None:
    assert rate_for(RATES, share) == pytest.approx(rate_by_hand(share), rel=0.005)


def test_known_rates() -> None:
    assert [rate_for(RATES, share) for share in (0.1, 0.75, 1.5, WHOLE_IMAGE)] == [0.12, 0.12, 0.06, 0.06]
    assert rate_for(RATES, 1.0) == 0.09
    assert rate_for(((1.0, 0.1), (2.0, 0.2), (4.0, 0.1)), 3.0) == 0.133


def test_shares_are_of_the_larger_side(facts: ModelFacts) -> None:
    assert field_share(facts, "block4_expand_bn", (224, 224)) == pytest.approx(35 / 224)
    assert field_share(facts, "block4_expand_bn", (224, 112)) == pytest.approx(35 / 112)
    assert field_share(facts, "logits", (224, 224)) == WHOLE_IMAGE
    assert field_share(facts, "input", (224, 224)) == pytest.approx(1 / 224)


def rates_of(facts: ModelFacts, render: dict[str, object], **job: object) -> list[float]:
    spec = {"model": "efficientnet-lite0", "render": render, "jobs": [{"name": "a", **job}]}
    plan, problems = make_plan(Spec.model_validate_json(json.dumps(spec)), [0], facts)
    assert problems == []
    return [program.settings.optimizer.learning_rate for program in plan.programs]


def test_deep_units_have_a_smaller_rate(facts: ModelFacts) -> None:
    for layer, rate in (("block2_expand_bn", 0.12), ("block9_expand_bn", 0.0955), ("head_bn", 0.06)):
        assert rates_of(facts, {}, layer=layer, channels=[3]) == [rate]


def test_of_several_layers_the_one_that_sees_most_decides(facts: ModelFacts) -> None:
    terms = [{"kind": "channel", "layer": name, "channel": 3} for name in ("block2_expand_bn", "head_bn")]
    assert rates_of(facts, {}, objective={"kind": "sum", "terms": terms}) == [0.06]


def test_a_unit_sees_a_larger_share_of_a_small_canvas(facts: ModelFacts) -> None:
    assert rates_of(facts, {"size_px": 96}, layer="block6_expand_bn", channels=[3]) == [0.104]


def test_a_neuron_keeps_the_rate_of_the_recipe(facts: ModelFacts) -> None:
    assert rates_of(facts, {}, layer="head_bn", channels=[3], objective="neuron") == [0.12]


ADAM = {"kind": "adam", "learning_rate": 0.12, "beta1": 0.3, "beta2": 0.9, "second_moment": "band"}


@pytest.mark.parametrize(
    ("render", "rate"),
    [
        ({"optimizer": {**ADAM, "anneal_from": 0.5}}, 0.12),
        ({"optimizer": "adam"}, 0.05),
        ({"recipe": "lucid"}, 0.05),
        ({"parameterization": "cppn"}, 0.003),
        ({"parameterization": "laplacian"}, 0.06),
        ({"steps": 64}, 0.06),
    ],
)
def test_what_a_spec_says_is_never_changed(facts: ModelFacts, render: dict[str, object], rate: float) -> None:
    assert rates_of(facts, render, layer="head_bn", channels=[3]) == [rate]
