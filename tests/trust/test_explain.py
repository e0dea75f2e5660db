"""Explanations of made units: what explains them, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from fvcli.trust.explain import JudgedFeatures, _others, explain, explained_by_photos
from fvcli.trust.photo_halves import halves_of

PHOTOS, UNITS, CHANNELS = 400, 12, 24


def judged(seed: int, noise: float = 0.3, count: int = 1) -> tuple[list[JudgedFeatures], np.ndarray]:
    """Return two judges and values [photos, units]: a unit is a direction that photos and its pictures have.

    Args:
        seed: Of everything.
        noise: Of the pictures, each of its own.
        count: How many pictures a unit has.
    """
    stream = np.random.default_rng(seed)
    units = stream.normal(size=(UNITS, CHANNELS))
    photos = stream.normal(size=(PHOTOS, CHANNELS))
    each = np.repeat(units, count, axis=0)
    pictures = 3.0 + each + noise * np.random.default_rng([seed, 7]).normal(size=each.shape)
    other = stream.normal(size=(8, CHANNELS))
    judges = []
    for i in range(2):
        turned = np.linalg.qr(np.random.default_rng([seed, i]).normal(size=(CHANNELS, CHANNELS)))[0]
        judges.append(JudgedFeatures(f"judge {i}", *([x @ turned] for x in (photos, pictures, other))))
    return judges, photos @ units.T


def test_pictures_of_a_unit_explain_it_and_those_of_others_and_noise_do_not() -> None:
    judges, values = judged(0)
    found = explain(judges, np.arange(UNITS), values, halves_of(PHOTOS))
    assert np.mean([one.share for one in found]) > 0.95
    assert 0.45 < np.mean([other for one in found for other in one.others]) < 0.55
    assert 0.4 < np.mean([one.noise for one in found]) < 0.6
    for one in found:
        assert one.interval.low <= one.share <= one.interval.high
        assert one.share == pytest.approx(np.mean(list(one.by_judge.values())))


def test_nine_photos_explain_more_than_one() -> None:
    judges, values = judged(1)
    one, nine = (np.mean(explained_by_photos(judges, values, halves_of(PHOTOS), n)) for n in (1, 9))
    assert 0.6 < one < nine
    assert nine > 0.9
    found = explain(judges, np.arange(UNITS), values, halves_of(PHOTOS))
    assert [unit.photos for unit in found] == explained_by_photos(judges, values, halves_of(PHOTOS), 1)


def test_several_pictures_explain_more_than_one() -> None:
    shares = []
    for count in (1, 6):
        judges, values = judged(2, noise=4.0, count=count)
        found = explain(judges, np.repeat(np.arange(UNITS), count), values, halves_of(PHOTOS))
        assert len(found) == UNITS
        assert [one.photos for one in found] == explained_by_photos(judges, values, halves_of(PHOTOS), count)
        shares.append(np.mean([one.share for one in found]))
    assert shares[0] + 0.05 < shares[1]


def test_a_unit_by_another_recipe_is_no_other_unit() -> None:
    """With two pictures of each unit, by two recipes, others are as far from it as with one."""
    judges, values = judged(3, noise=4.0, count=2)
    twice = np.repeat(np.arange(UNITS), 2)
    found = explain(judges, np.arange(2 * UNITS), values[:, twice], halves_of(PHOTOS), twice)
    others = [other for one in found for other in one.others]
    assert 0.45 < np.mean(others) < 0.55
    wrong = explain(judges, np.arange(2 * UNITS), values[:, twice], halves_of(PHOTOS))
    assert np.mean([one.share for one in found]) > np.mean([one.share for one in wrong])
    assert _others(2, np.array([0, 0, 1, 1, 2, 2])) == [0, 1, 4, 5]


def test_a_unit_that_photos_excite_alike_is_not_explained() -> None:
    judges, values = judged(4)
    values[:, 3] = 0.0
    found = explain(judges, np.arange(UNITS), values, halves_of(PHOTOS))
    assert [one is None for one in found] == [number == 3 for number in range(UNITS)]
    with pytest.raises(ValueError, match="unit 3: all photos excite it alike"):
        explained_by_photos(judges, values, halves_of(PHOTOS), 1)
