"""Where a page finds its pictures: inside it as far as the budget goes, else in files beside it."""

from __future__ import annotations

import re
import shutil
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcli.errors import FvcliError
from fvcli.golden.results import Side, UnitResult

PICTURES = "pictures"  # the folder beside the page
OUR_NAME = re.compile(r"\d{5,}-(golden|run)-[A-Za-z0-9._-]*\.png")
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


@dataclass(frozen=True)
class PlacedPair:
    """The pictures of a unit; run is None where one picture stands for both."""

    golden: Placed
    run: Placed | None

    @property
    def pictures(self) -> tuple[Placed, ...]:
        return (self.golden,) if self.run is None else (self.golden, self.run)


def are_same(unit: UnitResult) -> bool:
    """Tell whether golden and run have the same pixels. An accepted picture matches with other pixels."""
    return unit.status == "match" and unit.gate != "accepted"


def place_pictures(units: Sequence[UnitResult], budget_bytes: int) -> list[PlacedPair]:
    """Decide where the page finds the pictures of each unit.

    Args:
        units: The worst first: their pictures are put into the page first.
        budget_bytes: How long all pictures inside the page may be, as base64.
    """
    pairs, number, left = [], 0, budget_bytes
    for i, unit in enumerate(units):
        placed = []
        for whose, picture in zip(("golden", "run"), _found(unit), strict=False):
            if picture.lack:
                placed.append(picture)
            elif picture.base64_bytes <= left:
                placed.append(replace(picture, number=number))
                number, left = number + 1, left - picture.base64_bytes
            else:
                placed.append(replace(picture, url=f"{PICTURES}/{_file_name(i, whose, unit.path)}"))
        pairs.append(PlacedPair(placed[0], placed[1] if len(placed) > 1 else None))
    return pairs


def inside(pairs: Sequence[PlacedPair]) -> Iterator[Placed]:
    """Yield the pictures that are inside the page, in the order of their numbers."""
    return (picture for pair in pairs for picture in pair.pictures if picture.number is not None)


def copy_pictures(pairs: Sequence[PlacedPair], folder: Path) -> None:
    """Copy the pictures that are not inside the page beside it, and remove those of an earlier page.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    beside = {picture.url: picture for pair in pairs for picture in pair.pictures if picture.url}
    for url, picture in beside.items():
        assert picture.source is not None  # or it would have no URL
        _copy(picture.source, folder / url)
    if not (folder / PICTURES).is_dir():
        return
    for path in (folder / PICTURES).iterdir():
        if OUR_NAME.fullmatch(path.name) and f"{PICTURES}/{path.name}" not in beside:
            path.unlink(missing_ok=True)


def _found(unit: UnitResult) -> tuple[Placed, ...]:
    golden, run = _look_at(unit.golden, "golden"), _look_at(unit.run, "run")
    if not are_same(unit):
        return golden, run
    return (golden,) if not golden.lack else (run,)


def _look_at(side: Side, whose: str) -> Placed:
    """Look whether a file begins as a PNG does, and how large its picture is."""
    if side.picture is None:
        return Placed(lack=f"The {whose} has no picture.")
    path = Path(side.picture)
    try:
        with path.open("rb") as file:
            start = file.read(PNG_START.size)
        size = path.stat().st_size
    except FileNotFoundError:
        return Placed(lack=f"The file {path.name} of the {whose} is missing.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        return Placed(lack=f"The file {path.name} of the {whose} cannot be read: {reason}.")
    if len(start) == PNG_START.size:
        signature, header, width, height = PNG_START.unpack(start)
        if signature == PNG_SIGNATURE and header == b"IHDR" and width and height:
            return Placed(path, width, height, size)
    return Placed(lack=f"The file {path.name} of the {whose} is not a PNG picture.")


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
