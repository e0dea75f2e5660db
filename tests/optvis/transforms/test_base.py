"""Transforms one after the other: their draws, and the sizes that are left."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fvcli.optvis.transforms import (
    Transform,
    affine,
    apply_all,
    blur,
    collapse_alpha,
    crops,
    flip,
    jitter,
    noise,
    rotate,
    scale,
)
from fvcli.plan.views import view_size
from fvcli.spec import transforms as pieces
from fvcli.spec.base import options_of
from fvcli.spec.recipes import RECIPES
from fvcli.worker.builders import TRANSFORMS
from tests.helpers.view_twins import LUCID_DEGREES, apply, images, nth_of

LUCID_SIZES = [125, 128, 131, 134, 137, 140, 142, 145, 148, 151, 154]  # at 128 px


# ---- draws


PER_IMAGE = {
    "jitter": jitter(4),
    "rotate": rotate(LUCID_DEGREES),
    "affine": affine(10.0, (0.9, 1.1), 8.0, 4),
    "flip": flip(),
    "blur": blur((0.5, 3.0)),
    "crops": crops(16),
    "noise": noise(),
    "collapse_alpha": collapse_alpha(),
}


def columns(transform: Transform) -> int:
    return transform.draws + transform.timed


@pytest.mark.parametrize("name", PER_IMAGE)
def test_every_image_follows_its_own_draws(name):
    transform, pictures = PER_IMAGE[name], images(4, 24, 24)
    draws = np.random.default_rng(0).random((4, columns(transform)), dtype=np.float32)
    together = apply(transform, pictures, draws)
    for i in range(4):
        np.testing.assert_array_equal(together[i], apply(transform, pictures[i : i + 1], draws[i : i + 1])[0])


@pytest.mark.parametrize("name", PER_IMAGE)
def test_equal_images_differ_by_their_draws(name):
    transform = PER_IMAGE[name]
    pictures = np.tile(images(1, 24, 24), (3, 1, 1, 1))
    found = apply(transform, pictures, np.array([[0.1], [0.1], [0.9]]) * np.ones(columns(transform)))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_only_scale_shares_its_draw():
    assert scale([1.0]).shared
    assert not any(transform.shared for transform in PER_IMAGE.values())


def test_only_crops_follow_the_clock():
    assert [name for name, transform in PER_IMAGE.items() if transform.timed] == ["crops"]


@pytest.mark.parametrize("name", PER_IMAGE)
def test_sizes_may_be_known_in_the_graph_only(name):
    """As they are behind a ``scale``; the number of images and of channels stays known."""
    transform, pictures = PER_IMAGE[name], images(2, 24, 29, 4)
    draws = np.random.default_rng(0).random((2, columns(transform)), dtype=np.float32)
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([2, None, None, 4]), tf.TensorSpec(draws.shape)])
    def graph(images, draws):
        out = transform.apply(images, draws)
        seen.append((out.shape[0], out.shape[-1]))
        return out

    expected = apply(transform, pictures, draws)
    np.testing.assert_allclose(graph(pictures, draws), expected, atol=1e-5)
    assert seen == [(2, expected.shape[-1])]


def test_timed_transforms_get_the_share_that_is_done_as_a_last_draw():
    seen = []

    def spy(count: int, timed: bool = False) -> Transform:
        return Transform(
            lambda images, draws: seen.append(draws.numpy().tolist()) or images, count, timed=timed
        )

    chain, draws = [spy(1), spy(1, timed=True), spy(1)], tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    apply_all(chain, tf.zeros((2, 4, 4, 3)), draws, tf.zeros(0), tf.constant([0.25, 0.5]))
    apply_all(chain, tf.zeros((2, 4, 4, 3)), draws, tf.zeros(0))
    assert seen[:3] == [[[1.0], [4.0]], [[2.0, 0.25], [5.0, 0.5]], [[3.0], [6.0]]]
    assert seen[4] == [[2.0, 0.0], [5.0, 0.0]]


def test_transforms_take_their_columns_of_draws_in_order():
    seen = []

    def spy(count: int, shared: bool = False) -> Transform:
        return Transform(lambda images, draws: seen.append(draws.numpy().tolist()) or images, count, shared)

    chain = [spy(2), spy(1, shared=True), spy(0), spy(1), spy(2, shared=True)]
    apply_all(chain, tf.zeros((1, 4, 4, 3)), tf.constant([[1.0, 2.0, 3.0]]), tf.constant([4.0, 5.0, 6.0]))
    assert seen == [[[1.0, 2.0]], [4.0], [[]], [[3.0]], [5.0, 6.0]]


# ---- sizes


def view_after(settings_of: tuple, height: int, width: int, shared: list[float]) -> tuple[int, int]:
    """Return the size that is left of a picture; shared chooses the factors."""
    chain = [TRANSFORMS[type(one)](**options_of(one)) for one in settings_of]
    own = sum(t.draws for t in chain if not t.shared)
    view = apply_all(chain, tf.zeros((1, height, width, 1)), tf.fill((1, own), 0.5), tf.constant(shared))
    return tuple(view.shape[1:3])


def test_lucids_chain_leaves_lucids_sizes():
    chain = RECIPES["lucid"].transforms
    found = [view_after(chain, 128, 128, [nth_of(i, 11)]) for i in range(11)]
    assert found == [(size, size) for size in LUCID_SIZES]


def test_distills_chain_ends_smaller_by_its_jitters_and_grows_by_no_padding():
    """(224 + 32 - 16), times a factor, - 8 - 32; 1.05 is a little less in float32, so 251 and not 252."""
    chain = RECIPES["distill"].transforms
    found = [view_after(chain, 224, 224, [nth_of(i, 5)]) for i in range(5)]
    assert found == [(size, size) for size in (200, 194, 206, 188, 211)]
    assert view_size(chain, 224, 224, min) == (188, 188)
    assert view_size(chain, 224, 224, max) == (211, 211)


steps = st.one_of(
    st.builds(pieces.Pad, px=st.integers(1, 12), mode=st.sampled_from(["constant", "reflect"])),
    st.builds(pieces.Jitter, px=st.integers(1, 6)),
    st.builds(pieces.Crop, px=st.integers(1, 4)),
    st.builds(pieces.Rotate, degrees=st.just((-5.0, 0.0, 5.0))),
    st.builds(pieces.Affine, degrees=st.just(5.0), crop_px=st.integers(0, 6)),
    st.builds(
        pieces.Scale,
        factors=st.lists(
            st.integers(70, 140).map(lambda hundredths: hundredths / 100), min_size=1, max_size=4
        ).map(tuple),
    ),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(steps, max_size=4), st.integers(40, 90), st.integers(40, 90), st.sampled_from([min, max]))
@example([pieces.Scale(factors=(1.05,))], 60, 100, max)
@example([pieces.Scale(factors=(0.7, 0.9))], 90, 50, min)
@example([pieces.Pad(px=7), pieces.Crop(px=7)], 41, 60, max)
def test_plans_foresee_the_size_of_the_view(chain, height, width, pick):
    factors = [one.factors for one in chain if one.kind == "scale"]
    shared = [nth_of(each.index(pick(each)), len(each)) for each in factors]
    assert view_after(tuple(chain), height, width, shared) == view_size(chain, height, width, pick)
