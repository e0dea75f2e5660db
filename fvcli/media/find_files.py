"""Find the pictures and arrays that a spec names, and look at each before anything is rendered."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fvcli.errors import UsageError, some_of
from fvcli.media.file_facts import ArrayFacts, PictureFacts, file_sha256
from fvcli.media.left_out import is_picture, none_hint, remark_on
from fvcli.media.movie_reader import is_video, movie_facts
from fvcli.media.open_files import check_size, open_array
from fvcli.media.read_files import is_see_through
from fvcli.spec.file_names import folded, safe_name

CHUNK = 1 << 22  # numbers looked at together
NAMED = 8  # files that an error names
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def find_pictures(entry: str, beside: Path | None) -> list[PictureFacts]:
    """Return the pictures and movies that an entry of a spec names; their names are all different.

    Args:
        entry: A file, a folder (its pictures, sorted by name) or a glob pattern (likewise). Hidden files
            and files of other kinds are left out of folders and patterns.
        beside: The folder of the spec; relative paths are looked for there first, then in the working
            directory.

    Raises:
        UsageError: Nothing is there, a folder has no picture, or a file is none, damaged or too large.
        FvcliError: A video is named, and ffmpeg is missing.
    """
    with _said(entry):
        listing = _listing(entry, beside)
        if listing is not None:
            found = listing.pictures()
            if not found:
                raise UsageError(f"{entry}: no picture that can be read", none_hint(listing.paths))
            return _all_facts(found)
    raise _missing(entry, beside, "a picture, a folder of pictures or a pattern")


def find_stills(entry: str, beside: Path | None) -> list[PictureFacts]:
    """Return the pictures that an entry names as ``find_pictures`` does, without movies.

    Raises:
        UsageError: As there, or there are movies alone.
    """
    return stills_of(entry, find_pictures(entry, beside))


def stills_of(entry: str, pictures: Sequence[PictureFacts]) -> list[PictureFacts]:
    """Return the pictures of an entry without movies.

    Raises:
        UsageError: There are movies alone.
    """
    stills = [picture for picture in pictures if picture.frames == 1]
    if not stills:
        raise UsageError(f"{entry}: only movies, and no picture")
    return stills


def left_out(entry: str, beside: Path | None) -> str:
    """Say which files of a folder or a pattern ``find_pictures`` leaves out; nothing if all are taken."""
    with _said(entry):
        listing = _listing(entry, beside)
        return remark_on(entry, listing.paths) if listing is not None and not listing.is_named else ""


def find_place(entry: str, beside: Path | None) -> str:
    """Return the absolute path, or pattern, that an entry stands for; the first place where something is.

    Raises:
        UsageError: Nothing is there.
    """
    for place in _places(entry, beside):
        if place.exists() or glob.glob(str(place), recursive=True):
            return str(place)
    raise _missing(entry, beside, "a file, a folder or a pattern")


def find_array(path: str, beside: Path | None) -> ArrayFacts:
    """Return the facts of a .npy file of finite numbers; a relative path is looked for as a picture's.

    Raises:
        UsageError: It is not there, not readable, or holds something else.
    """
    with _said(path):
        for place in _places(path, beside):
            if place.is_file():
                array = open_array(place)
                _check_numbers(place, array)
                return ArrayFacts(safe_name(place), str(place), file_sha256(place), array.shape)
    raise _missing(path, beside, "a .npy file")


@contextmanager
def _said(entry: str) -> Iterator[None]:
    """Say what the system forbids (a name too long, a folder of somebody else) as a mistake of the spec."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or entry}: {error.strerror}") from error


def _folders(named: str, beside: Path | None) -> list[Path]:
    """Return the folders that a name may be relative to."""
    if os.path.isabs(named):
        return [Path("/")]
    with suppress(FileNotFoundError):  # the working directory was removed
        return [Path.cwd()] if beside is None else [beside.absolute(), Path.cwd()]
    return [beside] if beside is not None and beside.is_absolute() else []


