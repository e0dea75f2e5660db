"""The ascent on the real network, and the whole ``lucid`` recipe against a plain restatement of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.optvis.ascent import STEPS_PER_CALL, Ascent, Recipe, State
from fvcli.optvis.objectives import Objective
from fvcli.optvis.optimizers import adam, annealed, lion
from fvcli.optvis.parameterizations import fourier
from fvcli.optvis.streams import stream
from fvcli.optvis.transforms import affine, jitter
from tests.helpers.ascents import BATCH, SHALLOW, ascent_of, recipe_of, streams_of, units
from tests.helpers.networks import as_network


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
        (tf.constant(numbers.numpy()),),
        kept,
        state.step,
        state.silent,
        state.score,
        state.trace,
        state.attention,
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


def test_what_is_no_number_at_one_step_leaves_the_scores_of_the_others(model, facts):
    """The score is minus a root; the picture gets darker until what is under the root is negative."""

    def darker(_units):
        return Objective(lambda T: -tf.sqrt(tf.reduce_mean(T("input"), axis=(1, 2, 3)) - 0.49))

    recipe = replace(recipe_of("lucid", (48, 56), facts), transforms=())
    trace = climb(Ascent(as_network(model), darker, recipe), "abc", units(0, 0, 0), STEPS_PER_CALL).trace
    bad = ~np.isfinite(trace.numpy())
    assert bad.any(axis=0).all()
    assert not bad[0].any()
    for column in bad.T:
        assert column[column.argmax() :].all()  # sound up to a step, and never again
