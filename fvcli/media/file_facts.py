"""What a plan keeps of the pictures and arrays that a spec names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class PictureFacts:
    """A picture or a movie; height and width are those of the upright picture.

    called: Its file name as a spec has it, where that is not the one in its path.
    is_transparent: Whether something is seen through it; that is laid on mid grey.
    """

    name: str  # fit for a file name
    path: str
    sha256: str
    height_px: int
    width_px: int
    frames: int = 1
    fps: float = 0.0  # 0 for a picture that does not move
    called: str = ""
    is_transparent: bool = False


@dataclass(frozen=True)
class ArrayFacts:
    """Numbers in a .npy file; called is as of pictures."""

    name: str  # fit for a file name
    path: str
    sha256: str
    shape: tuple[int, ...]
    called: str = ""


def sha256_of_all(pictures: Iterable[PictureFacts]) -> str:
    """Return one sum of several pictures in their order."""
    return hashlib.sha256("".join(picture.sha256 for picture in pictures).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Hash a file, piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
