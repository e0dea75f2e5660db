"""Dreams: tiles against whole pictures, sizes of every kind, and the real network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fvcli.optvis.activations import Activations
from fvcli.optvis.ascent import MakeObjective
from fvcli.optvis.dream import LEAST_PX, Dream, Octave, blend, octaves, with_sizes
from fvcli.optvis.network import Network
from fvcli.optvis.objectives import Objective, channel, class_logit, deepdream
from fvcli.optvis.streams import stream
from fvcli.plan.views import octave_steps
from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.worker.dream_renderer import planned_octaves
from tests.helpers.networks import as_network

# smaller than a tile of 64 px, odd, three times as wide as high, just as large as cores, several tiles
SIZES = [(7, 5), (33, 47), (64, 192), (96, 64), (131, 70)]
PLAN = (Octave(0.5, 2, (0.01, 0.01)), Octave(1.0, 3, (0.01, 0.005), bands=2))


def photo(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Return a smooth picture with some grain, [h, w, channels] in [0.1, 0.9]."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 16 + 2, width // 16 + 2, channels), dtype=np.float32)
    smooth = tf.image.resize(coarse, (height, width), "bicubic").numpy()
    grain = 0.05 * rng.normal(size=smooth.shape)
    return np.clip(0.2 + 0.6 * smooth + grain, 0.1, 0.9).astype(np.float32)


def linear_network(*strides: int, channels: int = 3, dtype: str = "float32") -> Network:
    """Convolutions of 3 x 3 one after the other, which add up, so that the score's gradient is exact."""
    image = x = keras.Input((None, None, channels), name="input")
    for stride in strides:
        x = layers.Conv2D(6, 3, strides=stride, padding="same", use_bias=False)(x)
    model = keras.Model(image, {"last": x})
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(0.0, 0.3, weight.shape))
    return as_network(model, dtype=dtype)


def of_squares(layer: str = "last") -> MakeObjective:
    return lambda _units: deepdream(layer)


# ---- tiles


