"""Message types of protobuf made at run time from the few fields that are read.

A reader skips the fields that it does not know, so a format needs no more of its .proto than the fields that
carry weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fvcli.models.files.words_of_others import printable


class Field(NamedTuple):
    """A field of a message.

    kind: A wire type of protobuf, such as ``INT64``, or another message.
    """

    name: str
    number: int
    kind: str
    repeated: bool = False


def message_type(package: str, messages: Mapping[str, Sequence[Field]], name: str) -> Any:
    """Return the class of a message, in a pool of its own, where no other user of protobuf sees it.

    Args:
        package: What to call the format.
        messages: The fields of each of its messages.
        name: Which message.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package)
    for message, fields in messages.items():
        described = file.message_type.add(name=message)
        for field in fields:
            described.field.add(**_described(field, package, messages, descriptor_pb2.FieldDescriptorProto))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))


def _described(field: Field, package: str, messages: Mapping[str, Any], kinds: Any) -> dict[str, Any]:
    label = kinds.LABEL_REPEATED if field.repeated else kinds.LABEL_OPTIONAL
    facts = {"name": field.name, "number": field.number, "label": label}
    if field.kind in messages:
        return {**facts, "type": kinds.TYPE_MESSAGE, "type_name": f".{package}.{field.kind}"}
    return {**facts, "type": getattr(kinds, f"TYPE_{field.kind}")}


def why_unreadable(error: Exception) -> str:
    """Say in a line why a message cannot be read; a ValueError of the reader's says it itself."""
    if type(error) is not ValueError:  # protobuf's own words name bytes and no cause
        return "it is cut short or damaged"
    return printable(str(error))


def numbers_of(values: Any, dtype: Any) -> np.ndarray:
    """Return a repeated field of numbers as an array; what is too large for its type becomes infinite."""
    with np.errstate(over="ignore"):
        if hasattr(values, "__array__"):
            return np.array(values, dtype)
        return np.fromiter(values, dtype, len(values))  # older protobuf: np.array would list them all
