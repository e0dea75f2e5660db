"""The ascent on the real network, and the whole ``lucid`` recipe against a plain restatement of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent, Recipe, State
from fvcli.optvis.objectives import Objective, channel
from fvcli.optvis.optimizers import adam, annealed, lion
from fvcli.optvis.parameterizations import fourier
from fvcli.optvis.streams import stream
from fvcli.optvis.transforms import affine, jitter
from fvcli.plan import Program, make_plan
from fvcli.spec import parse_document, validate
from fvcli.worker.builders import build_recipe
from tests.helpers.networks import as_network

SHALLOW = "block1_expand_bn"
BATCH = 3


def program_of(text: str, facts) -> Program:
    """Plan a spec and return its only program."""
    document = parse_document(text, "test")
    spec, positions = validate(document)
    document.raise_problems()
    plan, problems = make_plan(spec, positions, facts)
    assert not problems
    (program,) = plan.programs
    return program


def recipe_of(name: str, size_px: Sequence[int], facts) -> Recipe:
    text = f"""
        model: efficientnet-lite0
        render: {{recipe: {name}, size_px: {list(size_px)}, batch_size: {BATCH}}}
        jobs: [{{name: job, layer: {SHALLOW}, channels: [0]}}]
    """
    return build_recipe(program_of(text, facts), facts.input_channels)


def ascent_of(model, layer: str, recipe: Recipe, jit_compile: bool = False) -> Ascent:
    def objective(units) -> Objective:
        return channel(layer, units["index"]) * units["sign"]

    return Ascent(as_network(model), objective, recipe, jit_compile=jit_compile)


def units(*index: int, sign: float = 1.0) -> dict[str, np.ndarray]:
    return {"index": np.array(index, np.int32), "sign": np.full(len(index), sign, np.float32)}


def streams_of(names: Sequence[str]) -> list[np.random.Generator]:
    return [stream(0, name) for name in names]


def climb(
    ascent: Ascent, names: Sequence[str], of: dict[str, np.ndarray], steps: int, total: int | None = None
) -> State:
    """Climb as the worker does: a stream an image, one for the batch, STEPS_PER_CALL steps a call."""
    streams, shared = streams_of(names), stream(0, "shared")
    state = ascent.start(streams)
    while state.step < steps:
        state = ascent.take_steps(state, of, steps - state.step, streams, shared, total)
    return state


def scores(ascent: Ascent, state: State, of: dict[str, np.ndarray]) -> np.ndarray:
    return ascent.score(ascent.picture(state.params), of)


@pytest.fixture(scope="module", params=["lucid", "default"])
def shallow(request, model, facts) -> Ascent:
    """A shallow layer, a canvas that is not square; the lucid recipe changes the view's size."""
    return ascent_of(model, SHALLOW, recipe_of(request.param, (48, 56), facts))


# ---- what any ascent does


def test_scores_rise(shallow):
    of = units(3, 17, 40)
    start, end = (scores(shallow, climb(shallow, "abc", of, steps, 32), of) for steps in (0, 32))
    assert (end > start + 0.1).all()


def test_a_negative_sign_lowers_the_plain_objective(shallow):
    of, plain = units(3, 17, 40, sign=-1.0), units(3, 17, 40)
    start, end = (scores(shallow, climb(shallow, "abc", of, steps, 32), plain) for steps in (0, 32))
    assert (end < start - 0.1).all()


def test_one_trace_serves_all_units_and_all_numbers_of_steps(shallow):
    for i, steps in enumerate((1, 7, 16, 17, 40)):
        climb(shallow, "abc", units(i, 2 * i, 90 - i, sign=(-1.0) ** i), steps)
    assert shallow.traces == 1


def test_the_same_call_gives_the_same_bytes(shallow):
    first, second = (climb(shallow, "abc", units(3, 17, 40), 20) for _ in range(2))
    np.testing.assert_array_equal(first.params[0], second.params[0])
    np.testing.assert_array_equal(shallow.picture(first.params), shallow.picture(second.params))