@pytest.mark.parametrize(
    ("tile_px", "core_px", "strides", "size"),
    [
        *((64, 32, (2, 2, 2), size) for size in SIZES),
        *((64, 32, strides, SIZES[-1]) for strides in [(1,), (1, 1), (2, 1)]),
        *((96, 64, strides, SIZES[-1]) for strides in [(1, 1), (2, 2, 2)]),
        *((75, 64, (1, 1), size) for size in SIZES),  # strides begin elsewhere where the side is odd
    ],
    ids=str,
)
def test_tiles_have_the_gradient_of_the_whole_picture(tile_px, core_px, strides, size):
    """No seams: one network on all of the picture, mirrored beyond its borders, has the same gradient."""
    network = linear_network(*strides)
    dream, picture = Dream(network, of_squares(), tile_px), photo(*size)
    begin = dream.draw_shift(size, stream(0, "a"))
    found, score = dream.gradient(picture, {}, begin)
    assert found.shape == picture.shape

    reach = 4 * 32  # further than any tile looks, and whole strides
    first = [reach + (tile_px - core_px) // 2 + shift for shift in begin]
    sides = [(at, 3 * reach + 384 - at - side) for at, side in zip(first, size, strict=True)]
    wide = tf.constant(np.pad(picture, (*sides, (0, 0)), "symmetric")[None])
    with tf.GradientTape() as tape:
        tape.watch(wide)
        total = tf.reduce_sum(network(wide, redirect=False)("last") ** 2)
    gradient = tape.gradient(total, wide).numpy()[0]
    whole = gradient[first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
    positions = np.prod(network(tf.zeros((1, tile_px, tile_px, 3)), redirect=False)("last").shape)
    np.testing.assert_allclose(found * positions, whole, rtol=1e-3, atol=1e-4 * np.abs(whole).max())
    assert np.isfinite(score)
    assert score > 0.0


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("tile_px", [32, 64, 75])
def test_every_pixel_has_a_gradient(size, tile_px):
    dream = Dream(linear_network(1), of_squares(), tile_px)
    for name in "abc":
        gradient, _ = dream.gradient(photo(*size), {}, dream.draw_shift(size, stream(0, name)))
        assert (gradient != 0.0).all()


def test_shifts_differ_from_step_to_step():
    """And reach so far that every pixel is now at the border of a tile, now within one."""
    dream, random = Dream(linear_network(1), of_squares(), 64), stream(0, "a")
    for size in SIZES:
        drawn = np.array([dream.draw_shift(size, random) for _ in range(200)])
        assert drawn.min() == 0
        assert drawn.max() == 31  # of cores of 32 px
        assert len(np.unique(drawn[:, 0])) > 25
        for at, count, side in zip(drawn.max(axis=0), dream.tiles(size), size, strict=True):
            assert at + side <= count * 32


def test_one_function_and_one_size_of_tile_for_all_pictures():
    """What the network sees, and so what memory is needed, does not depend on the picture."""
    seen = []

    def objective(units) -> Objective:
        def score(T: Activations) -> tf.Tensor:
            seen.append(tuple(T("input").shape))
            return tf.reduce_mean(T("last") ** 2, axis=(1, 2, 3)) * units["weight"]

        return Objective(score)

    dream = Dream(linear_network(2), objective, 64)
    for i, size in enumerate([*SIZES, (400, 300)]):
        weight = {"weight": np.array([1.0 + i], np.float32)}
        assert dream.run(photo(*size), weight, PLAN, stream(0, "a")).shape == (*size, 3)
    assert dream.traces == 1
    assert seen == [(1, 64, 64, 3)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tiles_are_counted_beforehand(size):
    """As often as it is asked whether to stop."""
    asked = []
    dream = Dream(linear_network(1), of_squares(), 64)
    dream.gradient(photo(*size), {}, stopped=lambda: asked.append(1))
    rows, columns = dream.tiles(size)
    assert len(asked) == rows * columns
    assert rows == -(-(size[0] + 31) // 32)  # cores of 32 px, and room to move


def test_half_precision_gradients_do_not_vanish():
    picture = photo(100, 70)
    found = [
        Dream(linear_network(1, 2, dtype=dtype), of_squares(), 96).gradient(picture, {})[0]
        for dtype in ("float32", "float16")
    ]
    assert np.linalg.norm(found[1] - found[0]) < 0.01 * np.linalg.norm(found[0])


# ---- steps


@pytest.fixture(scope="module")
def plain() -> Dream:
    return Dream(linear_network(1), of_squares(), 64)


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(70, 90), (5, 3)], ids=str)
def test_a_step_changes_numbers_by_its_rate_on_average(plain, size, bands):
    picture = 0.25 + 0.5 * photo(*size)  # far from black and white
    after = plain.run(picture, {}, (Octave(1.0, 1, (0.01, 0.01), bands),), stream(0, "a"))
    assert np.abs(after - picture).mean() == pytest.approx(0.01, rel=1e-4)


def test_a_plain_step_is_the_gradient_by_its_mean_size(plain):
    """DeepDream: step / mean |g| * g."""
    picture = 0.25 + 0.5 * photo(70, 90)
    gradient, score = plain.gradient(picture, {}, plain.draw_shift((70, 90), stream(0, "a")))
    (frame,) = plain.frames(picture, {}, (Octave(1.0, 1, (0.01, 0.01)),), stream(0, "a"))
    expected = picture + 0.01 / np.abs(gradient).mean() * gradient
    np.testing.assert_allclose(frame.picture, expected, rtol=0, atol=1e-6)
    assert frame.score == score


def test_bands_have_equal_parts(plain):
    """With two of them, what half the size shows moves as much as the detail that it does not."""
    picture = 0.25 + 0.5 * photo(64, 96)
    rough, even = (
        plain.run(picture, {}, (Octave(1.0, 1, (0.01, 0.01), bands),), stream(0, "a")) - picture
        for bands in (1, 2)
    )

    def parts(change: np.ndarray) -> tuple[float, float]:
        half = tf.image.resize(change, (32, 48), "bicubic", antialias=True)
        coarse = tf.image.resize(half, (64, 96), "bicubic").numpy()
        return np.abs(change - coarse).mean(), np.abs(coarse).mean()

    shares = [coarse / fine for fine, coarse in map(parts, (rough, even))]
    assert 0.7 < shares[1] < 1.4
    assert abs(np.log(shares[1])) < abs(np.log(shares[0]))


def test_rates_and_blur_go_from_one_value_to_another(plain):
    """Linearly from the first step on: the last value belongs to the step behind the last."""
    picture = 0.25 + 0.5 * photo(40, 50)
    frames = list(plain.frames(picture, {}, (Octave(1.0, 4, (0.01, 0.002)),), stream(0, "a")))
    pictures = [picture, *(frame.picture for frame in frames)]
    moved = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
    np.testing.assert_allclose(moved, [0.01, 0.008, 0.006, 0.004], rtol=1e-3)

    frames = plain.frames(picture, {}, (Octave(1.0, 3, (0.0, 0.0), blur_px=(1.5, 0.0)),), stream(0, "a"))
    rough = [np.abs(np.diff(frame.picture, axis=0)).mean() for frame in frames]
    assert np.abs(np.diff(picture, axis=0)).mean() > 2 * rough[0] > 2 * rough[1] > 2 * rough[2]


def test_without_a_gradient_nothing_changes():
    dream = Dream(linear_network(1), lambda _units: deepdream("last") * 0.0, 64)
    picture = photo(40, 50)
    for frame in dream.frames(picture, {}, (Octave(1.0, 2, (0.01, 0.01), bands=3),), stream(0, "a")):
        np.testing.assert_array_equal(frame.picture, picture)
        assert frame.silent


def test_a_gradient_that_is_not_finite_is_not_hidden():
    dream = Dream(linear_network(1), lambda _units: deepdream("last") * np.nan, 64)
    frame = next(dream.frames(photo(40, 50), {}, (Octave(1.0, 2, (0.01, 0.01), bands=2),), stream(0, "a")))
    assert np.isnan(frame.picture).any()
    assert not frame.silent


def test_pictures_stay_in_range(plain):
    after = plain.run(photo(70, 90), {}, (Octave(1.0, 20, (0.1, 0.1)),), stream(0, "a"))
    assert after.min() == 0.0
    assert after.max() == 1.0


# ---- octaves


def test_octaves_are_those_of_deepdream():
    """Sizes of a picture of 256 x 384 that is shrunk by 1.4 three times."""
    plan = octaves(4, 1.4, 10, (0.006, 0.006), 1)
    assert [octave.steps for octave in plan] == [10] * 4
    dream, sizes = Dream(linear_network(1), of_squares(), 96), []
    frames = dream.frames(photo(256, 384), {}, [replace(o, steps=1) for o in plan], stream(0, "a"))
    sizes = [frame.picture.shape[:2] for frame in frames]
    assert sizes == [(93, 140), (131, 196), (183, 274), (256, 384)]


def test_octaves_that_are_too_small_are_left_out(plain):
    plan = [Octave(scale, 1, (0.01, 0.01)) for scale in (0.1, 0.4, 0.7, 1.0)]
    for side, left in ((200, 3), (91, 1 + (round(0.7 * 91) >= LEAST_PX)), (20, 1)):
        assert len(list(plain.frames(photo(side, 2 * side), {}, plan, stream(0, "a")))) == left


def test_the_detail_of_the_picture_comes_back(plain):
    """Where nothing is dreamed, the picture is as it was; without its detail it is smooth."""
    picture, plan = photo(160, 140), [Octave(scale, 1, (0.0, 0.0)) for scale in (0.5, 0.7, 1.0)]
    kept = plain.run(picture, {}, plan, stream(0, "a"))
    np.testing.assert_allclose(kept, picture, rtol=0, atol=1e-5)
    lost = plain.run(picture, {}, plan, stream(0, "a"), keep_detail=False)
    assert np.abs(lost - picture).mean() > 0.01
    assert np.abs(np.diff(lost, axis=0)).mean() < 0.7 * np.abs(np.diff(picture, axis=0)).mean()


def test_what_small_octaves_dream_stays(plain):
    """The dream of the first octave is in the last one, enlarged."""
    picture = 0.25 + 0.5 * photo(160, 140)
    plan = (Octave(0.5, 3, (0.02, 0.02)), Octave(1.0, 1, (0.0, 0.0)))
    small, large = (frame.picture for frame in list(plain.frames(picture, {}, plan, stream(0, "a")))[2:])
    added = small - tf.image.resize(picture, (80, 70), "bicubic", antialias=True).numpy()
    expected = tf.image.resize(added, (160, 140), "bicubic").numpy()
    np.testing.assert_allclose(large - picture, expected, rtol=0, atol=1e-5)


def settings_of(recipe: str) -> Settings:
    return resolved(recipe, Render(), (224, 224)).settings()


def test_the_plan_leaves_out_the_octaves_that_dreams_leave_out():
    for size in ((224, 224), (100, 160), (66, 64), (30, 40)):
        asked = settings_of("deepdream")
        kept = [(octave.scale, octave.steps) for octave, _ in with_sizes(planned_octaves(asked), size)]
        assert octave_steps(asked.octaves, asked.steps, size) == kept


def test_deepdraws_octaves_run():
    """Oygard 2015, for pixels to 255 and GoogLeNet; with a few steps each, from noise, at three sizes."""
    plan = planned_octaves(settings_of("deepdraw"))
    assert [octave.steps for octave in plan] == [190, 150, 150, 10]
    assert [octave.blur_px for octave in plan] == [(2.5, 0.78), (0.936, 0.78), (0.936, 0.44), (0.44, 0.304)]
    np.testing.assert_allclose([octave.scale for octave in plan], [1 / 1.44, 1 / 1.2, 1, 1], rtol=1e-3)
    rates = [(11, 11), (6, 6), (6, 3), (3, 3)]
    np.testing.assert_allclose([octave.rate for octave in plan], np.divide(rates, 255), atol=5e-5)
    dream = Dream(linear_network(1, 2), lambda units: channel("last", units["index"]), 96)
    noise = np.random.default_rng(0).normal(0.5, 0.03, (144, 144, 3)).astype(np.float32)
    few = [replace(octave, steps=2) for octave in plan]
    of = {"index": np.array([1], np.int32)}
    frames = list(dream.frames(noise, of, few, stream(0, "a"), keep_detail=False))
    assert [frame.picture.shape[0] for frame in frames] == [100, 100, 120, 120, 144, 144, 144, 144]
    assert frames[-1].score > frames[0].score


# ---- reports, streams and stops


def test_frames_say_how_far_it_is(plain):
    told = []
    image = photo(131, 140)
    after = plain.run(image, {}, PLAN, stream(0, "a"), told.append)
    assert [frame.step for frame in told] == [1, 2, 3, 4, 5]
    assert {frame.steps for frame in told} == {5}
    work = np.cumsum([np.prod(plain.tiles(frame.picture.shape[:2])) for frame in told])
    np.testing.assert_allclose([frame.share for frame in told], work / work[-1])
    np.testing.assert_array_equal(told[-1].picture, after)
    assert all(frame.picture.dtype == np.float32 for frame in told)
    assert not any(frame.silent for frame in told)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_same_stream_gives_the_same_bytes(plain, size):
    picture = photo(*size)
    kept = picture.copy()
    first, second, other = (plain.run(picture, {}, PLAN, stream(0, name)) for name in "aab")
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(picture, kept)  # what was given is left alone
    # no seams, not even in rounding: where tiles begin does not matter to a layer without strides
    np.testing.assert_allclose(other, first, rtol=0, atol=1e-6)


def test_another_stream_gives_another_dream():
    dream, picture = Dream(linear_network(2, 2), of_squares(), 64), photo(131, 70)
    first, other = (dream.run(picture, {}, PLAN, stream(0, name)) for name in "ab")
    assert np.abs(first - other).max() > 0.01


def stop_after(tiles: int) -> Callable[[], bool]:
    left = iter(range(tiles))
    return lambda: next(left, None) is None


def test_a_dream_can_be_stopped_between_tiles(plain):
    picture = photo(131, 140)
    asked = [0]

    def count() -> bool:
        asked[0] += 1
        return False

    whole = plain.run(picture, {}, PLAN, stream(0, "a"), stopped=count)
    for tiles in (0, 1, asked[0] // 2, asked[0] - 1):
        told = []
        stopped = plain.run(picture, {}, PLAN, stream(0, "a"), told.append, stop_after(tiles))
        assert stopped is None
        assert len(told) < 5
    finished = plain.run(picture, {}, PLAN, stream(0, "a"), stopped=stop_after(asked[0]))
    np.testing.assert_array_equal(finished, whole)


# ---- the real network


@pytest.mark.parametrize("layer", ["block2_expand_bn", "block6_expand_bn"])
def test_scores_of_the_real_network_rise(model, layer):
    """Judged on the whole picture at once, not on tiles."""
    network, picture = as_network(model), photo(120, 168)
    dream = Dream(network, of_squares(layer), 128)
    frames = list(dream.frames(picture, {}, octaves(2, 1.4, 6), stream(0, "a")))
    scores = [
        float(deepdream(layer)(network(tf.constant(image[None]), redirect=False))[0])
        for image in (picture, frames[-1].picture)
    ]
    assert scores[1] > 1.5 * scores[0]
    assert frames[5].score > frames[0].score
    assert frames[-1].score > frames[6].score


def test_more_bands_make_a_deep_layer_more_active(model):
    """What the default is for; on four photos, three bands gave block12_expand_bn 11 to 15 % more."""
    dream, picture = Dream(as_network(model), of_squares("block9_expand_bn"), 128), photo(96, 96)
    ends = []
    for bands in (1, 3):
        *_, frame = dream.frames(picture, {}, octaves(1, steps=12, bands=bands), stream(0, "a"))
        ends.append(frame.score)
    assert ends[1] > ends[0]


def test_a_class_can_be_dreamed(model):
    """Logits take a tile as they take a picture; the unit's index is an input."""
    dream = Dream(as_network(model), lambda units: class_logit("logits", units["index"]), 96)
    for index in (113, 291):
        of = {"index": np.array([index], np.int32)}
        first, *_, last = dream.frames(photo(80, 80), of, octaves(1, steps=8), stream(0, "a"))
        assert last.score > first.score + 1.0
    assert dream.traces == 1


def test_grey_networks_dream_in_grey():
    dream = Dream(linear_network(1, channels=1), of_squares(), 64)
    assert dream.run(photo(40, 90, 1), {}, PLAN, stream(0, "a")).shape == (40, 90, 1)


# ---- films


def test_blending():
    dream, frame = photo(8, 9, seed=1), photo(8, 9, seed=2)
    np.testing.assert_array_equal(blend(dream, frame, 0.0), frame)
    np.testing.assert_array_equal(blend(dream, frame, 1.0), dream)
    np.testing.assert_allclose(blend(dream, frame, 0.25), 0.25 * dream + 0.75 * frame, rtol=1e-6)
    assert blend(dream, frame, 0.25).dtype == np.float32
