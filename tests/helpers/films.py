"""Films whose frames are shown for unlike times, made with ffmpeg."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fvcli.media.ffmpeg import ffmpeg

CODECS = {".webm": ["-c:v", "libvpx-vp9", "-lossless", "1"]}
ELSE = ["-c:v", "libx264", "-qp", "0", "-bf", "0"]


def varied_film(place: Path, frames: Sequence[np.ndarray], times_s: Sequence[float]) -> Path:
    """Write frames uint8 [h, w, 3] that are shown at given times, to a millisecond, and return the place."""
    height, width = frames[0].shape[:2]
    steps = "+".join(f"eq(N,{number})*{round(1000 * time)}" for number, time in enumerate(times_s))
    with tempfile.NamedTemporaryFile(suffix=".rgb") as raw:
        raw.write(b"".join(frame.tobytes() for frame in frames))
        raw.flush()
        source = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{width}x{height}",
            "-r",
            "1000",
            "-i",
            raw.name,
        ]
        times = ["-vf", f"setpts='{steps}'", "-fps_mode", "passthrough", "-enc_time_base", "1/1000"]
        kind = [*CODECS.get(place.suffix, ELSE), "-pix_fmt", "yuv444p"]
        late = ["-copyts"] if times_s[0] else []
        command = [ffmpeg("testing"), "-v", "error", "-y", *source, *times, *kind, *late, str(place)]
        subprocess.run(command, check=True)
    return place