def test_a_picture_does_not_depend_on_its_place_or_its_batch_mates(shallow):
    """To the last bit, in numbers, picture and score."""
    batches = [("abc", (3, 17, 40)), ("dea", (5, 90, 3)), ("faf", (0, 3, 0)), ("aaa", (3, 3, 3))]
    found = []
    for names, index in batches:
        state = climb(shallow, names, units(*index), 20)
        place = names.index("a")
        picture = shallow.picture(state.params).numpy()
        score = shallow.score(picture, units(*index))
        found.append((state.params[0].numpy()[place], picture[place], score[place]))
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_another_stream_gives_another_picture(shallow):
    state = climb(shallow, "abc", units(3, 3, 3), 20)
    pictures = shallow.picture(state.params).numpy()
    assert np.abs(pictures[0] - pictures[1]).max() > 0.1
    assert np.abs(pictures[1] - pictures[2]).max() > 0.1


# ---- steps, calls and streams


def test_a_call_takes_its_steps_and_no_more_than_it_may(shallow):
    streams, shared, of = streams_of("abc"), stream(0, "shared"), units(3, 17, 40)
    state = shallow.start(streams)
    reached = []
    for steps in (1000, 4, 16):
        state = shallow.take_steps(state, of, steps, streams, shared)
        reached.append(state.step)
    assert reached == [STEPS_PER_CALL, STEPS_PER_CALL + 4, 2 * STEPS_PER_CALL + 4]


def test_how_far_an_ascent_will_go_does_not_change_how_it_begins(shallow):
    """The first calls of a longer ascent are those of a shorter one."""
    of = units(3, 17, 40)
    streams, shared = streams_of("abc"), stream(0, "shared")
    longer = shallow.start(streams)
    for _ in range(2):
        longer = shallow.take_steps(longer, of, 1000, streams, shared)
    np.testing.assert_array_equal(longer.params[0], climb(shallow, "abc", of, 32).params[0])


def test_a_call_draws_alike_whatever_its_steps(shallow):
    """So that every call begins at the same place of its streams."""
    own, common = shallow.draws_per_step
    for steps in (1, 16):
        streams, shared = streams_of("abc"), stream(0, "shared")
        shallow.take_steps(shallow.start(streams), units(3, 17, 40), steps, streams, shared)
        for name, used in zip("abc", streams, strict=True):
            fresh = stream(0, name)
            shallow.start([fresh])
            fresh.random((STEPS_PER_CALL, own), dtype=np.float32)
            assert fresh.random() == used.random()
        fresh = stream(0, "shared")
        fresh.random((STEPS_PER_CALL, common), dtype=np.float32)
        assert fresh.random() == shared.random()


def test_an_ascent_goes_on_from_what_was_kept(shallow):
    """Params, slots and step are all that an ascent remembers."""
    of = units(3, 17, 40)
    streams, shared = streams_of("abc"), stream(0, "shared")
    state = shallow.take_steps(shallow.start(streams), of, 16, streams, shared)
    (numbers,), slots = state.params, [slot.numpy() for (slot,) in state.slots]
    kept = tuple((tf.constant(slot),) for slot in slots)
    copy = State(
        (tf.constant(numbers.numpy()),), kept, state.step, state.silent, state.score, state.attention
    )
    resumed = shallow.take_steps(copy, of, 4, streams, shared)
    np.testing.assert_array_equal(resumed.params[0], climb(shallow, "abc", of, 20).params[0])


def test_draws_a_step(model, facts):
    lucid, default = (
        ascent_of(model, SHALLOW, recipe_of(name, (48, 56), facts)) for name in ("lucid", "default")
    )
    assert lucid.draws_per_step == (5, 1)  # two jitters and an angle; the scale
    assert default.draws_per_step == (4, 0)


# ---- schedules


