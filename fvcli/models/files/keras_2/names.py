"""Names of layers, which may have a slash in Keras 2 and none in Keras 3."""

from __future__ import annotations

SLASH, SLASH_LIKE = "/", "\u2215"  # the second only looks like one


def without_slash(name: str) -> str:
    """Return a name as Keras 3 takes it."""
    return name.replace(SLASH, SLASH_LIKE)


def with_slash(name: str) -> str:
    """Return a name as it was in Keras 2."""
    return name.replace(SLASH_LIKE, SLASH)
