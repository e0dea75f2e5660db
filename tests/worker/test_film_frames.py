"""Which frames a film has, and with which it ends."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.worker.film_frames import Film, morph_frames, opacity_of


def settings_of(**render: object) -> Settings:
    return resolved("lucid", Render.model_validate(render), (64, 64)).settings()


def test_films_end_when_their_picture_does() -> None:
    film = Film(settings_of(save_at=[0, 4], animation={"every": 2}), 6)
    for step in (0, 2, 4):
        film.keep(step, np.full((2, 1, 1, 3), step / 255))
    film.finish(np.full((2, 1, 1, 3), 9 / 255), np.full((2, 1, 1, 3), 9, np.uint8))
    shown = [[int(frame[0, 0, 0]) for frame in frames] for frames in film.frames([3, 5])]
    assert shown == [[0, 2, 9], [0, 2, 4, 9]]
    at_frames = [[int(frame[0, 0, 0]) for frame in frames] for frames in film.frames([4, 6])]
    assert at_frames == [[0, 2, 9], [0, 2, 4, 9]]  # the end takes the place of a frame of that step
    assert [int(picture[0, 0, 0]) for picture in film.saved_of(0).values()] == [0, 4]


def test_frames_are_in_the_order_of_their_steps() -> None:
    film = Film(settings_of(animation={"every": 100}), 1000)
    for step in range(0, 1001, 100):
        film.keep(step, np.full((1, 1, 1, 3), step / 10 / 255))
    film.finish(np.full((1, 1, 1, 3), 100 / 255), np.zeros((1, 1, 1, 3), np.uint8))
    assert [int(frame[0, 0, 0]) for frame in film.frames([1000])[0]] == list(range(0, 101, 10))


def test_a_step_belongs_to_a_film_or_is_a_picture_of_its_own() -> None:
    film = Film(settings_of(save_at=[3], animation={"every": 4}), 10)
    assert [step for step in range(11) if film.wants(step)] == [0, 3, 4, 8, 10]
    assert [step for step in range(11) if film.saves(step)] == [3]
    assert [film.until_next(step) for step in (0, 2, 3, 4, 8, 9)] == [3, 1, 1, 4, 2, 1]
    assert film.until_next(10) > 10**6
    small, large = np.full((1, 1, 1, 3), 7 / 255), np.full((1, 2, 2, 3), 8 / 255)
    for step in range(11):
        film.keep(step, small, large)
    film.finish(small, np.full((1, 2, 2, 3), 9, np.uint8))
    ((step, picture),) = film.saved_of(0).items()
    assert (step, picture.shape, int(picture[0, 0, 0])) == (3, (2, 2, 3), 8)
    (frames,) = film.frames([10])
    assert [frame.shape for frame in frames] == [(1, 1, 3)] * 4


def test_a_picture_after_a_step_that_was_left_out_is_the_last_one() -> None:
    film = Film(settings_of(save_at=[2, 8]), 10)
    film.keep(2, np.full((1, 1, 1, 3), 2 / 255))
    film.finish(np.full((1, 1, 1, 3), 5 / 255), np.full((1, 1, 1, 3), 6, np.uint8))
    assert {step: int(picture[0, 0, 0]) for step, picture in film.saved_of(0).items()} == {2: 2, 8: 6}
    assert film.frames([4]) == []


def test_a_morph_goes_through_the_pictures_of_each_group_and_back() -> None:
    """Slow at each picture: half way of a way in eight parts is 0.5, a quarter of it 0.146."""
    greys = tf.reshape(tf.constant([0.0, 0.4, 0.8, 0.2, 0.2, 0.0]), (6, 1))
    settled_at = []

    def settled(params: tuple[tf.Tensor, ...], share: float) -> tuple[tf.Tensor, ...]:
        settled_at.append(share)
        return params

    numbers = SimpleNamespace(settled=settled, mix=lambda a, b, share: ((1 - share) * a[0] + share * b[0],))

    def picture(params: tuple[tf.Tensor, ...]) -> tf.Tensor:
        return tf.reshape(params[0], (1, 1, 1, 1))

    films = morph_frames(picture, numbers, (greys,), members=3, count=8)
    assert [len(film) for film in films] == [8, 0, 0, 8, 0, 0]
    assert settled_at == [0.0, 0.5, 1.0] * 2
    first, second = ([int(frame[0, 0, 0]) for frame in films[i]] for i in (0, 3))
    assert first == [0, 51, 102, 153, 204, 153, 102, 51]  # 0, half way, 0.4, half way, 0.8, and back
    assert second == [51, 51, 51, 26, 0, 26, 51, 51]
    quarter = morph_frames(picture, numbers, (greys[1:3],), members=2, count=8)[0][1]
    assert int(quarter[0, 0, 0]) == 117  # 0.4 + 0.4 * 0.146


def test_opacity_is_whole_from_the_80th_percentile_on() -> None:
    attention = np.array([[[0.0, 1.0, 2.0], [3.0, 4.0, 80.0]], [[0.0] * 3] * 2], np.float32)
    opacity = opacity_of(attention)
    assert (opacity.shape, opacity.dtype) == ((2, 2, 3, 1), np.uint8)
    assert opacity[0, ..., 0].tolist() == [[0, 64, 128], [191, 255, 255]]
    assert opacity[1].max() == 0


def test_a_picture_that_is_looked_at_in_one_corner_alone_does_not_vanish() -> None:
    attention = np.zeros((1, 2, 8), np.float32)
    attention[0, 0, :2] = 8.0, 2.0
    assert opacity_of(attention)[0, ..., 0].tolist() == [[255, 64, 0, 0, 0, 0, 0, 0], [0] * 8]


def test_what_is_no_number_is_black_in_a_film() -> None:
    film = Film(settings_of(save_at=[1], animation={"every": 1}), 2)
    half = np.full((1, 1, 2, 3), 0.5)
    half[..., 1, :] = np.nan
    film.keep(0, half)
    film.keep(1, half, half)
    assert film.saved_of(0)[1][0, :, 0].tolist() == [128, 0]
    film.finish(half[..., :1, :], np.zeros((1, 1, 1, 3), np.uint8))
    assert film.frames([2])[0][0][0, :, 0].tolist() == [128, 0]


def test_a_film_between_numbers_keeps_nothing_of_the_ascent() -> None:
    film = Film(settings_of(save_at=[3], animation={"of": "numbers", "every": 1, "frames": 9}), 6)
    assert (film.is_morph, film.count, film.steps) == (True, 9, 6)
    assert [step for step in range(7) if film.wants(step)] == [3]
    film.keep(3, np.zeros((1, 1, 1, 3)))
    film.finish(np.zeros((1, 1, 1, 3)), np.zeros((1, 1, 1, 3), np.uint8))
    assert film.frames([6]) == []
    assert not Film(settings_of(animation={"every": 1}), 6).is_morph
    assert Film(settings_of(), 6).count == 0


def test_opacity_has_a_percentile_of_its_own_for_each_picture() -> None:
    one = np.arange(6, dtype=np.float32).reshape(2, 3)
    opacity = opacity_of(np.stack([one, 100 * one]))
    assert opacity[0, ..., 0].tolist() == [[0, 64, 128], [191, 255, 255]]
    np.testing.assert_array_equal(opacity[0], opacity[1])


def test_an_even_morph_has_equal_steps_there_and_back() -> None:
    """Greys 0, 0.2 and 0.8: a film of eight frames has steps of 0.2, whichever way of its two it is on."""
    greys = tf.reshape(tf.constant([0.0, 0.2, 0.8]), (3, 1))
    numbers = SimpleNamespace(settled=None, mix=lambda a, b, share: ((1 - share) * a[0] + share * b[0],))

    def picture(params: tuple[tf.Tensor, ...]) -> tf.Tensor:
        return tf.reshape(params[0], (1, 1, 1, 1))

    def shown(count: int) -> list[int]:
        return [int(frame[0, 0, 0]) for frame in morph_frames(picture, numbers, (greys,), 3, count, True)[0]]

    assert shown(8) == pytest.approx([0, 51, 102, 153, 204, 153, 102, 51], abs=1)
    assert shown(5) == pytest.approx([0, 68, 136, 204, 102], abs=1)
    assert shown(2) == [0, 204]


def test_a_film_of_an_older_plan_is_eased() -> None:
    assert settings_of(animation={"of": "numbers"}).pace == "even"
    assert settings_of(animation={"of": "numbers", "pace": "eased"}).pace == "eased"
    asked = settings_of(animation={"of": "numbers"})
    written = asked.model_dump(mode="json")
    assert written["animation"].pop("pace") == "even"
    assert Settings.model_validate(written).pace == "eased"
    with pytest.raises(ValueError, match="pace is that of a morph"):
        settings_of(animation={"pace": "even"})
    with pytest.raises(ValueError, match="a gif has no quality"):
        settings_of(animation={"format": "gif", "quality": 5})
