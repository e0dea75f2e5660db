"""Read what Lucid writes into a frozen graph: which node takes the picture, of what size and range.

`Model.save` of Lucid (lucid/modelzoo/vision_base.py) adds a constant to the graph that nothing reads,
`lucid_metadata_json`, whose text is a JSON object such as

    {"input_name": "input", "image_shape": [224, 224, 3], "image_value_range": [-117, 138]}
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from fvcli.errors import FvcliError

NODE = "lucid_metadata_json"
MAX_SIDE_PX = 1 << 16


@dataclass(frozen=True)
class LucidMetadata:
    """What a graph says of its own input; None where it says nothing.

    size_px: Height and width, each None where it is left open.
    value_range: What 0 and 1 of a picture become.
    reverse: Whether the network takes BGR.
    """

    input: str | None = None
    size_px: tuple[int | None, int | None] = (None, None)
    channels: int | None = None
    value_range: tuple[float, float] | None = None
    reverse: bool = False


def parse_metadata(text: bytes, name: str) -> LucidMetadata:
    """Return what the text of the constant says.

    Args:
        text: JSON.
        name: What to call the file in messages.

    Raises:
        FvcliError: It is not what Lucid writes.
    """
    try:
        found = json.loads(text)
        height, width, channels = _shape(found.get("image_shape"))
        return LucidMetadata(
            _text(found.get("input_name")),
            (height, width),
            channels,
            _range(found.get("image_value_range")),
            found.get("is_BGR") is True,
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FvcliError(f"{name}: its {NODE} is not what Lucid writes", "save the model again") from error


def _text(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.isprintable()):
        raise ValueError
    return value


def _shape(value: Any) -> list[int | None]:
    if value is None:
        return [None, None, None]
    shape = list(value)[-3:]  # the batch may be there
    if len(shape) != 3 or not all(size is None or _is_size(size) for size in shape):
        raise ValueError
    return [None if size == -1 else size for size in shape]


def _is_size(value: Any) -> bool:
    return type(value) is int and (value == -1 or 0 < value <= MAX_SIDE_PX)


def _range(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = map(float, value)
    if not -math.inf < low < high < math.inf:
        raise ValueError
    return low, high
