"""Windows: what a neuron sees of a picture, on the real network, in the plan and through whole runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.media import read_picture
from fvcli.models import ModelFacts
from fvcli.optvis.transforms import affine
from fvcli.plan import Plan, Window, make_plan
from fvcli.spec import parse_document, validate
from fvcli.worker.builders import build_recipe
from tests.helpers.running import fvcli, pictures, write_spec

MILD = {"kind": "affine", "degrees": 5.0, "scales": [0.95, 1.05], "shift_px": 2.0, "crop_px": 8}


def plan_of(
    facts: ModelFacts,
    layer: str,
    size_px: tuple[int, int],
    place: tuple[int, int] | None = None,
    **render: Any,
) -> Plan:
    """Plan one neuron, the central one without a place."""
    at = {} if place is None else {"row": place[0], "column": place[1]}
    job = {"name": "n", "layer": layer, "channels": [0], "objective": {"kind": "neuron", **at}}
    render = {"size_px": list(size_px), "transforms": [MILD], **render}
    data = {"model": "efficientnet-lite0", "render": render, "jobs": [job]}
    document = parse_document(json.dumps(data), "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    plan, problems = make_plan(spec, positions, facts)
    assert problems == []
    return plan


def neuron_window(facts: ModelFacts, *what: Any, **render: Any) -> tuple[Window, tuple[int, int]] | None:
    plan = plan_of(facts, *what, **render)
    (unit,), (program,) = plan.units, plan.programs
    assert (program.window is None) == (unit.place is None)
    return None if program.window is None else (program.window, unit.place)


# ---- the neuron sees the same


SIZES = [(160, 160), (192, 224), (161, 187), (255, 230)]
# layer, and whether the position is central (None) or this far, as a share of the map, from the top left
CASES = [
    ("stem_bn", None),
    ("stem", (0.1, 0.9)),
    ("block0_dw_bn", (0.3, 0.2)),
    ("block1_expand_bn", None),
    ("block1_dw", (0.8, 0.5)),
    ("block2_add", None),
    ("block2_add", (0.6, 0.3)),
    ("block3_dw_bn", (0.4, 0.7)),
    ("block3_project_bn", None),
    ("block4_add", None),
    ("block5_dw", (0.5, 0.45)),
]


@pytest.mark.parametrize("size_px", SIZES, ids=str)
@pytest.mark.parametrize(("layer", "share"), CASES)
def test_a_neuron_is_the_same_in_the_view_and_in_the_picture(model, facts, layer, share, size_px):
    """All channels of one position; what the view has beyond the picture is noise."""
    at = facts.layers_at(*size_px)[layer]
    sides = (at.height, at.width)
    place = None if share is None else tuple(int(s * n) for s, n in zip(share, sides, strict=True))
    found = neuron_window(facts, layer, size_px, place)
    assert found is not None
    window, begin = found
    assert window.view_px % at.stride_px[0] == 0
    assert window.canvas_px < max(size_px)

    rng = np.random.default_rng(0)
    margin = window.canvas_px  # so that a canvas may lie anywhere
    padded = rng.uniform(-1, 1, (1, *(side + 2 * margin for side in size_px), 3)).astype(np.float32)
    picture = padded[:, margin:-margin, margin:-margin]
    border = (window.canvas_px - window.view_px) // 2
    top, left = (start + margin + border for start in begin)
    view = padded[:, top : top + window.view_px, left : left + window.view_px]

    cut = keras.Model(model.input, model.output[layer])
    row, column = place or (at.height // 2, at.width // 2)
    whole = cut(picture).numpy()
    expected = whole[0, row, column]
    assert np.abs(expected).max() > 0.0
    scale = np.abs(whole).max()
    np.testing.assert_allclose(cut(view)[0, window.row, window.column], expected, rtol=0, atol=1e-5 * scale)

    outside = rng.uniform(-1, 1, picture.shape).astype(np.float32)  # all but the view is replaced
    rows, columns = (slice(max(0, b + border), b + border + window.view_px) for b in begin)
    outside[:, rows, columns] = picture[:, rows, columns]
    np.testing.assert_array_equal(cut(outside)[0, row, column], expected)
    blank = np.zeros_like(picture)
    assert np.abs(cut(blank).numpy()[0, row, column] - expected).max() > 1e-3 * scale  # it sees something


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


# ---- views stay on the canvas


EXTREMES = np.stack(np.meshgrid(*[[0.0, np.nextafter(np.float32(1), np.float32(0))]] * 4), -1).reshape(-1, 4)
scales = st.floats(0.5, 2.0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    degrees=st.floats(0.0, 180.0),
    pair=st.tuples(scales, scales).map(sorted),
    shift_px=st.floats(0.0, 64.0),
    layer=st.sampled_from(["stem_bn", "block1_dw_bn", "block2_add", "block3_dw_bn", "block4_add"]),
    draws=st.lists(st.tuples(*[st.floats(0.0, 1.0, exclude_max=True, width=32)] * 4), min_size=4, max_size=4),
)
def test_the_canvas_holds_every_view(facts, degrees, pair, shift_px, layer, draws):
    """A white canvas on black, seen at all extremes and at some draws between: no view has black in it."""
    transform = {"kind": "affine", "degrees": degrees, "scales": list(pair), "shift_px": shift_px}
    found = neuron_window(facts, layer, (1024, 1024), transforms=[transform])
    assert found is not None
    window, _ = found
    assert 0.0 <= window.shift_px <= shift_px
    crop_px = window.canvas_px - window.view_px
    assert crop_px % 2 == 0
    seen = affine(degrees, tuple(pair), window.shift_px, crop_px, fill=0.0)
    angles = np.linspace(0.0, 1.0, 9, endpoint=False)  # the corners reach furthest at 45 degrees
    turned = np.array([(angle, 0.0, y, x) for angle in angles for y in (0.0, 1.0) for x in (0.0, 1.0)])
    all_draws = np.concatenate([EXTREMES, turned, draws]).astype(np.float32)
    canvas = tf.ones((len(all_draws), window.canvas_px, window.canvas_px, 1))
    views = seen.apply(canvas, tf.constant(all_draws))
    assert views.shape[1:3] == (window.view_px, window.view_px)
    assert float(tf.reduce_min(views)) > 0.99


def test_the_recipe_of_a_window_is_that_of_its_canvas(facts):
    program = plan_of(facts, "block2_add", (160, 192)).programs[0]
    window = program.window
    recipe = build_recipe(program, 3)
    (numbers,) = recipe.parameterization.initial([np.random.default_rng(0)])
    image = recipe.parameterization.to_image((tf.constant(numbers),))
    assert image.shape == (1, window.canvas_px, window.canvas_px, 3)
    (transform,) = recipe.transforms
    view = transform.apply(image, tf.constant([[0.5, 0.5, 0.5, 0.5]]))
    assert view.shape == (1, window.view_px, window.view_px, 3)


# ---- whole runs


SPEC = f"""\
model: efficientnet-lite0
render: {{size_px: [97, 130], steps: 16, batch_size: 2, transforms: [{json.dumps(MILD)}]}}
jobs:
  - {{name: central, layer: block1_dw_bn, objective: neuron, channels: [3, 40]}}
  - {{name: placed, layer: block1_dw_bn, objective: {{kind: neuron, row: 2, column: 29}}, channels: [3]}}
  - {{name: deeper, layer: block2_add, objective: neuron, channels: [5], sign: negative}}
