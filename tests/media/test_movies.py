"""Movies: what is written can be read again, and equal frames give equal bytes."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from fvcli.errors import FvcliError
from fvcli.media import movie_facts, read_frames
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.movie_writer import ENCODERS, encode_movie, resized
from fvcli.spec.output import FilmFormat

FORMATS = get_args(FilmFormat)


def frames(count: int = 6, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Colours that change from place to place and from frame to frame, smoothly."""
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    made = []
    for t in np.linspace(0, 1, count):
        planes = [40 + 160 * (x * (1 - t) + y * t), 220 - 180 * t + 0 * x, 30 + 150 * y]
        made.append(np.stack(planes, -1).astype(np.uint8))
    return made


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(format: str, shown: list[np.ndarray], fps: float = 25) -> Path:  # noqa: A002
        path = tmp_path / f"movie.{format}"
        path.write_bytes(encode_movie(shown, format, fps))  # type: ignore[arg-type]
        return path

    return write


def test_every_format_of_a_spec_has_an_encoder() -> None:
    assert set(ENCODERS) == set(FORMATS)


@pytest.mark.parametrize(("format", "tolerance"), [("mp4", 5), ("gif", 5), ("webp", 0)])
def test_frames_come_back(format: str, tolerance: float, written: Callable[..., Path]) -> None:  # noqa: A002
    shown = frames()
    path = written(format, shown)
    assert movie_facts(path) == (6, 25, 48, 64)
    seen = list(read_frames(path))
    assert [(frame.shape, frame.dtype) for frame in seen] == [((48, 64, 3), np.uint8)] * 6
    assert np.abs(np.subtract(seen, shown, dtype=int)).mean() <= tolerance


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (10, 128, 240)])
@pytest.mark.parametrize("format", FORMATS)
def test_colours_are_right(format: str, colour: tuple[int, ...], written: Callable[..., Path]) -> None:  # noqa: A002
    (seen,) = read_frames(written(format, [np.full((32, 32, 3), colour, np.uint8)]))
    assert np.abs(seen.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("format", ["mp4", "webp"])
def test_less_quality_takes_less_room(format: FilmFormat) -> None:  # noqa: A002
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    sizes = [len(encode_movie(noise, format, 10, quality)) for quality in (10, 50, 90)]
    assert sizes == sorted(sizes)
    assert 2 * sizes[0] < sizes[2]
    if format == "mp4":
        assert encode_movie(noise, format, 10, 90) == encode_movie(noise, format, 10)


def test_frames_in_another_size_keep_their_proportions() -> None:
    shown = list(resized(frames(2), 32))
    assert [frame.shape for frame in shown] == [(24, 32, 3)] * 2
    assert np.abs(shown[0].astype(int) - frames(2)[0][::2, ::2]).mean() < 4
    assert next(resized(frames(1, 64, 16), 128)).shape == (128, 32, 3)


@pytest.mark.parametrize("fps", [1, 12.5, 24000 / 1001, 30, 50])
@pytest.mark.parametrize("format", FORMATS)
def test_the_pace_is_kept(format: str, fps: float, written: Callable[..., Path]) -> None:  # noqa: A002
    assert movie_facts(written(format, frames(30, 16, 16), fps)).fps == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 48), (48, 33), (15, 17)])
def test_odd_sides_grow_only_in_mp4(height: int, width: int, written: Callable[..., Path]) -> None:
    shown = frames(3, height, width)
    assert movie_facts(written("webp", shown))[2:] == (height, width)
    seen = next(read_frames(written("mp4", shown)))
    assert seen.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(seen[:height, :width].astype(int) - shown[0]).mean() < 12
    assert np.abs(seen[-1].astype(int) - seen[height - 1]).max() < 12  # no black border


@pytest.mark.parametrize("format", FORMATS)
def test_equal_frames_give_equal_bytes(format: str) -> None:  # noqa: A002
    first, second = (encode_movie(iter(frames()), format, 25) for _ in range(2))  # type: ignore[arg-type]
    assert first == second


def test_mp4_is_what_players_know() -> None:
    content = encode_movie(frames(), "mp4", 25)
    assert content[4:8] == b"ftyp"
    assert content.index(b"moov") < content.index(b"mdat")  # it starts before it is there as a whole
    assert b"avc1" in content


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_animations_loop(format: str, written: Callable[..., Path]) -> None:  # noqa: A002
    content = written(format, frames()).read_bytes()
    if format == "gif":
        assert content[content.index(b"NETSCAPE2.0") + 13 :][:2] == b"\0\0"
    else:
        assert content[content.index(b"ANIM") + 12 :][:2] == b"\0\0"


