"""Names of layers as their makers gave them, where Keras had to be told others."""

from __future__ import annotations

from typing import Any

from fvcli.models.files.keras_2.names import with_slash

TITLE = "_fvcli_title"  # the attribute with a layer's name where it had to get another


def title_of(operation: Any) -> str:
    """Return the name of a layer as its maker gave it."""
    return with_slash(str(getattr(operation, TITLE, operation.name)))
