"""examples.json: what the dataset examples of a run are of."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from fvcli.errors import FvcliError
from fvcli.run.examples import layout
from fvcli.run.examples.origin import Origin

EXAMPLES_VERSION = 1
NO_TEXT = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no UTF-8
Effect = Literal["weights", "gradient x activation"]


@dataclass(frozen=True)
class Video:
    """What a film's pictures are: how many, and how many a second in the mean; tables have their times."""

    fps: float
    frames: int


@dataclass(frozen=True)
class LayerHead:
    """A layer whose units have examples.

    folder: What its files and folders are called.
    units: How many.
    crop_px: Height and width of the part of a picture that a position sees, at most the picture.
    effect: From what the effects on classes are; None where there are none.
    """

    name: str
    folder: str
    units: int
    crop_px: tuple[int, int]
    effect: Effect | None


@dataclass(frozen=True)
class ExamplesHead:
    """See above.

    images: The name of the folder, list or film.
    images_path: Where it was; empty if an older fvcli wrote it.
    pictures: How many were read.
    skipped: How many files could not be read.
    video: Of a film.
    size_px: Height and width of what the network saw.
    sample: How many pictures quantiles and histograms are of.
    gallery: How many pictures vectors are of.
    classes: Where the pictures' classes are from.
    class_names: The classes that the pictures have, sorted.
    effect_pictures: How many pictures the effects by gradient are of.
    origin: Sums of all that the examples are of, by which a later command tells whether they are its own.
    """

    images: str
    pictures: int
    skipped: int
    video: Video | None
    size_px: tuple[int, int]
    weights_sha256: str
    model: str
    sample: int
    gallery: int
    classes: Literal["folders", "labels"] | None
    class_names: tuple[str, ...]
    effect_pictures: int
    layers: tuple[LayerHead, ...]
    top: int = layout.TOP
    groups: int = layout.GROUPS
    of_group: int = layout.OF_GROUP
    lowest: int = layout.LOWEST
    bins: int = layout.BINS
    tile_px: int = layout.TILE_PX
    columns: int = layout.COLUMNS
    where_px: int = layout.WHERE_PX
    origin: Origin | None = None
    images_path: str = ""

    def to_json(self) -> str:
        """Return JSON; what of a name is no UTF-8 is written as in tables: \\udce9 for byte e9."""
        text = json.dumps({"version": EXAMPLES_VERSION, **asdict(self)}, indent=1, ensure_ascii=False)
        return NO_TEXT.sub(lambda letter: f"\\\\u{ord(letter[0]):04x}", text) + "\n"

    @classmethod
    def from_json(cls, text: bytes, place: object) -> ExamplesHead:
        """Read a head of this version or an older one; what is not known in it is passed over.

        Raises:
            FvcliError: It is none, or a newer fvcli wrote it.
        """
        try:
            version = json.loads(text)["version"]
            if version > EXAMPLES_VERSION:
                raise FvcliError(f"{place}: a newer fvcli wrote it", "read it with that version")
            return _adapter().validate_json(text)
        except (ValidationError, ValueError, TypeError, KeyError) as error:
            hint = "remove the folder examples/ and run fvcli examples again"
            raise FvcliError(f"{place} is damaged", hint) from error


@cache
def _adapter() -> TypeAdapter[ExamplesHead]:
    return TypeAdapter(ExamplesHead)
