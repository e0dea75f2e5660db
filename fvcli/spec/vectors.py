"""Directions in the channels of a layer, each in its own notation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from fvcli.errors import counted
from fvcli.spec.base import FileName, Float, Index, NamesFile, Strictly, WrongTogetherError, left_out
from fvcli.spec.channels import ChannelsField

MAX_NUMBERS = 65_536
_FORMS = ("values", "random", "channels", "file")
_HOW = "write a list of numbers, {random: 0}, {channels: [3, 17], weights: [1, -1]} or {file: x.npy}"


class VectorChoice(Strictly):
    """A direction in the channels of a layer, in one of four ways: values, random, channels or file.

    A plain list of numbers stands for `values`. A file, or several random seeds, give several directions.

    Example: vectors: [{channels: [3, 17], weights: [1, -1]}, {random: 0-5}]
    """

    values: Annotated[tuple[Float, ...], Field(min_length=1, max_length=MAX_NUMBERS)] | None = left_out(
        "one of the other ways", "One number for each channel of the layer. Example: [0, 1, 0.5]."
    )
    random: ChannelsField | None = left_out(
        "one of the other ways", "Seeds of random directions of length 1. Example: 0-5."
    )
    channels: Annotated[tuple[Index, ...], Field(min_length=1)] | None = left_out(
        "one of the other ways", "Numbers of the channels that the direction has; all others are 0."
    )
    weights: tuple[Float, ...] | None = left_out(
        "1 for each", "Weight of each of the listed channels. Example: [1, -1]."
    )
    file: Annotated[FileName | None, NamesFile("array")] = left_out(
        "one of the other ways",
        "Path of a .npy file with one direction [channels], or several [directions, channels].",
    )
    rows: ChannelsField | None = left_out(
        "all", "Which rows of the file to take, from 0. Example: 0-5 or {every: 8}."
    )

    @model_validator(mode="after")
    def _one(self) -> VectorChoice:
        given = [key for key in _FORMS if getattr(self, key) is not None]
        if len(given) != 1:
            raise WrongTogetherError(_HOW, *_FORMS)
        if self.random is not None and self.random.every:
            raise WrongTogetherError("random takes seeds, such as 0, 0-5 or [3, 17]", "random")
        count = len(self.channels or ())
        if self.weights is not None and len(self.weights) != count:
            message = f"there are {counted(len(self.weights), 'weight')} for {counted(count, 'channel')}"
            raise WrongTogetherError(f"{message}; give each channel one", "weights", "channels")
        if self.rows is not None and self.file is None:
            raise WrongTogetherError("rows choose vectors of a file", "rows", "file")
        return self


def _choice(value: Any) -> Any:
    return {"values": value} if isinstance(value, list) else value


class OrNumbers:
    """Let a list of numbers stand for a direction."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_choice, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": 1}
        return {"anyOf": [numbers, handler(core)]}


Vector = Annotated[VectorChoice, OrNumbers()]


class OrOneVector:
    """Let a single direction stand for a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_several, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler(core)
        return {"anyOf": [several["items"], several]}


def _several(value: Any) -> Any:
    """Let a single direction stand for a list of one; a list of numbers is a direction."""
    is_one = isinstance(value, dict) or (
        isinstance(value, list) and value and all(isinstance(item, int | float) for item in value)
    )
    return [value] if is_one else value


Vectors = Annotated[tuple[Vector, ...], Field(min_length=1), OrOneVector()]
