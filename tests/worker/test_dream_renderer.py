"""Dreams on a network that reads colours: with what they begin, what they keep, what they score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fvcli.media.movie_writer import encode_movie
from fvcli.optvis.dream import Octave
from fvcli.optvis.streams import stream
from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from fvcli.worker import dream_renderer
from fvcli.worker.dream_renderer import planned_octaves
from tests.helpers.picture_files import noise, save
from tests.helpers.red_and_blue import (
    BLUE,
    HEIGHT,
    NOTHING,
    RED,
    WIDTH,
    Make,
    channels,
    mean,
    outcomes_of,
    rendered,
    save_network,
)

ONE_SIZE = {"count": 1, "tile_px": 64, "bands": 1, "rates": [0.03, 0.03]}


def dream(*numbers: int, octaves: dict[str, Any] = ONE_SIZE, **more: Any) -> dict[str, Any]:
    """A job of dreams, of whose steps each moves a number by 0.03 on average: one colour of three by 0.09."""
    return channels(*numbers, recipe="deepdream", **({"steps": 2, "size_px": [HEIGHT, WIDTH]} | more)) | {
        "octaves": octaves
    }


# ---- dreams of pictures


def test_dreams_are_made_one_after_the_other(renderer: Make, photo: str) -> None:
    job = dream(RED, NOTHING, pictures=photo, save_at=[0, 1, 2])
    outcomes, shares = rendered(renderer(job), size=2)
    assert outcomes is not None
    red, nothing = outcomes
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert (red.start, red.end) == pytest.approx((0.2, 0.2 + 2 * 0.09), abs=1e-4)
    assert red.saved == pytest.approx(mean(red.pixels, RED), abs=1e-5)
    assert (red.silent, red.finite, red.steps, red.fps, len(red.frames)) == (False, True, 2, None, 0)
    assert (nothing.silent, nothing.start, nothing.end) == (True, 0.0, 0.0)
    assert {step: pixels[0, 0].tolist() for step, pixels in red.after_steps.items()} == {
        0: [51, 0, 102],
        1: [74, 0, 102],
        2: [97, 0, 102],
    }
    np.testing.assert_array_equal(red.after_steps[2], red.pixels)


def test_minimising_dreams_the_other_way(renderer: Make, photo: str) -> None:
    (outcome,) = outcomes_of(renderer(dream(BLUE, pictures=photo, sign="negative")))
    assert (outcome.start, outcome.end) == pytest.approx((-0.4, -0.4 + 2 * 0.09), abs=1e-4)
    assert outcome.saved == pytest.approx(-mean(outcome.pixels, BLUE), abs=1e-5)


def test_a_film_of_a_dream_has_frames_of_the_pictures_size(renderer: Make, photo: str) -> None:
    """Of two octaves the smaller one takes part, too: 100 x 140 at 0.714 is 71 x 100."""
    octaves = {"count": 2, "tile_px": 256, "bands": 1, "rates": [0.03, 0.03]}
    job = dream(RED, octaves=octaves, size_px=[100, 140], pictures=photo, save_at=[1])
    (outcome,) = outcomes_of(renderer(job | {"animation": {"format": "webp", "every": 3}}))
    assert outcome.steps == 4
    assert [frame.shape for frame in outcome.frames] == [(100, 140, 3)] * 3  # after 0, 3 and 4 steps
    assert [float(frame[..., 0].mean()) / 255 for frame in outcome.frames] == pytest.approx(
        [0.2, 0.2 + 3 * 0.09, 0.2 + 4 * 0.09], abs=0.01
    )
    assert outcome.after_steps[1].shape == (100, 140, 3)
    np.testing.assert_array_equal(outcome.frames[-1], outcome.pixels)


def test_detail_that_small_sizes_cannot_show_is_given_back_if_asked_to(
    renderer: Make, tmp_path: Path
) -> None:
    """Of a board of single pixels, nothing is left at half the size."""
    board = np.indices((128, 160)).sum(axis=0) % 2 * 102
    colours = np.repeat(board[..., None], 3, axis=-1).astype(np.uint8)
    picture = str(save(tmp_path / "board.png", colours))
    contrasts = []
    for keep in (True, False):
        octaves = {"count": 2, "scale": 2, "tile_px": 256, "bands": 1, "keep_detail": keep}
        job = dream(RED, octaves=octaves, size_px=[128, 160], steps=1, pictures=picture)
        contrasts.append(outcomes_of(renderer(job))[0].pixels[..., 1].std())
    assert contrasts[0] == pytest.approx(51, abs=2)
    assert contrasts[1] < 10


def test_a_dream_without_a_picture_begins_with_noise_of_its_own(renderer: Make) -> None:
    image = {"kind": "pixel", "std": 0.25}
    job = dream(RED, BLUE, start="noise", parameterization=image, seed=7, save_at=[0])
    made = renderer(job)
    for unit, outcome in zip(made[1].plan.units, outcomes_of(made, size=2), strict=True):
        drawn = stream(7, unit.identity, "start").standard_normal((HEIGHT, WIDTH, 3), dtype=np.float32)
        expected = np.clip(0.5 + 0.25 * drawn, 0, 1)
        assert np.abs(outcome.after_steps[0] - 255 * expected).max() <= 0.51
        channel = unit.terms[0].index
        assert outcome.start == pytest.approx(expected[..., 2 * channel].mean(), abs=1e-5)


def test_a_variant_may_begin_with_noise_although_there_is_a_picture(renderer: Make, photo: str) -> None:
    variants = [{"name": "x"}, {"name": "y", "start": "noise"}]
    made = renderer(dream(RED, pictures=photo, variants=variants, save_at=[0]))
    (first,), (second,) = (outcomes_of(made, program=i) for i in (0, 1))
    assert set(np.unique(first.after_steps[0])) == {0, 51, 102}
    assert abs(second.after_steps[0].mean() - 127.5) < 2


def test_a_dream_that_is_stopped_leaves_nothing(renderer: Make, photo: str) -> None:
    outcomes, shares = rendered(renderer(dream(RED, BLUE, pictures=photo)), stop_at=0.7)
    assert outcomes is None
    assert shares == pytest.approx([0.25, 0.5, 0.75])


def test_a_dream_that_is_no_number_is_told(renderer: Make, tmp_path: Path, photo: str) -> None:
    film = {"format": "webp", "every": 1}
    made = renderer(
        dream(RED, NOTHING, pictures=photo, animation=film),
        model=save_network(tmp_path / "broken.keras", nothing=np.nan),
    )
    red, nothing = outcomes_of(made, size=2)
    assert (red.finite, nothing.finite) == (True, False)
    assert nothing.pixels.max() == 0


# ---- scores


def test_a_picture_of_the_size_of_a_tile_is_scored_as_a_whole(renderer: Make, tmp_path: Path) -> None:
    pixels = noise(64, 48)
    job = dream(RED, size_px=[64, 48], pictures=str(save(tmp_path / "noise.png", pixels)))
    (outcome,) = outcomes_of(renderer(job))
    assert outcome.start == pytest.approx(mean(pixels, RED), abs=1e-5)
    assert outcome.saved == pytest.approx(mean(outcome.pixels, RED), abs=1e-5)


def test_a_larger_picture_has_the_mean_score_of_its_tiles(renderer: Make, tmp_path: Path) -> None:
    """Cores of 32 pixels with a margin of 16, as many as cover the picture at any shift up to 31 pixels."""
    pixels = noise(64, 96)
    job = dream(BLUE, size_px=[64, 96], pictures=str(save(tmp_path / "noise.png", pixels)))
    (outcome,) = outcomes_of(renderer(job))
    blue = np.pad(pixels[..., 2] / 255, ((16, 32 + 16), (16, 32 + 16)), "symmetric")
    tiles = [blue[y : y + 64, x : x + 64].mean() for y in range(0, 96, 32) for x in range(0, 128, 32)]
    assert outcome.start == pytest.approx(np.mean(tiles), abs=1e-5)
    assert np.mean(tiles) != pytest.approx(mean(pixels, BLUE), abs=1e-4)


# ---- octaves


def octaves_of(**octaves: Any) -> tuple[Octave, ...]:
    asked = Render.model_validate({"recipe": "deepdream", "steps": 7, "octaves": octaves})
    return planned_octaves(resolved("deepdream", asked, (64, 64)).settings())


def test_octaves_are_those_of_the_spec() -> None:
    """From small to large, or one by one."""
    assert octaves_of(count=3, scale=2, rates=[0.5, 0.25], bands=4) == tuple(
        Octave(scale, 7, (0.5, 0.25), 4, (0.0, 0.0)) for scale in (0.25, 0.5, 1.0)
    )
    first = {"scale": 0.5, "steps": 3, "rates": [0.1, 0.2], "bands": 2, "blurs_px": [3, 4]}
    assert octaves_of(each=[first, {"scale": 1, "steps": 9}]) == (
        Octave(0.5, 3, (0.1, 0.2), 2, (3.0, 4.0)),
        Octave(1.0, 9, (0.006, 0.006), 1, (0.0, 0.0)),
    )


# ---- dreams of films


@pytest.fixture
def film(tmp_path: Path) -> str:
    """Three frames, of 0.2, 0.4 and 0.6 all over."""
    frames = [np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in (51, 102, 153)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    return str(tmp_path / "film.gif")


class FakeDream:
    """Adds a tenth to every picture; keeps what it was asked."""

    calls: list[SimpleNamespace]

    def __init__(self, _network: Any, _objective: Any, tile_px: int) -> None:
        self.tile_px = tile_px
        self.calls = []

    def run(self, image, arrays, plan, stream, heed, stopped, keep_detail):
        self.calls.append(SimpleNamespace(image=image, plan=plan, drawn=stream.random(), keep=keep_detail))
        return None if stopped() else image + np.float32(0.1)


@pytest.fixture
def dreams_of_film(renderer: Make, film: str, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a renderer of the film whose dreams are fake."""
    monkeypatch.setattr(dream_renderer, "Dream", FakeDream)
    return lambda **octaves: renderer(
        dream(RED, octaves={"count": 1, "tile_px": 64, **octaves}, steps=3, pictures=film)
    )


