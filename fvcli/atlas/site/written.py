"""Files of a site are written only where they change, so that copies of it have little to copy."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fvcli.run.atomic import write_atomic


def write_changed(place: Path, content: bytes | str) -> None:
    """Write a file of the site, unless it is there as it should be.

    Args:
        place: Where.
        content: All of it. A text is written in UTF-8; names of files in it need not be valid Unicode.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with suppress(OSError):
        if place.read_bytes() == data:
            return
    write_atomic(place, data, durable=False)
