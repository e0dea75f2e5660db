"""Objectives that couple images: published totals, shares, blocks, and that pictures are pushed apart."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.optvis.objectives import Objective, alignment, channel, diversity
from tests.helpers.random_activations import (
    CHANNELS,
    LAYERS,
    Acts,
    activations,
    assert_gradients_are_finite,
    assert_one_trace_serves_views_of_every_size,
    draw,
    gradients,
    score,
    take,
)

BATCHES = pytest.mark.parametrize("batch", [1, 2, 3, 6])


def normalised_grams(maps: np.ndarray) -> list[np.ndarray]:
    """Return each image's F^T F, divided by the root of its sum of squares (at least 1e-10)."""
    grams = []
    for image in maps.astype(np.float64):
        flat = image.reshape(-1, image.shape[-1])
        gram = np.einsum("pa,pb->ab", flat, flat)
        grams.append(gram / np.sqrt(max((gram**2).sum(), 1e-10)))
    return grams


def published_diversity(maps: np.ndarray) -> float:
    """Return Lucid's scalar with the sign turned: -(1 / N) sum_i sum_{j != i} <G_i, G_j>."""
    grams = normalised_grams(maps)
    pairs = [(g * h).sum() for i, g in enumerate(grams) for j, h in enumerate(grams) if i != j]
    return -sum(pairs) / len(maps)


def published_alignment(maps: np.ndarray, decay: float) -> float:
    """Return Lucid's scalar: -sum_{d = 1..4} sum_i mean((T_i - T_{i + d})^2) / decay^d."""
    total, maps = 0.0, maps.astype(np.float64)
    for d in (1, 2, 3, 4):
        for i in range(len(maps) - d):
            total -= ((maps[i] - maps[i + d]) ** 2).mean() / decay**d
    return total


# ---- totals and shares


@BATCHES
@LAYERS
def test_scores_of_diversity_sum_to_the_published_total(batch, layer):
    acts = activations(batch)
    scores = score(diversity(layer), acts)
    np.testing.assert_allclose(scores.sum(), published_diversity(acts[layer]), rtol=1e-5)


@BATCHES
@LAYERS
def test_an_image_has_the_cosines_with_its_mates(batch, layer):
    acts = activations(batch)
    grams = normalised_grams(acts[layer])
    expected = [
        -sum((g * h).sum() for j, h in enumerate(grams) if j != i) / batch for i, g in enumerate(grams)
    ]
    np.testing.assert_allclose(score(diversity(layer), acts), expected, rtol=1e-5)


@BATCHES
@LAYERS
def test_the_article_s_total_is_n_times_as_much(batch, layer):
    """Olah et al. 2017: C = -sum_a sum_{b != a} of cosines between Gram matrices."""
    acts = activations(batch)
    grams = [g.ravel() for g in normalised_grams(acts[layer])]
    cosines = [
        g @ h / np.linalg.norm(g) / np.linalg.norm(h)
        for a, g in enumerate(grams)
        for b, h in enumerate(grams)
        if b != a
    ]
    np.testing.assert_allclose(batch * score(diversity(layer), acts).sum(), -sum(cosines), rtol=1e-5)


@BATCHES
@LAYERS
@pytest.mark.parametrize("decay", [2, 5, 1.5])
def test_scores_of_alignment_sum_to_the_published_total(batch, layer, decay):
    acts = activations(batch)
    scores = score(alignment(layer, decay), acts)
    np.testing.assert_allclose(scores.sum(), published_alignment(acts[layer], decay), rtol=1e-5)


def test_alignment_shares_each_pair_half_and_half():
    acts, expected = activations(6), np.zeros(6)
    maps = acts["map"].astype(np.float64)
    for i in range(6):
        for j in range(i + 1, min(i + 5, 6)):
            expected[[i, j]] -= 0.5 * ((maps[i] - maps[j]) ** 2).mean() / 2.0 ** (j - i)
    np.testing.assert_allclose(score(alignment("map"), acts), expected, rtol=1e-5)


def test_images_farther_apart_than_four_are_not_aligned():
    acts, other = activations(6), activations(6)
    other["map"][5] *= -3.0
    assert score(alignment("map"), acts)[0] == score(alignment("map"), other)[0]
    assert score(alignment("map"), acts)[1] != score(alignment("map"), other)[1]


@pytest.mark.parametrize("objective", [diversity("map"), alignment("map")], ids=["diversity", "alignment"])
def test_a_lone_image_scores_zero_and_stays(objective):
    acts = activations(1)
    assert score(objective, acts) == 0.0
    assert not gradients(objective, acts)["map"].any()


def test_equal_images_are_aligned_and_not_diverse():
    acts = {layer: np.repeat(a, 4, axis=0) for layer, a in activations(1).items()}
    np.testing.assert_array_equal(score(alignment("map"), acts), np.zeros(4))
    np.testing.assert_allclose(score(diversity("map"), acts), -np.full(4, 3 / 4), rtol=1e-5)


def test_images_of_other_channels_are_wholly_diverse():
    acts = activations(3)
    for i, image in enumerate(acts["map"]):
        image[..., [c for c in range(CHANNELS) if c % 3 != i]] = 0.0
    np.testing.assert_array_equal(score(diversity("map"), acts), np.zeros(3))


def test_how_strong_a_picture_is_does_not_make_it_diverse():
    acts = activations(3)
    stronger = {**acts, "map": acts["map"] * np.float32([1, 20, 300])[:, None, None, None]}
    np.testing.assert_allclose(score(diversity("map"), stronger), score(diversity("map"), acts), rtol=1e-5)