def test_schedules_follow_the_share_of_the_whole_ascent(model):
    """Lion moves every number by its rate, so the size of a step is the rate times the schedules."""
    coarse = fourier(32, 40, coarse_until=0.5, coarse_from=0.1)
    recipe = Recipe(coarse, [jitter(2)], annealed(lion(0.05), 0.25), 0)
    ascent = ascent_of(model, "stem_bn", recipe)
    of, streams, shared = units(3, 17), streams_of("ab"), stream(0, "shared")
    start = ascent.start(streams)
    for step, total in ((0, 64), (16, 64), (32, 64), (48, 64), (32, 40), (48, None)):
        share = step / total if total else 0.0
        before = replace(start, step=step)
        after = ascent.take_steps(before, of, 1, streams, shared, total)
        moved = np.abs(after.params[0] - before.params[0])
        bound = 0.1 * (np.sqrt(0.5) / 0.1) ** min(share / 0.5, 1.0)
        fy, fx = np.fft.fftfreq(32)[:, None], np.fft.fftfreq(40)[:21]
        held = np.minimum(1.0, (bound / np.maximum(np.hypot(fy, fx), 1 / 40)) ** 2)
        expected = 0.05 * min(1.0, (1 - share) / 0.75) * held
        silent = moved == 0.0  # some numbers, such as the phase of the mean colour, change nothing
        assert silent.mean() < 0.05
        np.testing.assert_allclose(moved[~silent], np.broadcast_to(expected, moved.shape)[~silent], rtol=1e-3)
    assert ascent.traces == 1


# ---- images that stand still, and images that skip


def one_call(ascent, of, begin, streams="abc", **how) -> State:
    """Take a call of 8 steps at some place of the schedule, from the initial numbers."""
    own = streams_of(streams)
    state = replace(ascent.start(own), step=begin)
    return ascent.take_steps(state, of, 8, own, stream(0, "shared"), 64, **how)


@pytest.mark.parametrize("still", [(0,), (1, 2), (0, 1, 2)])
def test_an_image_that_does_not_move_stands_still(shallow, still):
    """To the last bit; and its mates' numbers are those of a batch in which it moves."""
    of, moving = units(3, 17, 40), np.array([i not in still for i in range(3)])
    start = shallow.start(streams_of("abc")).params[0].numpy()
    everyone = one_call(shallow, of, 0)
    some = one_call(shallow, of, 0, moving=moving)
    for i in range(3):
        expected = start[i] if i in still else everyone.params[0].numpy()[i]
        np.testing.assert_array_equal(some.params[0][i], expected)
        assert i in still or not np.array_equal(everyone.params[0][i], start[i])
    np.testing.assert_array_equal(some.score.numpy()[moving], everyone.score.numpy()[moving])
    assert shallow.traces == 1


@pytest.mark.parametrize(
    "optimizer", [adam(), lion(), annealed(adam(), 0.5)], ids=["adam", "lion", "annealed"]
)
def test_an_image_without_a_finite_gradient_can_stand_still(model, optimizer):
    """And does not harm its mates, whether it stands or not."""
    ascent = ascent_of(model, "stem_bn", Recipe(fourier(32, 40), [jitter(2)], optimizer, 17))
    healthy, broken = units(3, 17, 40), units(3, 17, 40)
    broken["sign"] = np.array([1.0, np.nan, 1.0], np.float32)
    start = ascent.start(streams_of("abc")).params[0].numpy()
    expected = one_call(ascent, healthy, 0).params[0].numpy()
    moved = one_call(ascent, broken, 0).params[0].numpy()
    still = one_call(ascent, broken, 0, moving=np.array([True, False, True])).params[0].numpy()
    assert np.isnan(moved[1]).any()
    np.testing.assert_array_equal(still[1], start[1])
    for i in (0, 2):
        np.testing.assert_array_equal(moved[i], expected[i])
        np.testing.assert_array_equal(still[i], expected[i])


