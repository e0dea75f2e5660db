"""Names of classes from a text file."""

from __future__ import annotations

from pathlib import Path

from fvcli.errors import UsageError


def read_labels(path: Path, classes: int, spare: int = 0) -> tuple[str, ...]:
    """Return the names in a text file that has one a line, as many as there are classes.

    Args:
        path: The file.
        classes: How many outputs the network has.
        spare: How many of the last may have no name; they go by number.

    Raises:
        UsageError: The file cannot be read, or has another number of names.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"model.labels: {path}: {reason}"
        raise UsageError(message, "give a text file with a class name a line") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if not classes - spare <= len(names) <= classes:
        message = f"model.labels: there are {len(names)} names for {classes} classes"
        raise UsageError(message, "give one a class")
    return names + tuple(map(str, range(len(names), classes)))
