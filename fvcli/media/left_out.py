"""Say which files of a folder or pattern are left out, because they are no pictures that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fvcli.errors import counted, some_of
from fvcli.media.file_facts import PictureFacts
from fvcli.media.formats import NO_PICTURES, hint_for, is_still
from fvcli.media.movie_reader import is_video

LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini"}
NAMED = 3  # files that a remark names


def is_picture(path: Path) -> bool:
    """Tell by its name whether something in a folder is a picture or a film; hidden files are none."""
    return not path.name.startswith(".") and (is_still(path) or is_video(path)) and path.is_file()


def remark_on(entry: str, paths: Sequence[Path]) -> str:
    """Say what is left out of some files, and what to do about it; nothing if that is nothing of note."""
    files = _of_note(paths)
    folders = [path for path in paths if path.is_dir() and not path.name.startswith(".")]
    parts = []
    if files:
        names = some_of([path.name for path in files], "file", NAMED)
        what = counted(len(files), "file that cannot be read", "files that cannot be read")
        parts.append(f"{what} ({names}; {hint_for({path.suffix.lower() for path in files})})")
    if folders and "*" not in entry:
        inside = f"{entry.rstrip('/')}/**/*"
        parts.append(f"{counted(len(folders), 'folder')} inside (for what is in them: {inside})")
    return f"{entry}: left out {' and '.join(parts)}" if parts else ""


def remark_on_transparent(entry: str, pictures: Sequence[PictureFacts]) -> str:
    """Say which pictures of an entry are transparent somewhere; nothing if none is."""
    names = [Path(picture.path).name for picture in pictures if picture.is_transparent]
    if not names:
        return ""
    what = counted(len(names), "transparent picture")
    return f"{entry}: {what} ({some_of(names, 'file', NAMED)}): what is seen through is laid on mid grey"


def none_hint(paths: Sequence[Path]) -> str:
    """Return what would be right where nothing can be read."""
    files = _of_note(paths)
    if files:
        return f"{some_of([path.name for path in files], 'file', NAMED)} cannot be read; " + hint_for(
            {path.suffix.lower() for path in files}
        )
    return "give PNG, JPEG, WebP, TIFF or other pictures, or films"


def _of_note(paths: Sequence[Path]) -> list[Path]:
    """Return the files that somebody may take for pictures: those of kinds that are not known as others."""
    found = [path for path in paths if not is_picture(path) and path.is_file()]
    return sorted(path for path in found if not _is_known_as_no_picture(path))


def _is_known_as_no_picture(path: Path) -> bool:
    name = path.name.lower()
    return name.startswith(".") or name in LEFT_BY_SYSTEMS or path.suffix.lower() in NO_PICTURES
