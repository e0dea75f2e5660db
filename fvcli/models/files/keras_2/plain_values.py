"""Values of a description as plain JSON: without the wrappings that versions of Keras 2 put around them."""

from __future__ import annotations

from typing import Any

WRAPPED_LISTS = ("__tuple__", "TensorShape")


def plain(value: Any) -> Any:
    """Return a value with tuples and shapes as lists, and arrays of NumPy as numbers."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in WRAPPED_LISTS:
        return plain(value.get("items") or [])
    if value.get("type") == "ndarray" and "value" in value:
        return plain(value["value"])
    return {key: plain(item) for key, item in value.items()}
