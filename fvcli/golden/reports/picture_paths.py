"""Where a picture is, seen from a folder."""

from __future__ import annotations

import os
from pathlib import Path


def seen_from(folder: Path, picture: str) -> str:
    """Return a picture's path relative to a folder, with slashes; as it is given where that cannot be.

    Links to folders are followed, because ``..`` leaves the folder that a link leads to. A link to the
    picture is not: the name that it has here is the one that people know.

    Args:
        folder: It need not be there yet.
        picture: Its file, from the working folder or the root.
    """
    try:
        place = Path(os.path.realpath(Path(picture).parent)) / Path(picture).name
        return Path(os.path.relpath(place, os.path.realpath(folder))).as_posix()
    except ValueError:  # on another drive, or a name that no disk takes
        return picture
