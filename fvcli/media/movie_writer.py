"""Write frames as a movie: equal frames give equal bytes, and nothing tells when or where."""

from __future__ import annotations

import io
import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from fvcli.errors import FvcliError, os_error_said
from fvcli.media.ffmpeg import ffmpeg
from fvcli.spec.output import FilmFormat

WEBP: dict[str, object] = {"lossless": True, "method": 2, "quality": 20}  # more effort saves 1 %, and is slow
GIF_TICK_MS = 10  # the format counts in them
GIF_LEAST_MS = 20  # browsers show shorter frames much longer
# H.264 that every player knows. One thread, because their number would change bytes.
H264 = (
    "-an -c:v libx264 -preset medium -threads 1 -pix_fmt yuv420p"
    " -vf scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
    " -colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1 -color_range tv"
    " -map_metadata -1 -fflags +bitexact -flags:v +bitexact -movflags +faststart"
)


CRF = 16  # where no quality is asked for: hardly to be told from lossless
WORST_CRF = 51
CRF_A_STEP = 0.39  # of quality, so that 90 is CRF


def encode_movie(
    frames: Iterable[np.ndarray],
    format: FilmFormat,  # noqa: A002
    fps: float,
    quality: int | None = None,
) -> bytes:
    """Return a movie file that plays frames, uint8 [h, w, 3], one after the other.

    mp4 is H.264, close to lossless but for its colours at half the resolution; odd sides grow by a pixel,
    and frames are taken one by one. gif (256 colours a frame, at most 50 frames a second) and webp (exact)
    play in a loop; they need all frames in memory, and show equal frames in a row as one for longer.
    quality is that of mp4 and webp, 1 to 100; without it webp is exact.

    Raises:
        FvcliError: There is no frame, one has another size, ffmpeg is missing (mp4) or fails, or a disk is
            full.
    """
    try:
        return ENCODERS[format](_checked(frames), fps, quality)
    except OSError as error:  # such as of a full disk below the temporary folder
        raise FvcliError(f"the movie cannot be written: {os_error_said(error)}") from error


def resized(frames: Iterable[np.ndarray], longer_px: int) -> Iterator[np.ndarray]:
    """Yield frames, uint8 [h, w, 3], in a size whose longer side is given, in their proportions."""
    for frame in frames:
        height, width = frame.shape[:2]
        share = longer_px / max(height, width)
        size = max(1, round(width * share)), max(1, round(height * share))
        yield np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def _checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the frames; refuse none at all, and frames that differ in size."""
    first = None
    for frame in frames:
        first = frame if first is None else first
        if frame.shape != first.shape:
            raise FvcliError(f"a frame is {frame.shape} in size, the first one {first.shape}")
        yield frame
    if first is None:
        raise FvcliError("a movie needs at least one frame")


def _encode_mp4(frames: Iterator[np.ndarray], fps: float, quality: int | None) -> bytes:
    program = ffmpeg("writing mp4")
    first = next(frames)
    height, width = _evened(first).shape[:2]
    raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {Fraction(fps).limit_denominator(10**6)} -i -"
    with tempfile.TemporaryDirectory(prefix="fvcli-") as folder:
        path = Path(folder, "movie.mp4")
        command = [program, "-v", "error", *raw.split(), *H264.split(), "-crf", str(_crf(quality)), str(path)]
        _feed(command, map(_evened, itertools.chain([first], frames)))
        return path.read_bytes()


def _crf(quality: int | None) -> int:
    """Return x264's constant rate factor, 0 (lossless) to 51, for a quality of 1 to 100."""
    return CRF if quality is None else round(WORST_CRF - CRF_A_STEP * quality)


def _feed(command: list[str], frames: Iterable[np.ndarray]) -> None:
    """Run a command that takes the frames' bytes, and say why if it fails."""
    with tempfile.TemporaryFile() as log, _started(command, log) as process:
        assert process.stdin is not None  # for mypy
        try:
            for frame in frames:
                if not _sent(frame, process.stdin):
                    break  # it has failed, and its log says why
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
        if process.wait():
            log.seek(0)
            said = log.read().decode(errors="replace").splitlines() or ["no reason given"]
            raise FvcliError(f"ffmpeg cannot write the movie: {said[-1]}")


def _started(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    # in a session of its own, so that Ctrl-C reaches it through us alone
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
    )


def _sent(frame: np.ndarray, stream: IO[bytes]) -> bool:
    try:
        stream.write(frame.tobytes())
    except BrokenPipeError:
        return False
    return True


def _evened(frame: np.ndarray) -> np.ndarray:
    """Repeat the last row and column where a side is odd: colours are stored for two by two pixels."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _encode_gif(frames: Iterator[np.ndarray], fps: float, _quality: int | None) -> bytes:
    pictures = [Image.fromarray(frame).quantize(256) for frame in frames]
    times = _durations_ms(len(pictures), min(fps, 1000 / GIF_LEAST_MS), GIF_TICK_MS)
    return _animation(pictures, "GIF", times, {})


def _encode_webp(frames: Iterator[np.ndarray], fps: float, quality: int | None) -> bytes:
    pictures = [Image.fromarray(frame) for frame in frames]
    times = _durations_ms(len(pictures), fps, 1)
    how = WEBP if quality is None else {**WEBP, "lossless": False, "quality": quality}
    return _animation(pictures, "WEBP", times, how)


def _animation(pictures: list[Image.Image], kind: str, times: list[int], options: dict[str, object]) -> bytes:
    file = io.BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=times, loop=0, **options)
    return file.getvalue()


def _durations_ms(count: int, fps: float, tick_ms: int) -> list[int]:
    """Return how long each frame is shown, in whole ticks that do not drift."""
    ends = [round(i * 1000 / fps / tick_ms) * tick_ms for i in range(count + 1)]
    return [end - begin for begin, end in itertools.pairwise(ends)]


ENCODERS: dict[FilmFormat, Callable[[Iterator[np.ndarray], float, int | None], bytes]] = {
    "mp4": _encode_mp4,
    "gif": _encode_gif,
    "webp": _encode_webp,
}
