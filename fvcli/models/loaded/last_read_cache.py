"""Read a model's files once, though a plan and then a worker ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from fvcli.models.choice import ModelChoice


def last_read_cache(read: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of a choice keep what it read last, as long as its files stay as they are.

    What a choice says of preprocessing and classes does not matter for it, because files do not depend on it.
    """

    @lru_cache(maxsize=1)
    def kept(key: _Key, _stamps: object, *more: Any) -> Any:
        return read(key.choice, *more)

    @wraps(read)
    def reading(choice: ModelChoice, *more: Any) -> Any:
        return kept(_Key(choice), _stamps(choice), *more)

    return reading


class _Key:
    """What of a choice decides which files are read, as something that can be compared."""

    def __init__(self, choice: ModelChoice) -> None:
        nothing = dict.fromkeys(("value_range", "mean", "std", "channel_order", "labels", "logits", "fill"))
        self.choice = choice
        self._text = repr(replace(choice, **nothing))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def _stamps(choice: ModelChoice) -> tuple[object, ...]:
    """Return what tells whether the files of a choice have changed."""
    paths = [Path(name) for name in (choice.path, choice.weights_path) if name is not None]
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return tuple(map(stamp, files))


def stamp(file: Path | None) -> tuple[str, int, int] | None:
    """Return what tells whether a file has changed, or None if it is not there."""
    if file is None or not file.exists():
        return None
    facts = file.stat()
    return str(file), facts.st_mtime_ns, facts.st_size
