"""Penalties against NumPy in float64: positive, one an image, of the untransformed picture."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError
from fvcli.optvis.objectives import (
    alpha,
    batch_norm,
    blur_alpha,
    blur_input,
    boundary,
    channel,
    class_logit,
    l1,
    l2,
    other_classes,
    total_variation,
)
from tests.helpers.random_activations import (
    ALL,
    BATCH,
    activations,
    assert_batch_mates_do_not_change_a_bit,
    assert_batch_scores_as_its_images_alone,
    assert_gradients_are_finite,
    assert_one_trace_serves_views_of_every_size,
    gradients,
    score,
)

LAYERS = pytest.mark.parametrize("layer", ["input", "map"])
CONSTANTS = pytest.mark.parametrize("constant", [0, 0.5, -1.25])


def blurred(image: np.ndarray, side: int) -> np.ndarray:
    """Return the weighted mean about each pixel, one pixel at a time: 1 inside, .5 on the rim."""
    height, width, _ = image.shape
    reach, out = side // 2, np.zeros(image.shape)
    for y in range(height):
        for x in range(width):
            total = 0.0
            for dy in range(-reach, reach + 1):
                for dx in range(-reach, reach + 1):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        weight = 0.5 if reach in (abs(dy), abs(dx)) else 1.0
                        out[y, x] += weight * image[y + dy, x + dx].astype(np.float64)
                        total += weight
            out[y, x] /= total
    return out


def blur_penalty(image: np.ndarray) -> float:
    return 0.5 * ((image - blurred(image, 3)) ** 2).sum()


def boundary_penalty(image: np.ndarray, width: int, constant: float) -> float:
    """Sum what is not inside of the frame."""
    cost = (blurred(image, 5) - image) ** 2 + 0.8 * (image.astype(np.float64) - constant) ** 2
    inside = cost[width : image.shape[0] - width, width : image.shape[1] - width]
    whole = 2 * width >= min(image.shape[:2])
    return cost.sum() if whole else cost.sum() - inside.sum()


# ---- the formulas


@LAYERS
@CONSTANTS
def test_l1_is_the_sum_of_absolute_differences(layer, constant):
    acts = activations(BATCH)
    expected = np.abs(acts[layer].astype(np.float64) - constant).sum((1, 2, 3))
    np.testing.assert_allclose(score(l1(layer, constant), acts), expected, rtol=1e-5)


@LAYERS
@CONSTANTS
def test_l2_is_the_root_of_the_sum_of_squares(layer, constant):
    acts = activations(BATCH)
    expected = np.sqrt(1e-6 + ((acts[layer].astype(np.float64) - constant) ** 2).sum((1, 2, 3)))
    np.testing.assert_allclose(score(l2(layer, constant), acts), expected, rtol=1e-5)


@LAYERS
def test_total_variation_is_the_sum_of_steps_between_neighbours(layer):
    acts = activations(BATCH)
    wide = acts[layer].astype(np.float64)
    down, across = np.abs(np.diff(wide, axis=1)), np.abs(np.diff(wide, axis=2))
    expected = down.sum((1, 2, 3)) + across.sum((1, 2, 3))
    np.testing.assert_allclose(score(total_variation(layer), acts), expected, rtol=1e-5)


def test_penalties_are_of_the_picture_by_default():
    acts = activations(3)
    for penalty in (l1, l2, total_variation):
        np.testing.assert_array_equal(score(penalty(), acts), score(penalty("input"), acts))


def test_blur_input_is_half_the_squared_distance_from_the_blur():
    acts = activations(BATCH)
    expected = [blur_penalty(image) for image in acts["input"]]
    np.testing.assert_allclose(score(blur_input(), acts), expected, rtol=1e-5)


@pytest.mark.parametrize("width_px", [0, 1, 3, 5, 20])  # of a picture of 10 x 13
@pytest.mark.parametrize("constant", [0.5, 0.0])
def test_boundary_is_the_cost_of_the_frame(width_px, constant):
    acts = activations(BATCH)
    expected = [boundary_penalty(image, width_px, constant) for image in acts["input"]]
    np.testing.assert_allclose(score(boundary(width_px, constant), acts), expected, rtol=1e-5, atol=1e-5)


def test_boundary_is_twenty_pixels_of_grey_by_default():
    acts = activations(3)
    np.testing.assert_array_equal(score(boundary(), acts), score(boundary(20, 0.5), acts))


def test_alpha_is_the_mean_of_the_fourth_channel():
    acts = activations(BATCH, input_channels=4)
    np.testing.assert_allclose(score(alpha(), acts), acts["input"][..., 3].mean((1, 2)), rtol=1e-5)


def test_blur_alpha_is_the_blur_penalty_of_the_fourth_channel():
    acts = activations(BATCH, input_channels=4)
    expected = [blur_penalty(image[..., 3:]) for image in acts["input"]]
    np.testing.assert_allclose(score(blur_alpha(), acts), expected, rtol=1e-5)


@pytest.mark.parametrize("penalty", [alpha, blur_alpha])
def test_a_picture_without_alpha_is_told_so(penalty):
    with pytest.raises(FvcliError, match="picture of 3 channels has no transparency"):
        score(penalty(), activations(3))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_pictures_of_any_number_of_channels_have_penalties(channels):
    acts = activations(2, input_channels=channels)
    expected = [blur_penalty(image) for image in acts["input"]]
    np.testing.assert_allclose(score(blur_input(), acts), expected, rtol=1e-5)
    expected = [boundary_penalty(image, 2, 0.5) for image in acts["input"]]
    np.testing.assert_allclose(score(boundary(2), acts), expected, rtol=1e-5)


# ---- what the network sees


class Trained:
    """Maps that batch normalizations made, with what they made in training."""

    def __init__(self, *made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        self._made = made

    def normalized(self, layers):
        assert layers == ["top"]
        return ((tf.constant(maps, tf.float32), mean, std) for maps, mean, std in self._made)


def distance_from_training(maps: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    """Of one image, channel by channel; of maps of one position only the mean."""
    total = 0.0
    for values, m, s in zip(np.moveaxis(maps.astype(np.float64), -1, 0), mean, std, strict=True):
        total += ((values.mean() - m) / s) ** 2
        if values.size > 1:
            total += (values.std() / s - 1) ** 2
    return total / len(mean)


def trained(seed: int, *shape: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    maps = rng.normal(1.0, 2.0, shape).astype(np.float32)
    mean, std = rng.normal(size=shape[-1]), rng.uniform(0.5, 3.0, shape[-1])
    return maps, mean.astype(np.float32), std.astype(np.float32)


def test_batch_norm_is_the_distance_from_the_statistics_of_training():
    made = [trained(0, 2, 6, 9, 5), trained(1, 2, 7, 7, 3), trained(2, 2, 1, 1, 4)]
    expected = [
        np.mean([distance_from_training(maps[i], mean, std) for maps, mean, std in made]) for i in range(2)
    ]
    found = batch_norm(["top"])(Trained(*made)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_batch_norm_takes_an_even_part_of_the_positions_of_large_maps():
    maps, mean, std = trained(3, 1, 60, 30, 4)
    expected = distance_from_training(maps[0, ::3, ::3], mean, std)
    np.testing.assert_allclose(batch_norm(["top"])(Trained((maps, mean, std))), [expected], rtol=1e-3)


def test_batch_norm_without_any_says_so():
    with pytest.raises(FvcliError, match="no batch normalization below top knows what it saw in training"):
        batch_norm(["top"])(Trained())


def test_other_classes_is_the_log_of_the_sum_of_exponentials():
    acts = activations(BATCH)
    logits = acts["logits"][:, 0, 0].astype(np.float64)
    np.testing.assert_allclose(
        score(other_classes("logits"), acts), np.log(np.exp(logits).sum(axis=1)), rtol=1e-5
    )
    of_class = class_logit("logits", 3) - other_classes("logits")
    expected = np.log(np.exp(logits[:, 3]) / np.exp(logits).sum(axis=1))
    np.testing.assert_allclose(score(of_class, acts), expected, rtol=1e-4)


# ---- what they are for

EVERY = {
    "l1": lambda of: l1(),
    "l1 from grey": lambda of: l1("input", 0.5),
    "l1 of a layer": lambda of: l1("map"),
    "l2": lambda of: l2(),
    "l2 of a layer": lambda of: l2("odd", 0.7),
    "total variation": lambda of: total_variation(),
    "total variation of a layer": lambda of: total_variation("even"),
    "blur_input": lambda of: blur_input(),
    "boundary": lambda of: boundary(3),
    "alpha": lambda of: alpha(),
    "blur_alpha": lambda of: blur_alpha(),
    "other_classes": lambda of: other_classes("logits"),
    "difference": lambda of: channel("map", 1) * (1.0 - alpha()) - 0.1 * blur_input(),
}
NAMES = pytest.mark.parametrize("name", EVERY)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "difference"])
def test_penalties_are_positive(name):
    assert (score(EVERY[name](ALL), activations(3, input_channels=4)) > 0.0).all()


@pytest.mark.parametrize("penalty", [total_variation(), blur_input()], ids=["tv", "blur"])
def test_a_flat_picture_has_no_roughness(penalty):
    acts = {"map": np.zeros((2, 1, 1, 1)), "input": np.full((2, 6, 5, 3), 0.3, np.float32)}
    np.testing.assert_allclose(score(penalty, acts), np.zeros(2), atol=1e-10)


def test_ascent_on_minus_the_blur_penalty_blurs():
    """x <- (1 - k) x + k blur(x): the blur itself has no gradient."""
    acts, k = activations(2), 0.3
    found = acts["input"] - k * gradients(blur_input(), acts)["input"]
    for image, expected in zip(found, acts["input"], strict=True):
        np.testing.assert_allclose(image, (1 - k) * expected + k * blurred(expected, 3), rtol=1e-4)


def test_ascent_on_minus_the_boundary_calms_the_frame_and_nothing_else():
    """But for pixels that the frame's blur reaches."""
    acts = activations(2)
    found = gradients(boundary(1), acts)["input"]
    assert not found[:, 3:-3, 3:-3].any()
    assert found[:, 0].any()
    acts["input"] -= 0.1 * found
    assert (score(boundary(1), acts) < score(boundary(1), activations(2))).all()


