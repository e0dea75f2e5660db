"""Read movies frame by frame: video files through ffmpeg, animations (gif, webp, png) through Pillow."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fvcli.errors import FvcliError, UsageError
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.open_files import MAX_PIXELS, odd_metadata, open_picture
from fvcli.media.read_files import is_turned, upright_rgb

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"}
# Stop at the first error; only containers that do not refer to other files, or to the network.
INPUT = (
    f"-v error -nostdin -xerror -max_pixels {MAX_PIXELS} -protocol_whitelist file"
    " -format_whitelist mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts"
)
# Each frame once, with its own time, which ffmpeg would else round to the mean rate of frames.
OUTPUT = "-map 0:v:0 -fps_mode passthrough -enc_time_base 1/90000 -pix_fmt rgb24 -c:v rawvideo"
ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}  # other formats keep pages or previews, not frames
UNTIMED_FPS = 10.0  # what browsers show animations at that name no time
NO_TIME = -(2**63)  # ffmpeg's time of a frame that has none


class MovieFacts(NamedTuple):
    """Size and pace; a picture that does not move is one frame at 0 a second."""

    frames: int
    fps: float
    height_px: int
    width_px: int


class FrameTimes(NamedTuple):
    """When the frames of a movie are shown.

    seconds: Of each frame, from the first on; never less than of the one before.
    remark: Why these are no times of the file, in a sentence; empty if they are.
    """

    seconds: tuple[float, ...]
    remark: str = ""


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """Yield a movie's frames as uint8 [h, w, 3], read-only, one at a time in memory.

    Raises:
        FvcliError: The file is no movie or damaged (then after the last good frame), or ffmpeg is missing.
    """
    return _video_frames(path) if is_video(path) else _animation_frames(path)


def movie_facts(path: Path) -> MovieFacts:
    """Return number of frames, frames a second, height and width. The whole file is decoded for it.

    A frame that is shown for longer counts once; frames a second are the mean over the movie.

    Raises:
        FvcliError: The file is no movie or damaged, or ffmpeg is missing.
    """
    return timed_facts(path)[0]


def timed_facts(path: Path) -> tuple[MovieFacts, FrameTimes]:
    """Return what ``movie_facts`` does, and when each frame is shown.

    Where a file has no times that can be believed, frames are taken as evenly apart, and a remark says so.

    Raises:
        FvcliError: The file is no movie or damaged, or ffmpeg is missing.
    """
    facts, shown = _video_facts(path) if is_video(path) else _animation_facts(path)
    if facts.frames == 1:
        return facts, FrameTimes((0.0,))
    if shown[-1] > shown[0] and all(a <= b for a, b in pairwise(shown)):
        return facts, FrameTimes(tuple(float(time - shown[0]) for time in shown))
    remark = f"{path}: its frames have no times in order; they are taken as shown {UNTIMED_FPS:g} a second"
    evenly = tuple(number / UNTIMED_FPS for number in range(facts.frames))
    return facts._replace(fps=UNTIMED_FPS), FrameTimes(evenly, remark)


def is_video(path: Path) -> bool:
    """Tell by its name whether a file is one for ffmpeg."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def _animation_frames(path: Path) -> Iterator[np.ndarray]:
    with open_picture(path) as image:
        for index in range(_frame_count(image)):
            yield _frame(image, index)


def _animation_facts(path: Path) -> tuple[MovieFacts, list[Fraction]]:
    with open_picture(path) as image:
        height, width = (image.width, image.height) if is_turned(image) else (image.height, image.width)
        count = _frame_count(image)
        if count == 1:
            _check_whole(image)
            return MovieFacts(1, 0.0, height, width), [Fraction(0)]
        durations_ms = [_frame_ms(image, index) for index in range(count)]
    total_ms = sum(durations_ms)
    facts = MovieFacts(count, count * 1000 / total_ms if total_ms else UNTIMED_FPS, height, width)
    return facts, [Fraction(ms) / 1000 for ms in accumulate(durations_ms[:-1], initial=0.0)]


@odd_metadata()
def _frame(image: Image.Image, index: int) -> np.ndarray:
    image.seek(index)
    return (upright_rgb(image) * 255).round().astype(np.uint8)


@odd_metadata()
def _frame_count(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1)) if image.format in ANIMATED else 1


@odd_metadata()
def _frame_ms(image: Image.Image, index: int) -> float:
    image.seek(index)
    image.load()  # some formats know a frame's time only then
    return float(image.info.get("duration", 0))


@odd_metadata()
def _check_whole(image: Image.Image) -> None:
    """Decode a picture, so that a damaged one is found; a JPEG at an eighth of its size, which is fast."""
    image.draft(image.mode, (1, 1))
    image.load()


def _video_facts(path: Path) -> tuple[MovieFacts, list[Fraction]]:
    """Let ffmpeg decode a video and read its account: a head, then a line a frame with its time."""
    head, lines = _account(path)
    times = [int(line.split(",")[2]) for line in lines]
    width, height = map(int, head["dimensions"].split("x"))
    if NO_TIME in times:
        times = [0] * len(times)
    base = Fraction(head["tb"])
    span_s = (max(times) - min(times)) * base
    fps = float((len(times) - 1) / span_s) if span_s else 0.0
    return MovieFacts(len(times), fps, height, width), [time * base for time in times]


def _account(path: Path, *options: str) -> tuple[dict[str, str], list[str]]:
    command = _command(path, *options, "-f", "framecrc", "-")
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    head, lines = {}, []
    for line in done.stdout.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(": ")
            head[key.removesuffix(" 0")] = value  # of the only stream
        else:
            lines.append(line)
    if done.returncode or not lines:
        raise _unreadable(path)
    return head, lines


def _video_frames(path: Path) -> Iterator[np.ndarray]:
    head, _ = _account(path, "-frames:v", "1")
    width, height = map(int, head["dimensions"].split("x"))
    command = _command(path, "-f", "rawvideo", "-")
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the caller to handle
    ) as process:
        assert process.stdout is not None  # for mypy
        try:
            while len(frame := process.stdout.read(height * width * 3)) == height * width * 3:
                yield np.frombuffer(frame, np.uint8).reshape(height, width, 3)
            failed = process.wait()
        finally:
            process.kill()  # if the caller has seen enough
    if failed:
        raise _unreadable(path)


def _command(path: Path, *options: str) -> list[str]:
    """Return a command that decodes a video, upright."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    program = ffmpeg("reading video")
    return [program, *INPUT.split(), "-i", f"file:{path}", *OUTPUT.split(), *options]


def _unreadable(path: Path) -> FvcliError:
    return UsageError(
        f"{path}: not a readable video",
        f"it is damaged, something else, or larger than {MAX_PIXELS // 1_000_000} million pixels",
    )
