"""When the frames of a film are shown: what the file says, also where its pace varies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.errors import UsageError
from fvcli.media import list_pictures, timed_facts
from fvcli.media import movie_reader as of_movies
from tests.helpers.films import varied_film

DURATIONS_S = [0.04, 0.04, 0.04, 1.5, 0.32, 2.0, 0.1, 0.1]
TIMES_S = [0.0, 0.04, 0.08, 0.12, 1.62, 1.94, 3.94, 4.04]
FACTS = (8, pytest.approx(7 / 4.04), 48, 64)


def frames() -> list[np.ndarray]:
    return [np.full((48, 64, 3), 20 + 25 * i, np.uint8) for i in range(8)]


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.webm", "film.mov"])
def test_a_video_of_varying_pace_has_its_own_times(name: str, tmp_path: Path) -> None:
    film = varied_film(tmp_path / name, frames(), TIMES_S)
    facts, times = timed_facts(film)
    assert facts == FACTS
    assert times.remark == ""
    assert times.seconds == pytest.approx(TIMES_S, abs=0.0011)  # these containers count in milliseconds
    by_mean = [number / facts.fps for number in range(8)]
    assert np.abs(np.subtract(by_mean, TIMES_S)).max() > 1  # what it would be by the mean pace
    pictures = list_pictures(film)
    assert list(pictures.times_s) == list(times.seconds)
    assert [pictures.names[i] for i in (0, 3, 4, 6)] == ["0:00.00", "0:00.12", "0:01.62", "0:03.94"]


def test_a_video_that_begins_late_is_timed_from_its_first_frame(tmp_path: Path) -> None:
    film = varied_film(tmp_path / "film.mkv", frames(), [time + 7 for time in TIMES_S])
    assert timed_facts(film)[1].seconds == pytest.approx(TIMES_S, abs=0.0011)


@pytest.mark.parametrize("format", ["gif", "webp", "png"])
def test_an_animation_of_varying_pace_has_its_own_times(format: str, tmp_path: Path) -> None:  # noqa: A002
    first, *others = map(Image.fromarray, frames())
    durations = [round(1000 * seconds) for seconds in DURATIONS_S]
    film = tmp_path / f"film.{format}"
    first.save(film, save_all=True, append_images=others, duration=durations, loop=0)
    facts, times = timed_facts(film)
    assert (facts.frames, times.remark) == (8, "")
    assert facts.fps == pytest.approx(8 / sum(DURATIONS_S))
    assert times.seconds == pytest.approx(TIMES_S)


def test_frames_without_times_are_taken_as_evenly_apart_and_that_is_said(tmp_path: Path) -> None:
    first, *others = map(Image.fromarray, frames())
    film = tmp_path / "film.webp"
    first.save(film, save_all=True, append_images=others, duration=0, lossless=True)
    pictures = list_pictures(film)
    assert pictures.times_s == pytest.approx([number / 10 for number in range(8)])
    assert pictures.remark == (
        f"{film}: its frames have no times in order; they are taken as shown 10 a second"
    )
    assert pictures.movie is not None
    assert pictures.movie.fps == 10


def test_times_that_go_back_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = varied_film(tmp_path / "film.mp4", frames(), TIMES_S)
    really = of_movies._account

    for wrong in (of_movies.NO_TIME, 0):  # no ffmpeg of today writes such a file on purpose

        def account(path: Path, *options: str, at: int = wrong) -> tuple[dict[str, str], list[str]]:
            head, lines = really(path, *options)
            fields = lines[4].split(",")
            fields[2] = str(at)
            return head, [*lines[:4], ",".join(fields), *lines[5:]]

        monkeypatch.setattr(of_movies, "_account", account)
        facts, times = timed_facts(film)
        assert times.seconds == pytest.approx([number / 10 for number in range(8)])
        assert facts.fps == 10
        assert "no times in order" in times.remark


def test_one_picture_is_no_film(tmp_path: Path) -> None:
    Image.fromarray(frames()[0]).save(tmp_path / "one.png")
    assert timed_facts(tmp_path / "one.png")[1].seconds == (0.0,)
    with pytest.raises(UsageError, match="one picture"):
        list_pictures(tmp_path / "one.png")


def test_what_ffmpeg_itself_says_of_times_is_the_same(tmp_path: Path) -> None:
    film = varied_film(tmp_path / "film.mp4", frames(), TIMES_S)
    from fvcli.media.ffmpeg import ffmpeg

    command = [ffmpeg("testing"), "-v", "info", "-i", str(film), "-vf", "showinfo", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    times = [float(word.removeprefix("pts_time:")) for word in said.split() if word.startswith("pts_time:")]
    assert timed_facts(film)[1].seconds == pytest.approx(times[:8], abs=2e-5)