@pytest.mark.parametrize(("format", "count"), [("mp4", 5), ("gif", 2), ("webp", 2)])
def test_still_frames_keep_their_time(format: str, count: int, written: Callable[..., Path]) -> None:  # noqa: A002
    still, other = frames(2)
    facts = movie_facts(written(format, [still] * 4 + [other], 10))
    assert facts.frames == count
    assert count / facts.fps == pytest.approx(0.5)


@pytest.mark.parametrize("format", FORMATS)
def test_no_frames_and_frames_that_differ_in_size_are_refused(format: str) -> None:  # noqa: A002
    with pytest.raises(FvcliError, match="at least one frame"):
        encode_movie([], format, 25)  # type: ignore[arg-type]
    with pytest.raises(FvcliError, match=r"the first one \(48, 64, 3\)"):
        encode_movie([*frames(), *frames(1, 20, 20)], format, 25)  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [2, 64])  # less and more than a pipe's buffer
def test_a_renderer_that_fails_leaves_no_process(side: int) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from frames(6, side, side)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_movie(broken(), "mp4", 25)
    gc.collect()  # an unclosed process would warn, and a warning is an error


@pytest.mark.parametrize("side", [2, 64])
def test_what_ffmpeg_refuses_is_said_in_one_line(side: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FvcliError, match="ffmpeg cannot write the movie: ") as caught:
        encode_movie(frames(400, side, side), "mp4", 0)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def damage(content: bytes, how: str) -> bytes:
    if how == "text":
        return b"this is no movie at all\n" * 40
    if how == "empty":
        return b""
    if how == "short":
        return content[: len(content) * 2 // 3]
    middle = len(content) // 2
    return (
        content[:middle] + bytes(b ^ 0x5A for b in content[middle : middle + 400]) + content[middle + 400 :]
    )


@pytest.mark.parametrize("how", ["text", "empty", "short", "scrambled"])
@pytest.mark.parametrize("read", [movie_facts, lambda path: list(read_frames(path))])
def test_damaged_files_are_refused_quietly(
    how: str, read: Callable[[Path], Any], written: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    path = written("mp4", frames(40))
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(FvcliError, match=f"{path}: not a readable video") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", ["text", "empty", "short"])
@pytest.mark.parametrize("format", ["gif", "webp"])
def test_damaged_animations_are_refused(how: str, format: str, written: Callable[..., Path]) -> None:  # noqa: A002
    path = written(format, frames(40))
    path.write_bytes(damage(path.read_bytes(), how))
    with pytest.raises(FvcliError, match=str(path)) as caught:
        list(read_frames(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("no.mp4", "no.gif"):
        with pytest.raises(FvcliError, match=r"no\....: No such file|no\....: no such file"):
            movie_facts(tmp_path / name)


def test_names_that_look_like_options_or_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mp4", "http:%2d.mp4", "a b'c.mp4"):
        Path(name).write_bytes(encode_movie(frames(), "mp4", 25))
        assert movie_facts(Path(name)).frames == 6


def test_playlists_cannot_name_other_files(written: Callable[..., Path], tmp_path: Path) -> None:
    other = written("mp4", frames())
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {other.name}\n")
    with pytest.raises(FvcliError, match="not a readable video"):
        movie_facts(playlist)


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "mpeg4"), ("mkv", "libx264"), ("webm", "libvpx-vp9")])
def test_other_videos(suffix: str, codec: str, tmp_path: Path) -> None:
    path = tmp_path / f"other.{suffix}"
    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1"]
    subprocess.run([ffmpeg("testing"), "-v", "error", *source, "-c:v", codec, str(path)], check=True)
    facts = movie_facts(path)
    assert facts == (25, pytest.approx(25), 48, 64)
    assert len(list(read_frames(path))) == 25


def test_reading_may_stop_early(written: Callable[..., Path]) -> None:
    reader = read_frames(written("mp4", frames(200)))
    next(reader)
    del reader
    gc.collect()


def test_frames_are_taken_one_by_one(written: Callable[..., Path]) -> None:
    alive: list[int] = []

    def counted() -> Iterator[np.ndarray]:
        for i in range(50):
            alive.append(i)
            yield np.full((16, 16, 3), 5 * i, np.uint8)

    encode_movie(counted(), "mp4", 25)
    assert alive == list(range(50))


@pytest.mark.parametrize(
    ("call", "doing"),
    [
        (lambda path: encode_movie(frames(), "mp4", 25), "writing mp4"),
        (movie_facts, "reading video"),
        (lambda path: list(read_frames(path)), "reading video"),
    ],
)
def test_without_the_package_the_hint_is_how_to_get_it(
    call: Callable[[Path], Any], doing: str, written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("mp4", frames())
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FvcliError, match=f"{doing} needs imageio-ffmpeg") as caught:
        call(path)
    assert caught.value.hint == "pip install 'fvcli[video]'"
    encode_movie(frames(), "gif", 25)
