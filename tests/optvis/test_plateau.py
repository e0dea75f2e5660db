"""Early stopping: scores in, schedules out. No network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from fvcli.optvis.ascent import STEPS_PER_CALL, State
from fvcli.optvis.plateau import PATIENCE, Plateau

TOTAL = 10 * STEPS_PER_CALL
GAIN = 0.01


NONE = tf.zeros(0)  # what a plateau does not look at


def run(
    scores: Sequence[Callable[[int], float]],
    total: int = TOTAL,
    min_gain: float = GAIN,
    redirect_steps: int = 0,
    silent: Sequence[bool] | None = None,
) -> tuple[Plateau, list[list[tuple[int, int]]]]:
    """Climb as a worker does; scores give the mean score of an image's call by the call's number, from 0.

    Returns:
        The plateau at the end, and for each image where in its schedule each call that moved it began
        and ended.
    """
    batch = len(scores)
    plateau = Plateau(batch, total, min_gain, redirect_steps)
    step, call = 0, 0
    taken: list[list[tuple[int, int]]] = [[] for _ in scores]
    while plateau.moving.any():
        steps = min(STEPS_PER_CALL, total - step)
        assert steps > 0
        for i in np.flatnonzero(plateau.moving):
            begin = step + int(plateau.skipped[i])
            taken[i].append((begin, begin + steps))
        step += steps
        score = tf.constant([score(call) for score in scores], tf.float32)
        silences = tf.constant(list(silent or [False] * batch))
        plateau.heed(
            State(
                (tf.zeros(batch),), (), step, silences, score, tf.zeros((16, batch)), tf.zeros((batch, 0, 0))
            )
        )
        call += 1
    return plateau, taken


def rising(call: int) -> float:
    return 3.0 * call - 1.0


def slowing(call: int) -> float:
    """Nearly flat in the end, but never by as little as a hundredth of the whole rise."""
    return 1.0 - 0.7**call


def flat(call: int) -> float:
    return min(call, 2) * 5.0


def falling(call: int) -> float:
    return -2.0 * call


def noisy(call: int) -> float:
    """One poor call now and then."""
    return call - 3.0 * (call % 3 == 2)


EVERY = [rising, slowing, flat, falling, noisy]


@pytest.mark.parametrize(
    "score", [rising, noisy, lambda call: -100.0 + call], ids=["rising", "noisy", "below"]
)
@pytest.mark.parametrize("total", [TOTAL, 100, 16, 7, 33])
def test_what_rises_takes_every_step(score, total):
    plateau, ((*_, last),) = run([score], total)
    assert plateau.steps.tolist() == [total]
    assert plateau.skipped.tolist() == [0]
    assert last[1] == total


@pytest.mark.parametrize("total", [TOTAL, 10 * STEPS_PER_CALL + 5, 1000])
def test_what_is_flat_skips_to_the_last_call_and_takes_it(total):
    """Calls 0, 1 and 2 rise, 3 and 4 are flat; the last one is taken as planned."""
    plateau, (calls,) = run([flat], total)
    assert [begin for begin, _ in calls[:5]] == [0, 16, 32, 48, 64]
    assert calls[5:] == [(total - STEPS_PER_CALL, total)]
    assert plateau.steps.tolist() == [6 * STEPS_PER_CALL]
    assert plateau.skipped.tolist() == [total - 6 * STEPS_PER_CALL]
    assert PATIENCE == 2


def test_one_flat_call_is_not_enough():
    def score(call: int) -> float:
        return [0.0, 5.0, 5.0, 10.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0][call]

    plateau, _ = run([score])
    assert plateau.steps.tolist() == [TOTAL]


def test_what_counts_is_the_share_of_the_whole_rise():
    """The same last gains, after a small and after a large rise; and on any scale, from any start."""

    def after(rise: float, factor: float = 1.0, shift: float = 0.0) -> Callable[[int], float]:
        return lambda call: factor * (min(call, 1) * rise + 0.05 * call) + shift

    plateau, _ = run([after(1.0), after(100.0)])
    assert plateau.steps.tolist() == [TOTAL, 5 * STEPS_PER_CALL]  # calls 2 and 3 were flat, then the last one
    for factor, shift in ((1e-6, 0.0), (1e4, -3e4)):
        scaled, _ = run([after(100.0, factor, shift)])
        assert scaled.steps.tolist() == [5 * STEPS_PER_CALL]


def dipping(call: int) -> float:
    """As the probability of a class often goes: almost to zero, and later up."""
    return [1e-3, 1e-5, 1e-6, 1e-6, 1e-6, 1e-5, 1e-4, 0.1, 0.6, 0.9][call]


def test_what_has_not_risen_yet_is_not_flat():
    """At 64 x 80 px this costs class_probability 3 its 0.72 and 207 its 0.97 (default recipe, 160 steps)."""
    plateau, _ = run([dipping])
    assert plateau.steps.tolist() == [TOTAL]


@pytest.mark.parametrize("score", EVERY)
def test_without_a_least_gain_nothing_stops(score):
    plateau, _ = run([score], min_gain=0.0, silent=[True])
    assert plateau.steps.tolist() == [TOTAL]
    assert plateau.skipped.tolist() == [0]


@pytest.mark.parametrize(("redirect_steps", "steps"), [(0, 16), (16, 16), (17, 32), (48, 48), (1000, TOTAL)])
def test_what_is_silent_after_redirection_stops_at_once(redirect_steps, steps):
    plateau, _ = run([rising, rising], redirect_steps=redirect_steps, silent=[True, False])
    assert plateau.steps.tolist() == [steps, TOTAL]


def test_each_image_is_judged_alone():
    """Every order of images, and every choice of them, gives each what it gets by itself."""
    alone = {score: run([score])[1][0] for score in EVERY}
    steps = {score: run([score])[0].steps[0] for score in EVERY}
    assert len({len(calls) for calls in alone.values()}) > 1
    for mates in (EVERY, EVERY[::-1], [flat, rising], [falling, flat, flat], [slowing, noisy]):
        plateau, together = run(mates)
        assert together == [alone[score] for score in mates]
        assert plateau.steps.tolist() == [steps[score] for score in mates]


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=70, max_size=70), min_size=1, max_size=4),
    st.integers(1, 1000),
    st.floats(0.0, 0.99),
    st.integers(0, 64),
    st.data(),
)
def test_schedules_of_any_scores(series, total, min_gain, redirect_steps, data):
    """Clocks only go forward and never past the end; unless an image fell silent, it takes its end."""
    silent = data.draw(st.lists(st.booleans(), min_size=len(series), max_size=len(series)))
    plateau, taken = run([one.__getitem__ for one in series], total, min_gain, redirect_steps, silent)
    for i, calls in enumerate(taken):
        begins, ends = zip(*calls, strict=True)
        assert begins[0] == 0
        assert max(ends) <= total
        assert all(end <= begin for end, begin in zip(ends, begins[1:], strict=False))
        assert sum(end - begin for begin, end in calls) == plateau.steps[i]
        jumps = sum(end < begin for end, begin in zip(ends, begins[1:], strict=False))
        assert jumps <= 1
        assert ends[-1] == total or silent[i]
    alone = [
        run([one.__getitem__], total, min_gain, redirect_steps, [quiet])[1][0]
        for one, quiet in zip(series, silent, strict=True)
    ]
    assert taken == alone


def test_a_group_ends_with_the_last_of_it() -> None:
    plateau = Plateau(4, TOTAL, GAIN, 0, members=2)
    step = 0
    while plateau.moving.any() and step < TOTAL:
        step += STEPS_PER_CALL
        call = step // STEPS_PER_CALL - 1
        score = tf.constant([flat(call), rising(call), flat(call), flat(call)], tf.float32)
        state = State(
            (tf.zeros(4),), (), step, tf.constant([False] * 4), score, tf.zeros((16, 4)), tf.zeros((4, 0, 0))
        )
        plateau.heed(state)
        assert plateau.moving[0] == plateau.moving[1]
        assert plateau.moving[2] == plateau.moving[3]
    assert plateau.steps[0] == plateau.steps[1] == TOTAL
    assert plateau.steps[2] == plateau.steps[3] < TOTAL
