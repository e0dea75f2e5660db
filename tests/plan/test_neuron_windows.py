"""Which neurons have a window, and where it lies."""

from __future__ import annotations

import json

import pytest

from fvcli.plan import make_plan
from fvcli.spec import parse_document, validate
from tests.helpers.neuron_plans import MILD, neuron_window, plan_of

# ---- when there is no window


def test_neurons_at_the_border_have_none(facts):
    """Exactly those whose field reaches beyond the picture: they see its edge."""
    for layer in ("stem_bn", "block1_dw_bn", "block2_add"):
        at = facts.layers_at(160, 176)[layer]
        for row in (0, 1, 2, 3, at.height // 2, at.height - 2, at.height - 1):
            for column in (0, 2, at.width // 2, at.width - 1):
                begins = [
                    offset + position * at.stride_px[0]
                    for offset, position in zip(at.offset_px, (row, column), strict=True)
                ]
                sees_edge = min(begins) < 0 or any(
                    begin + at.receptive_field_px[0] > side
                    for begin, side in zip(begins, (160, 176), strict=True)
                )
                assert (neuron_window(facts, layer, (160, 176), (row, column)) is None) == sees_edge


@pytest.mark.parametrize(
    ("layer", "render"),
    [
        ("pool", {}),
        ("logits", {}),
        ("head_bn", {}),
        ("block6_add", {}),  # it sees most of the picture
        ("stem_bn", {"canvas": "whole"}),
        ("stem_bn", {"transforms": []}),
        ("stem_bn", {"transforms": [MILD, MILD]}),
        ("stem_bn", {"transforms": [{"kind": "jitter", "px": 4}]}),
        ("stem_bn", {"transforms": [MILD, {"kind": "jitter", "px": 4}]}),
    ],
)
def test_the_whole_picture_is_optimised(facts, layer, render):
    assert neuron_window(facts, layer, (160, 160), **render) is None


@pytest.mark.parametrize("recipe", ["lucid", "distill"])
def test_recipes_of_other_systems_optimise_the_whole_picture(facts, recipe):
    assert neuron_window(facts, "stem_bn", (160, 160), recipe=recipe) is None
    published = {"recipe": recipe, "transforms": None}
    assert neuron_window(facts, "stem_bn", (160, 160), **published) is None


def test_the_default_recipe_has_windows(facts):
    assert neuron_window(facts, "block2_add", (224, 224), transforms=None) is not None
    assert neuron_window(facts, "head_bn", (224, 224), transforms=None) is None


def test_only_neurons_have_windows(facts):
    jobs = [
        {"name": "a", "layer": "stem_bn", "channels": [0]},
        {"name": "b", "layer": "stem_bn", "objective": "layer"},
        {
            "name": "c",
            "objective": {
                "kind": "sum",
                "terms": [{"kind": "neuron", "layer": "stem_bn", "channel": i} for i in (0, 1)],
            },
        },
    ]
    data = {"model": "efficientnet-lite0", "render": {"transforms": [MILD]}, "jobs": jobs}
    document = parse_document(json.dumps(data), "spec.yaml")
    spec, positions = validate(document)
    plan, _ = make_plan(spec, positions, facts)
    assert {program.window for program in plan.programs} == {None}


def test_a_place_can_be_outside_of_the_picture(facts):
    """The outermost neurons that do not see the edge have a canvas that reaches beyond it."""
    found = [neuron_window(facts, "block2_add", (160, 160), (n, n)) for n in range(40)]
    windows = [pair for pair in found if pair is not None]
    assert 20 < len(windows) < 40
    (_, (top, left)), (window, (_, last)) = windows[0], windows[-1]
    assert top == left < 0
    assert last + window.canvas_px > 160


def test_neurons_of_all_positions_share_a_program(facts):
    """The window is compiled in; where it lies in the picture is not."""
    plans = [plan_of(facts, "block1_dw_bn", (160, 160), place) for place in ((9, 9), (20, 30))]
    assert plans[0].programs == plans[1].programs
    assert plans[0].units[0].place != plans[1].units[0].place
