"""What recipes leave to the unit: learning rate and steps by what it sees, and penalties that fit."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.plan import make_plan
from fvcli.plan.fit_to_unit import WHOLE_IMAGE, at_share, field_share
from fvcli.spec.schema import Spec
from fvcli.spec.settings import Settings

RATES = ((0.75, 0.12), (1.5, 0.06))


def rate_by_hand(share: float) -> float:
    if share <= 0.75:
        return 0.12
    if share >= 1.5:
        return 0.06
    return float(0.12 * (0.06 / 0.12) ** (math.log2(share) - math.log2(0.75)))


@given(st.floats(0.01, 10.0))
def test_a_rate_is_that_of_the_formula(share: float) -> None:
    assert at_share(RATES, share) == pytest.approx(rate_by_hand(share))


def test_known_rates() -> None:
    assert [at_share(RATES, share) for share in (0.1, 0.75, 1.5, WHOLE_IMAGE)] == [0.12, 0.12, 0.06, 0.06]
    assert at_share(((0.75, 0.12), (1.5, 0.06)), 1.0) == pytest.approx(0.09)
    assert at_share(((1.0, 0.1), (2.0, 0.2), (4.0, 0.1)), 3.0) == pytest.approx(0.1333, abs=1e-4)


def test_shares_are_of_the_larger_side(facts: ModelFacts) -> None:
    assert field_share(facts, "block4_expand_bn", (224, 224)) == pytest.approx(35 / 224)
    assert field_share(facts, "block4_expand_bn", (224, 112)) == pytest.approx(35 / 112)
    assert field_share(facts, "logits", (224, 224)) == WHOLE_IMAGE
    assert field_share(facts, "input", (224, 224)) == pytest.approx(1 / 224)


def planned(facts: ModelFacts, render: dict[str, object], **job: object) -> list[Settings]:
    spec = {"model": "efficientnet-lite0", "render": render, "jobs": [{"name": "a", **job}]}
    plan, problems = make_plan(Spec.model_validate_json(json.dumps(spec)), [0], facts)
    assert problems == []
    return [program.settings for program in plan.programs]


def rates_of(facts: ModelFacts, render: dict[str, object], **job: object) -> list[float]:
    return [settings.optimizer.learning_rate for settings in planned(facts, render, **job)]


def test_deep_units_have_a_smaller_rate_and_more_steps(facts: ModelFacts) -> None:
    """Block 9 sees 211 of 224 px: 0.12 / 2^0.329. Of 160 px it sees 1.319: 168 * 1.333^0.551 = 196.9."""
    known = {
        "block2_expand_bn": (0.12, 160),
        "block6_expand_bn": (0.12, 176),
        "block9_expand_bn": (0.0955, 168),
        "block12_expand_bn": (0.06, 224),
        "head_bn": (0.06, 224),
    }
    for layer, (rate, steps) in known.items():
        [settings] = planned(facts, {}, layer=layer, channels=[3])
        assert (settings.optimizer.learning_rate, settings.steps) == (rate, steps)
    [settings] = planned(facts, {"size_px": 160}, layer="block9_expand_bn", channels=[3])
    assert settings.steps == 200


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


def test_steps_that_a_spec_says_stay(facts: ModelFacts) -> None:
    [settings] = planned(facts, {"steps": 64}, layer="head_bn", channels=[3])
    assert settings.steps == 64
    [variant] = planned(facts, {}, layer="head_bn", channels=[3], variants=[{"name": "v", "steps": 48}])
    assert variant.steps == 48


# ---- penalties


def kinds(settings: Settings) -> list[str]:
    return [penalty.kind for penalty in settings.penalties]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"objective": "class_logit", "classes": [3]}, ["batch_norm"]),
        ({"objective": "class_logit", "classes": [3], "sign": "negative"}, ["batch_norm"]),
        ({"layer": "head_bn", "channels": [3], "recipe": "classes"}, ["batch_norm"]),
        ({"layer": "stem_bn", "channels": [3], "recipe": "classes"}, []),
        ({"layer": "stem", "channels": [3], "recipe": "classes"}, ["batch_norm"]),
        ({"objective": "class_logit", "classes": [3], "penalties": ["l1"]}, ["l1"]),
        ({"objective": "class_logit", "classes": [3], "penalties": []}, []),
    ],
)
def test_penalties_of_a_recipe_are_those_that_fit(
    facts: ModelFacts, job: dict[str, object], expected: list[str]
) -> None:
    [settings] = planned(facts, {}, **job)
    assert kinds(settings) == expected


@pytest.mark.parametrize(
    ("penalty", "job", "message"),
    [
        (
            "other_classes",
            {"layer": "head_bn", "channels": [3]},
            "other_classes goes with objectives of classes; leave it out",
        ),
        (
            "batch_norm",
            {"layer": "stem_bn", "channels": [3]},
            "batch_norm needs a batch normalization, and efficientnet-lite0 has none below stem_bn; "
            "leave it out",
        ),
    ],
)
def test_penalties_that_a_spec_names_and_that_do_not_fit_are_refused(
    facts: ModelFacts, penalty: str, job: dict[str, object], message: str
) -> None:
    data = {"model": "efficientnet-lite0", "render": {"penalties": [penalty]}, "jobs": [{"name": "a", **job}]}
    _, [problem] = make_plan(Spec.model_validate_json(json.dumps(data)), [0], facts)
    assert (problem.path, problem.message) == (("render", "penalties"), message)
