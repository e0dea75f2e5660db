"""Where a page finds its pictures: inside it as far as the budget goes, else in files beside it."""

from __future__ import annotations

import re
import shutil
import struct
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcli.errors import FvcliError

PICTURES = "pictures"  # the folder beside the page
NAME_LENGTH = 80  # file systems allow 255 bytes
PNG_START = struct.Struct(">8s4x4sII")  # signature, length of the header, its name, width, height
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIECE_BYTES = 3 * 2**16  # of a picture at a time; base64 writes three bytes as four letters


@dataclass(frozen=True)
class Placed:
    """A picture and where the page finds it.

    source: Its file.
    width_px, height_px: Of the picture.
    bytes: Of the file.
    number: Of its block in the page; None where it is not in the page.
    url: Of its copy beside the page; None where there is no copy.
    lack: Why there is nothing to show, in a sentence; empty where there is something.
    """

    source: Path | None = None
    width_px: int = 0
    height_px: int = 0
    bytes: int = 0
    number: int | None = None
    url: str | None = None
    lack: str = ""

    @property
    def base64_bytes(self) -> int:
        return -(-self.bytes // 3) * 4

    def base64_pieces(self) -> Iterator[str]:
        """Yield the file as base64, piece by piece; what can no longer be read is left out."""
        assert self.source is not None  # or it would have no number
        try:
            with self.source.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield b64encode(piece).decode("ascii")
        except OSError:
            return  # the page shows that the picture is damaged


def look_at(picture: str | None, whose: str) -> Placed:
    """Look whether a file begins as a PNG does, and how large its picture is.

    Args:
        picture: The file; None where there is none.
        whose: As it stands in a sentence, such as "the golden".
    """
    if picture is None:
        return Placed(lack=f"{whose[0].upper()}{whose[1:]} has no picture.")
    path = Path(picture)
    try:
        with path.open("rb") as file:
            start = file.read(PNG_START.size)
        size = path.stat().st_size
    except FileNotFoundError:
        return Placed(lack=f"The file {path.name} of {whose} is missing.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        return Placed(lack=f"The file {path.name} of {whose} cannot be read: {reason}.")
    if len(start) == PNG_START.size:
        signature, header, width, height = PNG_START.unpack(start)
        if signature == PNG_SIGNATURE and header == b"IHDR" and width and height:
            return Placed(path, width, height, size)
    return Placed(lack=f"The file {path.name} of {whose} is not a PNG picture.")


def place_pictures(
    units: Iterable[tuple[str, Mapping[str, Placed]]], budget_bytes: int
) -> list[tuple[Placed, ...]]:
    """Decide where the page finds the pictures of each unit.

    Args:
        units: The path of each unit and its pictures, by the word that their copies are named with. The most
            important first: their pictures are put into the page first.
        budget_bytes: How long all pictures inside the page may be, as base64.
    """
    placed, number, left = [], 0, budget_bytes
    for i, (path, pictures) in enumerate(units):
        of_unit = []
        for whose, picture in pictures.items():
            if picture.lack:
                of_unit.append(picture)
            elif picture.base64_bytes <= left:
                of_unit.append(replace(picture, number=number))
                number, left = number + 1, left - picture.base64_bytes
            else:
                of_unit.append(replace(picture, url=f"{PICTURES}/{_file_name(i, whose, path)}"))
        placed.append(tuple(of_unit))
    return placed


def inside(units: Sequence[Sequence[Placed]]) -> Iterator[Placed]:
    """Yield the pictures that are inside the page, in the order of their numbers."""
    return (picture for pictures in units for picture in pictures if picture.number is not None)


def copy_pictures(units: Sequence[Sequence[Placed]], folder: Path, words: Iterable[str]) -> None:
    """Copy the pictures that are not inside the page beside it, and remove those of an earlier page.

    Args:
        units: The pictures of each unit.
        folder: That of the page.
        words: What copies of this page are named with; other pages may have copies in the same folder.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    beside = {picture.url: picture for pictures in units for picture in pictures if picture.url}
    for url, picture in beside.items():
        assert picture.source is not None  # or it would have no URL
        _copy(picture.source, folder / url)
    if not (folder / PICTURES).is_dir():
        return
    our_name = re.compile(rf"\d{{5,}}-({'|'.join(words)})-[A-Za-z0-9._-]*\.png")
    for path in (folder / PICTURES).iterdir():
        if our_name.fullmatch(path.name) and f"{PICTURES}/{path.name}" not in beside:
            path.unlink(missing_ok=True)


def _file_name(i: int, whose: str, path: str) -> str:
    """Return a name that is safe in URLs and on every file system; the number makes it the only one."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", path)[:NAME_LENGTH]
    return f"{i:05d}-{whose}-{plain}.png"


def _copy(source: Path, target: Path) -> None:
    """Copy a file; one that can no longer be read is left out, and the page shows that it is missing."""
    try:
        file = source.open("rb")
    except OSError:
        return
    try:
        with file:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                shutil.copyfileobj(file, copy)
    except OSError as error:
        raise FvcliError(f"{target} cannot be written: {error.strerror}") from error