@pytest.mark.parametrize("faint", [1e-2, 1e-4])
def test_pictures_that_hardly_do_anything_count_as_published(faint):
    """The epsilon of 1e-10 is below faint activations, and takes over where there are none."""
    acts = activations(3)
    acts["map"] *= np.float32(faint)
    expected = published_diversity(acts["map"])
    np.testing.assert_allclose(score(diversity("map"), acts).sum(), expected, rtol=1e-5)


# ---- who is next to whom


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2], [2, 1, 0]])
def test_diversity_does_not_depend_on_the_order(order):
    acts = activations(3)
    permuted = {layer: a[order] for layer, a in acts.items()}
    np.testing.assert_allclose(
        score(diversity("map"), permuted), score(diversity("map"), acts)[order], rtol=1e-5
    )


def test_alignment_depends_on_who_is_next_to_whom_but_not_on_the_direction():
    acts = activations(6)
    backwards = {layer: a[::-1] for layer, a in acts.items()}
    expected = score(alignment("map"), acts)
    np.testing.assert_allclose(score(alignment("map"), backwards), expected[::-1], rtol=1e-5)
    swapped = {layer: a[[0, 4, 2, 3, 1, 5]] for layer, a in acts.items()}
    assert abs(score(alignment("map"), swapped).sum() - expected.sum()) > 1e-3


# ---- blocks

COUPLED = {
    "diversity": lambda members: diversity("map", members),
    "alignment": lambda members: alignment("map", members=members),
    "steep alignment": lambda members: alignment("even", 5, members),
    "sum": lambda members: channel("map", 1) + 4 * diversity("odd", members),
}
NAMES = pytest.mark.parametrize("name", COUPLED)


@NAMES
@pytest.mark.parametrize("members", [1, 2, 3, 6])
def test_blocks_score_as_batches_of_their_own(name, members):
    acts = activations(6)
    together = score(COUPLED[name](members), acts)
    for start in range(0, 6, members):
        block = slice(start, start + members)
        alone = score(COUPLED[name](None), take(acts, block))
        np.testing.assert_allclose(together[block], alone, rtol=1e-5, atol=1e-7)


@NAMES
def test_a_block_of_the_whole_batch_is_no_block(name):
    acts = activations(6)
    np.testing.assert_array_equal(score(COUPLED[name](6), acts), score(COUPLED[name](None), acts))


@NAMES
def test_other_blocks_do_not_change_a_bit(name):
    acts, other = activations(6), activations(6)
    for a in other.values():
        a[:2], a[4:] = a[2:4], 1e3 * a[4:]
    objective = COUPLED[name](2)
    np.testing.assert_array_equal(score(objective, acts)[2:4], score(objective, other)[2:4])
    found, expected = gradients(objective, other), gradients(objective, acts)
    for layer in acts:
        np.testing.assert_array_equal(found[layer][2:4], expected[layer][2:4])


@NAMES
@pytest.mark.parametrize("members", [4, 5, 12, 0, -2])
def test_a_batch_that_is_no_number_of_blocks_is_refused(name, members):
    with pytest.raises(FvcliError, match=f"batch of 6 images cannot be cut into blocks of {members}"):
        score(COUPLED[name](members), activations(6))


# ---- gradients


@NAMES
@pytest.mark.parametrize(("batch", "members"), [(1, None), (3, None), (6, 2)])
def test_gradients_are_finite_at_zero_constant_and_saturated_activations(name, batch, members):
    assert_gradients_are_finite(COUPLED[name](members), activations(batch))


@NAMES
def test_one_trace_serves_views_of_every_size(name):
    assert_one_trace_serves_views_of_every_size(COUPLED[name](2), activations(6))


@pytest.mark.parametrize(
    ("objective", "published"),
    [
        (diversity("map"), published_diversity),
        (alignment("map", 3), lambda maps: published_alignment(maps, 3)),
    ],
    ids=["diversity", "alignment"],
)
def test_the_gradient_is_that_of_the_published_total(objective, published):
    """Against central differences of the twin along a direction, in float64."""
    maps, way = activations(3)["map"], draw(3, *activations(1)["map"].shape[1:])
    found = (gradients(objective, {"map": maps})["map"].astype(np.float64) * way).sum()
    wide = maps.astype(np.float64)
    h = 1e-5
    expected = (published(wide + h * way) - published(wide - h * way)) / (2 * h)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def climb(objective: Objective, acts: Acts, rate: float) -> Acts:
    for _ in range(20):
        acts = {**acts, "map": acts["map"] + rate * gradients(objective, acts)["map"]}
    return acts


def alike_at_first() -> Acts:
    acts = activations(3)
    acts["map"] = acts["map"][:1] + 0.1 * acts["map"]
    return acts


def test_diversity_pushes_pictures_apart():
    start = alike_at_first()
    end = climb(diversity("map"), start, 20.0)
    assert (score(diversity("map"), end) > score(diversity("map"), start) + 0.1).all()
    assert score(alignment("map"), end).sum() < score(alignment("map"), start).sum()


def test_alignment_pulls_pictures_together():
    start = activations(3)
    end = climb(alignment("map"), start, 50.0)
    assert score(alignment("map"), end).sum() > 0.5 * score(alignment("map"), start).sum()
    assert score(diversity("map"), end).sum() < score(diversity("map"), start).sum()
