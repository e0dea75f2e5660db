"""The program that reads and writes video. It comes with an optional package."""

from __future__ import annotations

import importlib

from fvcli.errors import FvcliError


def ffmpeg(doing: str) -> str:
    """Return the path of the ffmpeg that the package imageio-ffmpeg brings.

    Args:
        doing: What needs it, for the message: "writing mp4".

    Raises:
        FvcliError: The package is not installed, or has no program for this machine.
    """
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except ImportError as error:
        raise FvcliError(f"{doing} needs imageio-ffmpeg", "pip install 'fvcli[video]'") from error
    except RuntimeError as error:  # its word for a machine that it has no program for
        raise FvcliError(f"{doing} needs ffmpeg, and imageio-ffmpeg finds none here") from error