def test_a_skip_moves_the_schedule_of_that_image_alone(shallow):
    """Steps 8 to 16 of an image that skips 48 are weighted as steps 56 to 64; its mates' as planned."""
    of = units(3, 17, 40)
    plain, skipped = one_call(shallow, of, 8), one_call(shallow, of, 8, skipped=np.array([0, 48, 0]))
    for i in (0, 2):
        np.testing.assert_array_equal(skipped.params[0][i], plain.params[0][i])
    everyone = one_call(shallow, of, 8, skipped=np.array([48, 48, 48]))
    np.testing.assert_array_equal(skipped.params[0][1], everyone.params[0][1])
    assert shallow.traces == 1


def test_a_skip_is_a_place_in_the_schedule(model):
    """Lion's steps are their rate: after a skip they are those of the place skipped to."""
    recipe = Recipe(fourier(32, 40), [jitter(2)], annealed(lion(0.05), 0.25), 0)
    ascent = ascent_of(model, "stem_bn", recipe)
    streams, shared = streams_of("abc"), stream(0, "shared")
    start = ascent.start(streams)
    state = replace(start, step=16)
    skipped = np.array([0, 16, 32])
    after = ascent.take_steps(state, units(3, 17, 40), 1, streams, shared, 64, skipped)
    for i, step in enumerate(16 + skipped):
        moved = np.abs(after.params[0][i] - start.params[0][i])
        rate = 0.05 * min(1.0, (1 - step / 64) / 0.75)
        np.testing.assert_allclose(moved[moved > 0.0], rate, rtol=1e-3)


def test_the_score_of_a_call_is_the_mean_over_its_views(model):
    """Without transforms, the first step of a call scores the picture that it begins with."""
    ascent = ascent_of(model, "stem_bn", Recipe(fourier(32, 40), [], adam(), 0))
    of, streams, shared = units(3, 17), streams_of("ab"), stream(0, "shared")
    state = ascent.start(streams)
    expected = []
    for _ in range(3):
        before = scores(ascent, state, of)
        state = ascent.take_steps(state, of, 1, streams, shared)
        np.testing.assert_allclose(state.score, before, rtol=1e-4, atol=1e-5)
        expected.append(before)
    streams, shared = streams_of("ab"), stream(0, "shared")
    together = ascent.take_steps(ascent.start(streams), of, 3, streams, shared)
    np.testing.assert_allclose(together.score, np.mean(expected, axis=0), rtol=1e-4, atol=1e-5)


# ---- the score


def test_the_score_is_the_models_own_without_transforms(shallow, model):
    images = np.random.default_rng(0).random((BATCH, 48, 56, 3), dtype=np.float32)
    acts = model(2 * images - 1, training=False)[SHALLOW].numpy()
    expected = [acts[i, :, :, n].mean() for i, n in enumerate((3, 17, 40))]
    np.testing.assert_allclose(shallow.score(images, units(3, 17, 40)), expected, rtol=1e-5)


def test_pictures_start_as_their_streams_say(shallow):
    state = shallow.start(streams_of("abc"))
    assert state.step == 0
    assert not state.silent.numpy().any()
    alone = shallow.start(streams_of("b"))
    np.testing.assert_array_equal(state.params[0][1], alone.params[0][0])


# ---- compiled with XLA


def test_xla_reaches_the_same_scores(model):
    """Rounding differs, so numbers do; what they are worth does not."""
    recipe = Recipe(fourier(32, 40), [affine(10.0, (0.9, 1.1), 4.0, 4)], lion(), 17)
    of = units(3, 17, 40)
    found = []
    for jit_compile in (False, True):
        ascent = ascent_of(model, SHALLOW, recipe, jit_compile)
        found.append(scores(ascent, climb(ascent, "abc", of, 12), of))
    assert np.abs(found[0]).min() > 0.5  # so that relative means something
    np.testing.assert_allclose(found[1], found[0], rtol=0.01)