@pytest.mark.parametrize("penalty", [alpha, blur_alpha])
def test_penalties_of_alpha_leave_colours_alone(penalty):
    found = gradients(penalty(), activations(2, input_channels=4))["input"]
    assert found[..., 3].any()
    assert not found[..., :3].any()


def test_the_gradient_of_l2_has_unit_length_but_at_zero_it_is_zero():
    acts = activations(1)
    np.testing.assert_allclose(np.linalg.norm(gradients(l2(), acts)["input"]), 1.0, rtol=1e-4)
    acts["input"][:] = 0.25
    assert not gradients(l2("input", 0.25), acts)["input"].any()


# ---- batches and gradients


@NAMES
def test_a_batch_scores_as_its_images_alone(name):
    assert_batch_scores_as_its_images_alone(EVERY[name], activations(3, input_channels=4))


@NAMES
def test_batch_mates_do_not_change_a_bit(name):
    assert_batch_mates_do_not_change_a_bit(EVERY[name], activations(3, input_channels=4))


@NAMES
def test_gradients_are_finite_at_zero_constant_and_saturated_values(name):
    assert_gradients_are_finite(EVERY[name](ALL), activations(BATCH, input_channels=4))


@NAMES
def test_one_trace_serves_views_of_every_size(name):
    assert_one_trace_serves_views_of_every_size(EVERY[name](ALL), activations(3, input_channels=4))
