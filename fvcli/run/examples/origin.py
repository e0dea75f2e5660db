"""What examples, finished or not, are of: parts of one origin can be put together, others cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fvcli.errors import FvcliError
from fvcli.run.examples import layout
from fvcli.run.examples.units import ChosenUnits

METHOD = 3  # raised when the same pictures give other numbers
BLOCK = 1024  # pictures that are one part
BATCH = 16  # pictures that the network sees at a time, whatever the machine: its size changes rounding
SPARE = 8  # one more for each so many that are drawn, in the place of those that cannot be read
LEAST_SPARE = 64
EFFECT_PICTURES = 256
MOST_CELLS = 16
SHOWN_BYTES = 600_000_000  # of what says where units fired in the pictures that groups are shown from

SAID = {  # what differs, in words
    "method": "the version of fvcli's method",
    "units": "the units of the plan",
    "weights_sha256": "the weights of the model",
    "preprocessing": "the preprocessing of the model",
    "size_px": "the size of what the network sees",
    "pictures": "the number of pictures",
    "names": "the names or sizes of the pictures",
    "fps": "the pace of the film",
    "classes": "the classes of the pictures",
    "block": "the number of pictures in a part",
    "batch": "the number of pictures at a time",
}


@dataclass(frozen=True)
class Origin:
    """What examples are of.

    units: A sum of the layers and channels.
    names: A sum of the names and sizes of all pictures in order; of a film of all that is in its file.
    pictures: How many there are, those that cannot be read among them.
    fps: Of a film; 0 of pictures.
    classes: A sum of the classes of all pictures; empty if they have none.
    """

    units: str
    weights_sha256: str
    preprocessing: str
    size_px: tuple[int, int]
    pictures: int
    names: str
    fps: float = 0.0
    classes: str = ""
    block: int = BLOCK
    batch: int = BATCH
    method: int = METHOD

    @property
    def blocks(self) -> int:
        return -(-self.pictures // self.block)

    def numbers(self, block: int) -> range:
        """Return the pictures of a block."""
        return range(block * self.block, min((block + 1) * self.block, self.pictures))

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Origin:
        """Return what ``to_json`` wrote.

        Raises:
            ValueError: It is something else.
        """
        return _adapter().validate_python(data)

    @classmethod
    def read(cls, content: bytes, place: object) -> Origin:
        """Read what ``to_json`` wrote.

        Raises:
            FvcliError: It is damaged.
        """
        try:
            return cls.from_data(json.loads(content))
        except (ValidationError, ValueError) as error:
            hint = "add --again to work everything out anew"
            raise FvcliError(f"{place} is damaged", hint) from error

    def differences(self, other: Origin) -> str:
        """Say in what two origins differ; nothing if they are equal."""
        mine, others = asdict(self), asdict(other)
        said_of = {**SAID, "names": "what is in the film"} if self.fps and other.fps else SAID
        return ", ".join(said for key, said in said_of.items() if mine[key] != others[key])


@cache
def _adapter() -> TypeAdapter[Origin]:
    return TypeAdapter(Origin)


def units_digest(units: ChosenUnits) -> str:
    """Return one sum of layers and channels."""
    text = json.dumps([[layer, list(channels)] for layer, channels in units.channels.items()])
    return hashlib.sha256(text.encode()).hexdigest()


def most_cells(units: int) -> int:
    """Return how finely it is kept where units fired, so that it fits into memory for a whole block."""
    sides = (MOST_CELLS, MOST_CELLS // 2, MOST_CELLS // 4)
    return next((side for side in sides if units * layout.SHOWN * side**2 <= SHOWN_BYTES), sides[-1])


def with_spare(count: int) -> int:
    """Return how many pictures are drawn so that, most likely, so many of them can be read."""
    return count + max(count // SPARE, LEAST_SPARE)
