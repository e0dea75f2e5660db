"""What all parts of a spec are made of: strict models, number types, names that stand for mappings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import CoreSchema, core_schema

# Of the JSON Schema: what happens without a key, where its default does not say it; how a text is written.
WHEN_LEFT_OUT, FORM = "x-when-left-out", "x-form"
BY_RECIPE = "by recipe"
MAX_SIDE_PX = 8192
MAX_INDEX = 10_000_000

Int = Annotated[int, Strict()]
Bool = Annotated[bool, Strict()]
Float = Annotated[float, Strict()]
Text = Annotated[str, Strict()]
Side = Annotated[Int, Field(ge=8, le=MAX_SIDE_PX)]
Index = Annotated[Int, Field(ge=0, le=MAX_INDEX)]
Seed = Annotated[Int, Field(ge=0, lt=2**63)]
Positive = Annotated[Float, Field(gt=0)]
Factor = Annotated[Float, Field(ge=0.1, le=10)]
Share = Annotated[Float, Field(ge=0, le=1)]
Beta = Annotated[Float, Field(ge=0, lt=1)]
FileName = Annotated[Text, Field(min_length=1)]


class Strictly(BaseModel):
    """Immutable, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WrongTogetherError(ValueError):
    """Keys of one mapping that do not go together.

    Args:
        message: What is wrong.
        keys: What was looked at. Where one of them is wrong by itself, nothing is said of them together.
    """

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


FileKind = Literal["pictures", "array", "stills", "photos", "model"]


class NamesFile:
    """Mark a key whose text, or each text of a list, names files.

    Args:
        what: What is expected there. ``pictures``: pictures or films; ``array``: a .npy file; ``stills``: a
            folder of pictures that is one thing; ``photos``: one that some are chosen from; ``model``: a
            model file.
    """

    def __init__(self, what: FileKind) -> None:
        self.what = what


class AddedLater:
    """Mark an option that was added when pictures without it existed already.

    Where it has its default it is left out of unit keys, so that these pictures keep theirs.
    """


class DependsOn:
    """Mark an option whose default is not one value: the recipe or the other pieces decide it.

    The schema then has no default for it, but says what the default suits.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), WHEN_LEFT_OUT: f"suits {self.what}"}


def left_out(means: str, description: str, default: Any = None) -> Any:
    """Return the field of an option whose default, such as None, does not say what happens without it.

    Args:
        means: What happens if nobody writes it, in a few words, such as ``the centre``.
        description: What the option does.
        default: Its value if nobody writes it.
    """
    return Field(default, description=description, json_schema_extra={WHEN_LEFT_OUT: means})


def written_as(pattern: str, form: str) -> Any:
    """Return the constraint of a text: its pattern, and the same in words for messages."""
    return Field(pattern=pattern, json_schema_extra={FORM: form})


def two_digits(value: float) -> float:
    """Round a default that was computed to two digits, so that plans can be read."""
    return float(f"{value:.2g}")


def options_of(piece: Strictly) -> dict[str, Any]:
    """Return what a piece sets beside its kind, by name."""
    return {name: getattr(piece, name) for name in type(piece).model_fields if name != "kind"}


@cache
def file_keys(model: type[BaseModel]) -> Mapping[str, NamesFile]:
    """Return the names of a model's own fields that name files, with their marks; read-only."""
    marks = {name: _mark(field.metadata) for name, field in model.model_fields.items()}
    return MappingProxyType({name: mark for name, mark in marks.items() if mark is not None})


def _mark(metadata: Iterable[Any]) -> NamesFile | None:
    return next((mark for mark in metadata if isinstance(mark, NamesFile)), None)


def files_in(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, FileKind]]:
    """Yield every file that a part of a spec names: where it is written, its name, what it should be."""
    if isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from files_in(item, (*path, i))
    if not isinstance(value, BaseModel):
        return
    marks = file_keys(type(value))
    for name, field in type(value).model_fields.items():
        here = (*path, field.alias or name)
        inside = getattr(value, name)
        if name not in marks:
            yield from files_in(inside, here)
        elif isinstance(inside, str):
            yield here, inside, marks[name].what
        else:
            yield from (((*here, i), text, marks[name].what) for i, text in enumerate(inside or ()))


def kinds_of(union: Any) -> dict[str, type[Any]]:
    """Return the models of a union by their kind."""
    if get_origin(union) is Annotated:
        return kinds_of(get_args(union)[0])
    return {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(union)}


def complete(table: Mapping[type[Any], Any], union: Any, place: str) -> dict[type[Any], Any]:
    """Return a table that has an entry for each kind of a union.

    Raises:
        TypeError: Kinds have none; the message names the table by its place, and their models.
    """
    missing = [f"{model.__name__} ({kind})" for kind, model in kinds_of(union).items() if model not in table]
    if missing:
        raise TypeError(f"{place} lacks {', '.join(missing)}")
    return dict(table)


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


def checked_size(value: Any) -> Any:
    """Say plainly how a size is written, where it is written otherwise."""
    one = isinstance(value, int) and not isinstance(value, bool)
    two = isinstance(value, list | tuple) and len(value) == 2
    if value is not None and not (one or two):
        raise ValueError(f"{value!r} is no size: one side, such as 224, or [height, width]")
    return value
