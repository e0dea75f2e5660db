"""Windows on the real network: a neuron sees the same in its view, and views stay on the canvas."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.optvis.transforms import affine
from fvcli.worker.builders import build_recipe
from tests.helpers.neuron_plans import neuron_window, plan_of

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
