"""Which channels of a layer: all, a range, a list or every n-th, each in its own notation."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import InitErrorDetails

from fvcli.spec.base import FORM, MAX_INDEX, Index, Int, Seed, Strictly

MAX_SEEDS = 1000
_RANGE = re.compile(r"^(\d+)(?:\s*-\s*(\d+))?$")
_RANGES = r"\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*"  # the same in words of JSON Schema
_HOW = "write all, 0-15, [3, 17] or {every: 8}"


class Channels(Strictly):
    """Which channels of a layer: all of them, every n-th, or the listed ones, in order."""

    every: Annotated[Int, Field(ge=1)] | None = None
    indices: tuple[Index, ...] = ()

    @field_validator("indices", mode="after")
    @classmethod
    def _distinct(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        seen: set[int] = set()
        twice = sorted({i for i in value if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
        if twice:
            raise ValueError(f"channel {twice[0]} is listed twice")
        return value


def _channels(value: Any) -> Any:
    if value == "all":
        return {"every": 1}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"indices": [value]}
    if isinstance(value, str):
        return {"indices": _ranges(value)}
    if isinstance(value, list):
        if not value:
            raise ValueError(f"the list is empty; {_HOW}")
        return {"indices": _entries(value)}
    if isinstance(value, dict) and value:
        unknown: list[InitErrorDetails] = [
            {"type": "extra_forbidden", "loc": (key,), "input": value[key]} for key in value if key != "every"
        ]
        if unknown:
            raise ValidationError.from_exception_data("channels", unknown)
        return value
    raise ValueError(_HOW)


def _entries(items: list[Any], one: Any = Index) -> list[Any]:
    """Return the numbers of a list.

    Args:
        items: Numbers and ranges.
        one: What a number has to be.

    Raises:
        ValidationError: With every entry that is wrong, at its place in the list.
    """
    found: list[Any] = []
    wrong: list[InitErrorDetails] = []
    for i, item in enumerate(items):
        try:
            found += _ranges(item) if isinstance(item, str) else [_of(one).validate_python(item)]
        except ValidationError as error:
            (said,) = error.errors(include_url=False)
            wrong.append({"type": said["type"], "loc": (i,), "input": item, "ctx": said.get("ctx", {})})
        except ValueError as error:
            wrong.append({"type": "value_error", "loc": (i,), "input": item, "ctx": {"error": error}})
    if wrong:
        raise ValidationError.from_exception_data("channels", wrong)
    return found


@cache
def _of(one: Any) -> TypeAdapter[int]:
    return TypeAdapter(one)


def _ranges(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.match(part.strip())
        if not match:
            raise ValueError(f"{text!r} names no channels; {_HOW}")
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if last < first or last > MAX_INDEX:
            raise ValueError(f"{part.strip()} is no range of channels, low to high")
        if last - first > 1_000_000:
            raise ValueError(f"{part.strip()} has more than a million channels; write all")
        found.extend(range(first, last + 1))
    return found


def _write_channels(channels: Channels) -> Any:
    if channels.every == 1:
        return "all"
    return {"every": channels.every} if channels.every else list(channels.indices)


def _distinct_seeds(value: tuple[int, ...]) -> tuple[int, ...]:
    twice = next((seed for i, seed in enumerate(value) if seed in value[:i]), None)
    if twice is not None:
        raise ValueError(f"seed {twice} is listed twice")
    return value


def _seeds(value: Any) -> Any:
    """Return the numbers of a range, or of a list of numbers and ranges."""
    if isinstance(value, str) and value != "all":
        return _ranges(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    return _entries(value, Seed) if isinstance(value, list) and value else value


_NUMBER = {"type": "integer", "minimum": 0}
_NUMBERS = {"type": "string", "pattern": f"^{_RANGES}$"}
_LIST = {"type": "array", "minItems": 1, "items": {"anyOf": [_NUMBER, _NUMBERS]}}
_SEEDS_SCHEMA = {
    FORM: "a range such as 0-3, or a list such as [0, 7]",
    "anyOf": [_NUMBER, _NUMBERS, _LIST],
}
SeedsField = Annotated[
    Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_SEEDS)],
    BeforeValidator(_seeds),
    AfterValidator(_distinct_seeds),
    WithJsonSchema(_SEEDS_SCHEMA),
]
_CHANNELS_SCHEMA = {
    FORM: "`all`, a range such as 0-15, a list such as [3, 17], or {every: 8}",
    "anyOf": [
        _NUMBER,
        {"type": "string", "pattern": f"^(all|{_RANGES})$"},
        _LIST,
        {
            "type": "object",
            "properties": {
                "every": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "Take each n-th channel, from 0.",
                }
            },
            "required": ["every"],
            "additionalProperties": False,
        },
    ],
}
ChannelsField = Annotated[
    Channels,
    BeforeValidator(_channels),
    PlainSerializer(_write_channels),
    WithJsonSchema(_CHANNELS_SCHEMA),
]
