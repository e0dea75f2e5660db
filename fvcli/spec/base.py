"""What all parts of a spec are made of: strict models, number types, names that stand for mappings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import CoreSchema, core_schema

MAX_SIDE_PX = 8192
MAX_INDEX = 10_000_000

Int = Annotated[int, Strict()]
Bool = Annotated[bool, Strict()]
Float = Annotated[float, Strict()]
Text = Annotated[str, Strict()]
Side = Annotated[Int, Field(ge=8, le=MAX_SIDE_PX)]
Index = Annotated[Int, Field(ge=0, le=MAX_INDEX)]
Positive = Annotated[Float, Field(gt=0)]
Factor = Annotated[Float, Field(ge=0.1, le=10)]
Share = Annotated[Float, Field(ge=0, le=1)]
Beta = Annotated[Float, Field(ge=0, lt=1)]


class Strictly(BaseModel):
    """Immutable, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OrName:
    """Let a plain name stand for a mapping: ``channel`` for ``{kind: channel}``."""

    def __init__(self, key: str) -> None:
        self.key = key

    def key_of(self, text: str) -> str:
        """Return the key that a plain text stands for."""
        return self.key

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def expand(value: Any) -> Any:
            return {self.key_of(value): value} if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        mapping = handler(core)
        branches = mapping.get("discriminator", {}).get("mapping", {})
        alone = [name for name, ref in branches.items() if self._stands_alone(ref, handler)]
        return {"anyOf": [{"type": "string", **({"enum": alone} if alone else {})}, mapping]}

    def _stands_alone(self, ref: str, handler: GetJsonSchemaHandler) -> bool:
        """Tell whether a mapping of one kind needs no other key; one that holds mappings like itself does."""
        try:
            required = handler.resolve_ref_schema({"$ref": ref}).get("required", [])
        except LookupError:  # it is being written just now, because this is inside it
            return False
        return set(required) <= {self.key}


class OneOrMore:
    """Let a single value stand for a list of one: ``tabby`` for ``[tabby]``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def expand(value: Any) -> Any:
            return [value] if isinstance(value, int | float | str) else value

        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler(core)
        return {"anyOf": [several["items"], several]}