def test_a_frame_of_a_film_begins_with_a_share_of_the_dream_before(dreams_of_film: Make) -> None:
    """Frames 0.2, 0.4 and 0.6: dreams of 0.2, of a quarter of 0.3 and three of 0.4, and so on."""
    made = dreams_of_film(warm_start=0.25, keep_detail=False)
    outcomes, shares = rendered(made)
    (outcome,) = outcomes or ()
    begun = [float(call.image.mean()) for call in made[0]._dream.calls]
    assert begun == pytest.approx([0.2, 0.375, 0.56875], abs=0.005)
    assert [float(frame.mean()) / 255 for frame in outcome.frames] == pytest.approx(
        [0.3, 0.475, 0.66875], abs=0.005
    )
    assert len({call.drawn for call in made[0]._dream.calls}) == 1
    assert {call.keep for call in made[0]._dream.calls} == {False}
    assert (outcome.steps, outcome.fps, outcome.finite) == (9, pytest.approx(10.0), True)
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    np.testing.assert_array_equal(outcome.pixels, outcome.frames[-1])
    assert outcome.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (outcome.start, outcome.end) == pytest.approx((0.2, 0.66875), abs=0.005)


def test_a_film_that_was_stopped_goes_on_behind_its_last_frame(dreams_of_film: Make) -> None:
    """It has the same frames as one that was not, and the stopped frame is dreamt again."""
    undisturbed = rendered(dreams_of_film())[0]
    made = dreams_of_film()
    outcomes, shares = rendered(made, stop_at=0.6)
    assert outcomes is None
    assert shares == pytest.approx([1 / 3, 2 / 3])
    made[0]._dream.calls.clear()
    again, shares = rendered(made)
    assert len(made[0]._dream.calls) == 1
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert undisturbed is not None
    assert again is not None
    np.testing.assert_array_equal(again[0].frames, undisturbed[0].frames)
    arrays = {"frames": (), "pixels": 0, "exact": None}
    assert replace(again[0], **arrays) == replace(undisturbed[0], **arrays)
    np.testing.assert_array_equal(again[0].exact, undisturbed[0].exact)


def test_frames_are_dreamt_without_regard_to_the_frame_before_if_asked_to(renderer: Make, film: str) -> None:
    """Each becomes redder by 0.09, twice."""
    (outcome,) = outcomes_of(renderer(dream(RED, octaves=ONE_SIZE | {"warm_start": 0}, pictures=film)))
    assert [frame[0, 0].tolist() for frame in outcome.frames] == [
        [97, 51, 51],
        [148, 102, 102],
        [199, 153, 153],
    ]
    assert (outcome.start, outcome.end) == pytest.approx((0.2, 0.6 + 0.18), abs=0.005)
    assert (outcome.silent, outcome.steps, outcome.after_steps) == (False, 6, {})


def test_a_film_of_what_is_no_number_is_told(renderer: Make, film: str, tmp_path: Path) -> None:
    broken = save_network(tmp_path / "broken.keras", nothing=np.nan)
    (outcome,) = outcomes_of(renderer(dream(NOTHING, pictures=film), model=broken))
    assert not outcome.finite