# ---- units that are silent at first


RELU = "block5_expand"


@pytest.fixture(scope="module")
def silent_units(model) -> dict[str, np.ndarray]:
    """Find channels of a ReLU layer that are silent on a starting picture, with a margin for its views."""
    before = keras.Model(model.input, model.output[f"{RELU}_bn"])
    parameterization = fourier(40, 40)
    (numbers,) = parameterization.initial(streams_of("a"))
    image = parameterization.to_image((tf.constant(numbers),))
    highest = before(2.0 * image - 1.0, training=False).numpy().max((0, 1, 2))
    return units(*np.flatnonzero(highest < -1.0)[:BATCH])


@pytest.mark.parametrize("redirect_steps", [17, 0])
def test_redirection_wakes_silent_units(model, silent_units, redirect_steps):
    recipe = Recipe(fourier(40, 40), [jitter(2)], adam(), redirect_steps)
    ascent = ascent_of(model, RELU, recipe)
    start, end = (climb(ascent, "aaa", silent_units, steps) for steps in (0, 24))
    assert not scores(ascent, start, silent_units).any()
    if redirect_steps:
        assert (scores(ascent, end, silent_units) > 0.5).all()
        assert not end.silent.numpy().any()
    else:
        assert not scores(ascent, end, silent_units).any()
        assert end.silent.numpy().all()
        np.testing.assert_array_equal(end.params[0], start.params[0])  # no gradient, no step


# ---- Lucid's recipe, restated
#
# Nothing below uses the package's mathematics: the same recipe once more, plainly, one step after the
# other, from the formulas of Lucid 0.3.10.

MIDDLE = "block4_expand_bn"
CHANNEL = 17
SAME = units(*[CHANNEL] * BATCH)
SIDE = 64
STEPS = 40
DEGREES = [*range(-10, 11), 0, 0, 0, 0, 0]
FACTORS = [0.9, 0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1]
COLOURS = np.array(
    [
        [0.56282854, 0.19482528, 0.04329450],
        [0.58447580, 0.0, -0.10823626],
        [0.58447580, -0.19482528, 0.06494176],
    ],
    np.float32,
)


@dataclass(frozen=True)
class Choices:
    """What one step draws: offsets [batch, 2] as y and x, one angle an image, one factor."""

    first: np.ndarray
    factor: float
    degrees: np.ndarray
    second: np.ndarray


def own_choices(rng: np.random.Generator, batch: int) -> Iterator[Choices]:
    while True:
        yield Choices(
            rng.integers(0, 9, (batch, 2)),
            rng.choice(FACTORS),
            rng.choice(DEGREES, batch),
            rng.integers(0, 5, (batch, 2)),
        )


def same_choices(streams: list[np.random.Generator], shared: np.random.Generator) -> Iterator[Choices]:
    """Read what Ascent.climb draws, 16 steps at a time, as Lucid's choices."""
    while True:
        own = np.stack([s.random((16, 5), dtype=np.float32) for s in streams], axis=1)
        common = shared.random((16, 1), dtype=np.float32)
        for u, v in zip(own, common, strict=True):
            yield Choices(
                np.floor(u[:, 0:2] * 9).astype(int),
                FACTORS[int(v[0] * 11)],
                np.array(DEGREES)[np.floor(u[:, 2] * 26).astype(int)],
                np.floor(u[:, 3:5] * 5).astype(int),
            )


