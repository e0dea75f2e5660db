"""The weight of ``diversity: {weight: auto}``, on a network that reads colours, and on search alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.errors import UsageError
from fvcli.plan.weight_trials import HALVINGS, HIGHEST, LOWEST
from fvcli.worker.ascent_renderer import AscentRenderer
from fvcli.worker.best_photos import BestPhoto
from fvcli.worker.diversity_weight import found_weights
from tests.helpers.picture_files import save
from tests.helpers.red_and_blue import (
    BLUE,
    HEIGHT,
    PLAIN,
    RED,
    WIDTH,
    Make,
    by_signs,
    channels,
    outcomes_of,
    rendered,
)

HALF = BestPhoto(0.5, "half.png")


# ---- the search


def below(limits: list[float], members: int = 2) -> Any:
    """Return a trial: the last picture of a group has more than 0.5 as long as the weight is small enough."""

    def trial(weights: np.ndarray) -> np.ndarray:
        scores = np.full((len(limits), members), 0.9)
        scores[:, -1] = np.where(weights <= limits, 0.6, 0.4)
        return scores.ravel()

    return trial


def test_each_group_finds_its_own_weight_and_tells_of_its_trials() -> None:
    photos = [HALF, BestPhoto(0.45, "other.png")]
    few, many = found_weights(below([0.5, 50.0]), photos, members=2)
    assert 0.5 / 1.2 < few.weight <= 0.5
    assert 50 / 1.2 < many.weight <= 50
    assert (few.photo, many.photo) == (HALF, photos[1])
    for found in (few, many):
        assert len(found.trials) == HALVINGS
        assert found.weight == max(weight for weight, lowest in found.trials if lowest == 0.6)
        assert all(LOWEST < weight < HIGHEST for weight, _ in found.trials)


@pytest.mark.parametrize("score", [0.5, 0.4, float("nan")])
def test_one_picture_that_does_not_beat_the_photo_is_one_too_many(score: float) -> None:
    (found,) = found_weights(lambda _: np.array([0.9, 0.9, score]), [HALF], members=3)
    assert found.weight == 0.0
    tried = [weight for weight, _ in found.trials]
    assert tried == sorted(tried, reverse=True)


def test_trials_that_are_stopped_find_nothing() -> None:
    assert found_weights(lambda _: None, [HALF], members=2) is None


# ---- best photos


def photos_of(folder: Path, *colours: tuple[int, int]) -> str:
    """Save photos of one colour each, of so much red and so much blue."""
    for i, (red, blue) in enumerate(colours):
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        pixels[..., 0], pixels[..., 2] = red, blue
        save(folder / f"{i}.png", pixels)
    return str(folder)


def diverse(*numbers: int, photos: str, **more: Any) -> dict[str, Any]:
    """A job of groups of three pictures that begin as mid grey, and move by 0.02 at each of 40 steps."""
    diversity = {"count": 3, "weight": "auto", "photos": photos}
    how = {"parameterization": PLAIN | {"std": 0.05}, "optimizer": by_signs(0.02), "redirect_steps": 0}
    return channels(*numbers, diversity=diversity, **({"steps": 40} | how | more))


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """Four photos, which three at a time do not divide: the reddest is the second, the bluest the last."""
    return photos_of(tmp_path / "photos", (51, 102), (153, 0), (102, 51), (0, 140))


@pytest.mark.parametrize(("sign", "best"), [("positive", [1, 3]), ("negative", [3, 1])])
def test_the_best_photo_of_each_unit_is_found(
    renderer: Make, photos: str, sign: str, best: list[int]
) -> None:
    """Minimised, the best is the one with the least of the colour."""
    made, run = renderer(diverse(RED, BLUE, photos=photos, sign=sign))
    looks: list[int] = []
    assert isinstance(made, AscentRenderer)
    assert made._photos is not None
    found = made._photos.of(run.plan.units[::3], lambda: False, lambda: looks.append(1))
    assert found is not None
    assert len(looks) == 2
    assert [photo.name for photo in found] == [f"{i}.png" for i in best]
    expected = [153 / 255, 140 / 255] if sign == "positive" else [0.0, 0.0]
    assert [photo.score for photo in found] == pytest.approx(expected, abs=1e-6)


def test_other_photos_than_were_planned_with_are_refused(renderer: Make, photos: str) -> None:
    made = renderer(diverse(RED, photos=photos))
    save(Path(photos) / "0.png")
    with pytest.raises(UsageError, match=r"photos: SHA-256 is .*, expected"):
        rendered(made, size=3)


# ---- ascents


def test_pictures_beat_the_best_photo_with_the_weight_that_is_found(renderer: Make, photos: str) -> None:
    made, run = renderer(diverse(RED, BLUE, photos=photos))
    outcomes, shares = rendered((made, run), size=6)
    assert outcomes is not None
    for group, photo in ((outcomes[:3], "1.png"), (outcomes[3:], "3.png")):
        found = group[0].diversity
        assert found is not None
        assert all(outcome.diversity == found for outcome in group)
        assert found.photo.name == photo
        passed = [weight for weight, lowest in found.trials if lowest > found.photo.score]
        assert found.weight == max(passed)
        assert len(passed) < len(found.trials) == HALVINGS
        assert all(outcome.saved > found.photo.score for outcome in group)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert made._ascent.traces == 1  # type: ignore[attr-defined]


def test_a_weight_that_is_found_makes_what_it_makes_when_it_is_written(renderer: Make, photos: str) -> None:
    job = diverse(RED, photos=photos)
    found = outcomes_of(renderer(job), size=3)
    assert found[0].diversity is not None
    written = job | {"diversity": {"count": 3, "weight": found[0].diversity.weight}}
    for one, other in zip(found, outcomes_of(renderer(written), size=3), strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
        assert other.diversity is None


def test_groups_side_by_side_make_what_each_makes_alone(renderer: Make, photos: str) -> None:
    together = outcomes_of(renderer(diverse(RED, BLUE, photos=photos)), size=6)
    for number, of_unit in ((RED, together[:3]), (BLUE, together[3:])):
        for one, other in zip(
            outcomes_of(renderer(diverse(number, photos=photos)), size=3), of_unit, strict=True
        ):
            assert one.diversity == other.diversity
            np.testing.assert_array_equal(one.pixels, other.pixels)


def test_where_nothing_beats_the_best_photo_the_weight_is_zero(renderer: Make, tmp_path: Path) -> None:
    """No picture is redder than red."""
    red = photos_of(tmp_path / "red", (255, 0))
    job = diverse(RED, photos=red)
    outcomes = outcomes_of(renderer(job), size=3)
    plain = outcomes_of(renderer(job | {"diversity": {"count": 3, "weight": 0}}), size=3)
    for outcome, other in zip(outcomes, plain, strict=True):
        assert outcome.diversity is not None
        assert (outcome.diversity.weight, outcome.diversity.photo.score) == (0.0, 1.0)
        np.testing.assert_array_equal(outcome.pixels, other.pixels)


def test_trials_can_be_stopped(renderer: Make, photos: str) -> None:
    """Two looks at photos and two calls of the first trial: 32 of 6 x 32 + 40 steps."""
    outcomes, shares = rendered(renderer(diverse(RED, photos=photos)), size=3, stop_at=0.1)
    assert outcomes is None
    assert shares == pytest.approx([0.0, 0.0, 16 / 232, 32 / 232])


def test_the_look_at_photos_can_be_stopped(renderer: Make, photos: str) -> None:
    outcomes, shares = rendered(renderer(diverse(RED, photos=photos)), size=3, stop_at=0.0)
    assert (outcomes, shares) == (None, [0.0])
