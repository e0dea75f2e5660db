"""Any number of pictures in a fixed order: a folder and all below it, a list of paths, or a film's frames."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from fvcli.errors import UsageError, counted, some_of
from fvcli.media.file_facts import file_sha256
from fvcli.media.formats import is_still
from fvcli.media.left_out import none_hint
from fvcli.media.movie_reader import MovieFacts, is_video, timed_facts

LIST_SUFFIX = ".txt"
AT_A_TIME = 1000  # files whose sizes one thread asks for
THREADS = 16  # they wait for file servers
MISSING = -1
KINDS = "a folder of pictures, a .txt file with a path in each line, or a film"


@dataclass(frozen=True)
class PictureList:
    """Pictures by number, from 0.

    place: The folder, the list or the film.
    root: What the names are relative to; of a film its folder.
    names: With / between folders. Of a film the times of its frames.
    sizes: Of the files, in bytes; of a film its own size alone.
    movie: Of a film.
    remark: What is left out, or not as it should be, in a sentence; empty if nothing is.
    times_s: Of a film when each frame is shown, in seconds from the first on.
    """

    place: Path
    root: Path
    names: Sequence[str]
    sizes: Sequence[int] = ()
    movie: MovieFacts | None = None
    remark: str = ""
    times_s: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.names)

    def path(self, number: int) -> Path:
        return self.root / self.names[number]

    @cached_property
    def digest(self) -> str:
        """One sum of all names in their order and all sizes; of a film of what is in its file, too.

        It is the same on every computer that has the same pictures.
        """
        content = file_sha256(self.place) if self.movie is not None else ""
        text = "\n".join([*self.names, "", *map(str, self.sizes), content])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    def drawn(self, count: int) -> list[int]:
        """Return pictures that are drawn by their names: those with the smallest SHA-256, smallest first.

        Whatever else is in the list, two pictures are drawn in the same order.
        """
        sums = [hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest() for name in self.names]
        return sorted(range(len(sums)), key=lambda number: (sums[number], number))[:count]


def list_pictures(place: Path) -> PictureList:
    """Return what a place names.

    Args:
        place: A folder: all pictures below it, sorted by name; hidden files and folders, and files of other
            kinds, are left out. A .txt file with a path in each line, relative to the working directory or to
            its own folder. A film.

    Raises:
        UsageError: Nothing is there, there are no pictures, some of them are missing, or it is something
            else.
        FvcliError: It is a film, and ffmpeg is missing.
    """
    try:
        if place.is_dir():
            return _below(place)
        if not place.is_file():
            raise UsageError(f"{place}: nothing there", f"name {KINDS}")
        if place.suffix.lower() == LIST_SUFFIX:
            return _listed(place)
        return _frames(place)
    except OSError as error:
        raise UsageError(f"{error.filename or place}: {error.strerror}") from error


def _below(folder: Path) -> PictureList:
    found, others, hidden = [], [], 0
    for name in _files_below(folder):
        path = PurePosixPath(name)
        if any(part.startswith(".") for part in path.parts):
            hidden += 1
        elif is_still(Path(name)):
            found.append(name)
        else:
            others.append(name)
    if not found:
        raise UsageError(f"{folder}: no picture in it, nor below it", _hint(folder, others))
    left = [
        *([counted(len(others), "file of another kind", "files of other kinds")] if others else []),
        *([counted(hidden, "hidden file")] if hidden else []),
    ]
    remark = f"{folder}: left out {' and '.join(left)}" if left else ""
    names = sorted(found)
    return PictureList(folder, folder, names, _sizes(folder, folder, names), remark=remark)


def _hint(folder: Path, others: Sequence[str]) -> str:
    films = [name for name in others if is_video(Path(name))]
    if films:
        return f"of a film name the file: {folder / films[0]}"
    return none_hint([folder / name for name in others])


def _files_below(folder: Path) -> Iterator[str]:
    """Yield the names of all files, without following links to folders, which may lead in a circle."""
    for place, _, names in os.walk(folder, onerror=_raise):
        below = os.path.relpath(place, folder).replace(os.sep, "/")
        yield from names if below == "." else (f"{below}/{name}" for name in names)


def _raise(error: OSError) -> None:
    raise error


def _listed(place: Path) -> PictureList:
    text = place.read_bytes().decode("utf-8-sig", "surrogateescape")
    named = [line.rstrip("\r") for line in text.split("\n")]
    names = list(dict.fromkeys(name for name in named if name.strip()))
    if not names:
        raise UsageError(f"{place}: no path in it", "write the path of a picture in each line")
    root = Path.cwd() if (Path.cwd() / names[0]).exists() else place.parent.absolute()
    if not any((root / name).exists() for name in names[:100]):
        message = f"{place}: {names[0]} is neither in {Path.cwd()} nor in {root}"
        raise UsageError(message, "write paths that are relative to one of these, or absolute ones")
    twice = sum(bool(name.strip()) for name in named) - len(names)
    remark = f"{place}: {counted(twice, 'line')} named a picture again, and count once" if twice else ""
    return PictureList(place, root, names, _sizes(place, root, names), remark=remark)


def _sizes(place: Path, root: Path, names: Sequence[str]) -> list[int]:
    """Return the sizes of files in bytes.

    Raises:
        UsageError: Some are not there.
    """

    def of_some(begin: int) -> list[int]:
        return [_size(root / name) for name in names[begin : begin + AT_A_TIME]]

    with ThreadPoolExecutor(THREADS) as pool:
        found = [size for some in pool.map(of_some, range(0, len(names), AT_A_TIME)) for size in some]
    missing = [name for name, size in zip(names, found, strict=True) if size == MISSING]
    if missing:
        message = f"{place}: {counted(len(missing), 'picture')} not there ({some_of(missing, 'file')})"
        raise UsageError(message, "bring them back, or leave them out")
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return MISSING


def _frames(place: Path) -> PictureList:
    if not is_video(place) and not is_still(place):
        raise UsageError(f"{place}: neither a film nor a list", f"name {KINDS}")
    movie, times = timed_facts(place)
    if movie.frames == 1:
        raise UsageError(f"{place}: one picture", f"name {KINDS}")
    names = [_time(seconds) for seconds in times.seconds]
    sizes = [place.stat().st_size]
    return PictureList(place, place.parent, names, sizes, movie, times.remark, times.seconds)


def _time(seconds: float) -> str:
    """Write a time as minutes, seconds and hundredths, such as 1:02.50."""
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
