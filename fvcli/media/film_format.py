"""In which format a film is written on this machine."""

from __future__ import annotations

from fvcli.errors import FvcliError
from fvcli.media.ffmpeg import ffmpeg
from fvcli.spec.output import FilmFormat, Output


def written_format(asked: FilmFormat, output: Output) -> FilmFormat:
    """Return the format that a film is written in: what is asked for, unless ffmpeg is missing for mp4.

    Then webp is taken, or gif where a copy of the picture has the name that the webp would have.
    """
    if asked != "mp4":
        return asked
    try:
        ffmpeg("writing mp4")
    except FvcliError:
        return "gif" if "webp" in output.also else "webp"
    return asked
