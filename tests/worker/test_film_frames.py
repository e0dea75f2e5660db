"""Which frames a film has, and with which it ends."""

from __future__ import annotations

import numpy as np

from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import Settings
from fvcli.worker.film_frames import Film


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