"""
UNITS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    result = fvcli("render", write_spec(folder, SPEC), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


def sidecars(run: Path) -> dict[str, dict[str, Any]]:
    found = sorted(run.glob("units/**/*.json"))
    return {str(path.relative_to(run).with_suffix(".png")): json.loads(path.read_text()) for path in found}


def test_pictures_are_whole_and_grey_around_the_canvas(whole):
    assert len(sidecars(whole)) == UNITS
    for name, sidecar in sidecars(whole).items():
        pixels = read_picture(whole / name)
        assert pixels.shape == (97, 130, 3)
        canvas = sidecar["canvas"]
        seen = np.zeros(pixels.shape[:2], bool)
        top, left = canvas["top"], canvas["left"]
        seen[max(0, top) : top + canvas["height"], max(0, left) : left + canvas["width"]] = True
        assert set(np.unique(pixels[~seen])) <= {127, 128}
        assert pixels[seen].std() > 5.0
    assert sidecars(whole)["units/placed/neuron-0003-r002-c029.png"]["canvas"]["top"] < 0


def test_saved_score_is_that_of_the_picture(model, whole):
    for name, sidecar in sidecars(whole).items():
        pixels = read_picture(whole / name)
        layer = model(pixels[None].astype(np.float32) / 127.5 - 1)[sidecar["layer"]].numpy()
        unit = sidecar["unit"]
        row, column = unit.get("row", layer.shape[1] // 2), unit.get("column", layer.shape[2] // 2)
        expected = layer[0, row, column, unit["channel"]]
        assert sidecar["score"]["saved"] == pytest.approx(expected, rel=1e-3, abs=1e-3), name
        gain = sidecar["sign"] * (sidecar["score"]["end"] - sidecar["score"]["start"])
        assert gain > 0.5, name


def test_only_a_lone_picture_and_a_shard_give_the_same_bytes(whole, tmp_path):
    expected = pictures(whole)
    assert len(expected) == UNITS
    spec, name = write_spec(tmp_path, SPEC), "units/central/neuron-0040.png"
    only = fvcli("render", spec, "-o", tmp_path / "only", "--only", "central/neuron-0040")
    assert only.exit_code == 0, only.stderr
    assert pictures(tmp_path / "only") == {name: expected[name]}
    lone = fvcli("render", "--from", whole / name, "-o", tmp_path / "lone")
    assert lone.exit_code == 0, lone.stderr
    assert pictures(tmp_path / "lone") == {name: expected[name]}
    shard = fvcli("render", spec, "-o", tmp_path / "shard", "--shard", "2/2")
    assert shard.exit_code == 0, shard.stderr
    found = pictures(tmp_path / "shard")
    assert 0 < len(found) < len(expected)
    assert found.items() <= expected.items()


def test_a_small_canvas_is_worth_it(whole):
    """A neuron's ascent works on a small part of the picture."""
    canvases = [sidecar["canvas"] for sidecar in sidecars(whole).values()]
    assert all(canvas["height"] * canvas["width"] < 0.2 * 97 * 130 for canvas in canvases)