def _places(entry: str, beside: Path | None) -> list[Path]:
    """Return where an entry may be: absolute paths, none twice."""
    named = os.path.expanduser(entry)
    places = [os.path.abspath(folder / named) for folder in _folders(named, beside)]
    return [Path(place) for place in dict.fromkeys(places)]


def _missing(entry: str, beside: Path | None, what: str) -> UsageError:
    if ADDRESS.match(entry):
        hint = f"save the file here and name it: {entry.rpartition('/')[2] or 'photo.jpg'}"
        return UsageError(f"{entry}: fvcli loads nothing from the network", hint)
    places = " and ".join(str(place) for place in _places(entry, beside))
    looked = f"looked for {places}" if places else "and the working directory is gone"
    return UsageError(f"{entry}: nothing there, {looked}", f"name {what}")


class _Listing(NamedTuple):
    """The files that an entry stands for.

    is_named: It is a file itself, which is read whatever its name.
    """

    paths: list[Path]
    is_named: bool = False

    def pictures(self) -> list[Path]:
        """Return those that are pictures or films by their names, in the order of these."""
        fit = [path for path in self.paths if self.is_named or is_picture(path)]
        return sorted(fit, key=lambda path: (path.name, path))


def _listing(entry: str, beside: Path | None) -> _Listing | None:
    """Return the first file or folder of that name, or what a pattern finds; beside the spec comes first."""
    for place in _places(entry, beside):
        if place.is_dir():
            return _Listing(list(place.iterdir()))
        if place.is_file():
            return _Listing([place], is_named=True)
    named = os.path.expanduser(entry)
    matches = [_matching(named, folder) for folder in _folders(named, beside)]
    best = [listing for listing in matches if listing.pictures()] or [one for one in matches if one.paths]
    return best[0] if best else None


def _matching(named: str, folder: Path) -> _Listing:
    found = glob.glob(named, root_dir=folder, recursive=True)
    return _Listing([folder / match for match in found])


def _all_facts(paths: list[Path]) -> list[PictureFacts]:
    taken: set[str] = set()
    found, wrong = [], []
    for path in paths:
        try:
            facts = _picture_facts(path)
        except UsageError as error:
            wrong.append(error)
            continue
        found.append(replace(facts, name=_free_name(facts.name, taken)))
        taken.add(folded(found[-1].name))
    _refuse(wrong, len(paths))
    return found


def _refuse(wrong: Sequence[UsageError], of: int) -> None:
    """Raise one error that names every file that is wrong, so that one has to mend them only once."""
    if of == 1 and wrong:
        raise wrong[0]
    if wrong:
        said = some_of([error.message for error in wrong], "file", NAMED)
        raise UsageError(said, "mend these files or take them away")


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, numbered if another picture (a.png beside a.jpg) has it already."""
    number, free = 2, name
    while folded(free) in taken:
        number, free = number + 1, f"{name}-{number}"
    return free


def _picture_facts(path: Path) -> PictureFacts:
    movie = movie_facts(path)
    check_size(path, movie.height_px, movie.width_px)
    return PictureFacts(
        safe_name(path),
        str(path),
        file_sha256(path),
        movie.height_px,
        movie.width_px,
        movie.frames,
        movie.fps,
        is_transparent=movie.frames == 1 and not is_video(path) and is_see_through(path),
    )


def _check_numbers(path: Path, array: np.ndarray) -> None:
    if array.dtype.kind not in "fiu":
        raise UsageError(f"{path}: holds {array.dtype}, not real numbers", "convert it to float32")
    if not array.size:
        raise UsageError(f"{path}: holds no numbers, its shape is {array.shape}")
    flat = array.ravel(order="K")  # no copy, whatever the order
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is the question
        pieces = (flat[i : i + CHUNK].astype(np.float32) for i in range(0, flat.size, CHUNK))
        if not all(np.isfinite(piece).all() for piece in pieces):
            raise UsageError(f"{path}: holds numbers that are not finite as float32")