def waves(side: int) -> tuple[np.ndarray, ...]:
    """Return cosines and sines of the inverse transform along y [h, h] and x [F, w]."""
    turns_y = 2 * np.pi * np.outer(np.arange(side), np.arange(side)) / side
    turns_x = 2 * np.pi * np.outer(np.arange(side // 2 + 1), np.arange(side)) / side
    twice = np.full((side // 2 + 1, 1), 2.0)  # a column stands for its mirror image, too,
    twice[[0, -1]] = 1.0  # except the constant one and the highest frequency
    tables = np.cos(turns_y), np.sin(turns_y), twice * np.cos(turns_x), twice * np.sin(turns_x)
    return tuple((table / side).astype(np.float32) for table in tables)


def lucid_image(z: tf.Tensor) -> tf.Tensor:
    """Return [batch, h, w, 3] in [0, 1] from z [batch, 2, 3, h, F]."""
    fy, fx = np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[: SIDE // 2 + 1]
    scale = (SIDE / np.maximum(np.sqrt(fx**2 + fy**2), 1 / SIDE)).astype(np.float32)
    real, imaginary = z[:, 0] * scale, z[:, 1] * scale
    cos_y, sin_y, cos_x, sin_x = waves(SIDE)
    down_real = cos_y @ real - sin_y @ imaginary
    down_imaginary = sin_y @ real + cos_y @ imaginary
    pixels = (down_real @ cos_x - down_imaginary @ sin_x) / 4.0
    return tf.sigmoid(tf.einsum("bthw,ct->bhwc", pixels, COLOURS))


def crop(images: tf.Tensor, px: int, offsets: np.ndarray) -> tf.Tensor:
    height, width = images.shape[1] - px, images.shape[2] - px
    return tf.stack(
        [image[y : y + height, x : x + width] for image, (y, x) in zip(images, offsets, strict=True)]
    )


def resize(images: tf.Tensor, factor: float) -> tf.Tensor:
    size = [int(np.float32(factor) * np.float32(side)) for side in images.shape[1:3]]
    return tf.compat.v1.image.resize_bilinear(images, size)


def turn(images: tf.Tensor, degrees: np.ndarray) -> tf.Tensor:
    """Rotate about the centre: nearest pixel, black outside; the gradient is turned back likewise.

    That gradient is TensorFlow's, and so was Lucid's; it is not the adjoint, which would add up what
    several pixels took from one.
    """

    @tf.custom_gradient
    def turned(images):
        return turn_once(images, degrees), lambda upstream: turn_once(upstream, -degrees)

    return turned(images)


def turn_once(images: tf.Tensor, degrees: np.ndarray) -> tf.Tensor:
    height, width = images.shape[1:3]
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    angle = (3.14 * degrees / 180)[:, None, None]
    row = np.floor(np.sin(angle) * x + np.cos(angle) * y + height / 2).astype(int)  # rounds, as + 1/2
    column = np.floor(np.cos(angle) * x - np.sin(angle) * y + width / 2).astype(int)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    flat = tf.reshape(images, [len(degrees), height * width, 3])
    found = tf.gather(flat, np.where(inside, row * width + column, 0), axis=1, batch_dims=1)
    return found * inside[..., None].astype(np.float32)


def lucid_views(images: tf.Tensor, choices: Choices) -> tf.Tensor:
    images = tf.pad(images, [[0, 0], [12, 12], [12, 12], [0, 0]], constant_values=0.5)
    images = crop(images, 8, choices.first)
    images = resize(images, choices.factor)
    images = turn(images, choices.degrees)
    return crop(images, 4, choices.second)


def lucid_pictures(network, z: np.ndarray, choices: Iterator[Choices]) -> list[np.ndarray]:
    """Climb STEPS steps from z with Lucid's Adam; return the pictures before and after every step."""
    m, v = np.zeros_like(z), np.zeros_like(z)
    pictures = []
    for t in range(1, STEPS + 1):
        numbers = tf.constant(z)
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            images = lucid_image(numbers)
            loss = -tf.reduce_sum(network(lucid_views(images, next(choices))))
        pictures.append(images.numpy())
        g = tape.gradient(loss, numbers).numpy()
        m = np.float32(0.9) * m + np.float32(0.1) * g
        v = np.float32(0.999) * v + np.float32(0.001) * g * g
        rate = np.float32(0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t))
        z = z - rate * m / (np.sqrt(v) + np.float32(1e-8))
    return [*pictures, lucid_image(tf.constant(z)).numpy()]


@pytest.fixture(scope="module")
def plain_network(model):
    """The Keras model itself: images in [0, 1] -> mean of the channel. No redirection: it is alive."""
    whole = keras.Model(model.input, model.output[MIDDLE])

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def network(images):
        acts = whole(2.0 * images - 1.0, training=False)
        return tf.reduce_mean(acts[..., CHANNEL], axis=(1, 2))

    return network


# In others of these names, one image starts with a ReLU6 input within rounding of a kink.
RUNS = ("fourth", "eighth")


@pytest.fixture(scope="module")
def middle(model, facts) -> Ascent:
    return ascent_of(model, MIDDLE, recipe_of("lucid", (SIDE, SIDE), facts))


@pytest.fixture(scope="module")
def reached(middle) -> dict[str, dict[int, np.ndarray]]:
    """The pictures of fvcli's lucid recipe by step, of two batches with schedules of their own."""
    found = {}
    for run in RUNS:
        streams, shared = streams_of([f"{run} {i}" for i in range(BATCH)]), stream(0, run)
        state, found[run] = middle.start(streams), {}
        while state.step < STEPS:
            state = middle.take_steps(state, SAME, STEPS - state.step, streams, shared)
            found[run][state.step] = middle.picture(state.params).numpy()
    return found


def test_lucid_recipe_is_lucids_with_the_same_draws(plain_network, middle, reached):
    """Same initial numbers, same choices: the same first step, and after many the same pictures.

    Adam's steps are near to signs at first, so rounding in a gradient that is almost zero turns into
    whole steps of fine detail; measured, pictures correlate by 0.9986 after 16 steps and 0.995 after
    40, and scores agree within 0.6 % and 0.3 %. A learning rate of 0.06 would give 0.966 and 0.94, an
    angle of the wrong sign 0.73 and 0.67.
    """
    names = [f"{RUNS[0]} {i}" for i in range(BATCH)]
    streams, shared = streams_of(names), stream(0, RUNS[0])
    z = np.stack([s.standard_normal((2, 3, SIDE, SIDE // 2 + 1), dtype=np.float32) for s in streams])
    theirs = lucid_pictures(plain_network, z * np.float32(0.01), same_choices(streams, shared))

    streams, shared = streams_of(names), stream(0, RUNS[0])
    start = middle.start(streams)
    one = middle.take_steps(start, SAME, 1, streams, shared)
    np.testing.assert_allclose(middle.picture(start.params), theirs[0], atol=1e-6)
    np.testing.assert_allclose(middle.picture(one.params), theirs[1], atol=1e-5)
    for step, least in ((16, 0.995), (STEPS, 0.98)):
        ours = reached[RUNS[0]][step]
        assert np.corrcoef(ours.ravel(), theirs[step].ravel())[0, 1] > least
        np.testing.assert_allclose(plain_network(ours), plain_network(theirs[step]), rtol=0.01)


def test_lucid_recipe_reaches_what_lucid_reaches_with_draws_of_its_own(plain_network, reached):
    """Means over six pictures agree within three standard errors of their difference, some 2 %."""
    theirs = []
    for run in RUNS:
        rng = np.random.default_rng([ord(letter) for letter in run])
        z = rng.normal(0.0, 0.01, (BATCH, 2, 3, SIDE, SIDE // 2 + 1)).astype(np.float32)
        theirs.extend(plain_network(lucid_pictures(plain_network, z, own_choices(rng, BATCH))[-1]).numpy())
    ours = np.concatenate([plain_network(reached[run][STEPS]) for run in RUNS])
    error = np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / len(ours))
    assert error < 0.01 * np.mean(theirs)  # or the next line would say little
    assert abs(np.mean(ours) - np.mean(theirs)) < 3 * error
