"""The classes of pictures: from the folders that they are in, or from a table of labels."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fvcli.errors import UsageError, counted, some_of
from fvcli.media.picture_list import PictureList

FILE_COLUMN = "file"
CLASS_COLUMNS = ("class", "name", "label")


@dataclass(frozen=True)
class PictureClasses:
    """The class of each picture by number, empty if it has none.

    source: Where they are from; None where there are none.
    remark: Which pictures have none, in a sentence.
    """

    of: Sequence[str] = ()
    source: Literal["folders", "labels"] | None = None
    remark: str = ""

    def __getitem__(self, number: int) -> str:
        return self.of[number] if self.of else ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({name for name in self.of if name}))

    @property
    def digest(self) -> str:
        """One sum of all classes in their order; empty if there are none."""
        return (
            hashlib.sha256("\n".join(self.of).encode("utf-8", "surrogateescape")).hexdigest()
            if self.of
            else ""
        )


def classes_of(pictures: PictureList, labels: Path | None) -> PictureClasses:
    """Return the classes of pictures.

    Args:
        pictures: The pictures.
        labels: A .csv file with the columns ``file`` and ``class`` (or ``name``). Files are named as in the
            list, or by their names without folders. Without it the class is the folder that a picture is
            in, if there are two at least.

    Raises:
        UsageError: The file cannot be read, has not these columns, names none of the pictures, or leaves open
            which class some have; or there is one, and the pictures are frames of a film.
    """
    if labels is not None:
        return _labelled(pictures, labels)
    if pictures.movie is not None:
        return PictureClasses()
    folders = [PurePosixPath(name).parent.name for name in pictures.names]
    return PictureClasses(folders, "folders") if len({*folders} - {""}) > 1 else PictureClasses()


def _labelled(pictures: PictureList, labels: Path) -> PictureClasses:
    if pictures.movie is not None:
        raise UsageError(f"--labels {labels}: frames of a film have no labels", "leave it out")
    by_name = _read(labels)
    rows = [_row_of(name, by_name) for name in pictures.names]
    _refuse_ambiguous(pictures, labels, by_name, rows)
    found = [next(iter(by_name.get(row, ())), "") for row in rows]
    without = [name for name, label in zip(pictures.names, found, strict=True) if not label]
    if len(without) == len(found):
        named = some_of(list(by_name), "file", 2)
        raise UsageError(
            f"{labels}: names none of the pictures of {pictures.place}",
            f"it names {named}, and the pictures are called like {pictures.names[0]}",
        )
    remark = f"{labels}: no class for {counted(len(without), 'picture')} ({some_of(without, 'file')})"
    return PictureClasses(found, "labels", remark if without else "")


def _row_of(name: str, by_name: Mapping[str, Sequence[str]]) -> str:
    """Return what a picture is called in the table: as in the list, or without its folders."""
    return name if any(by_name.get(name, ())) else PurePosixPath(name).name


def _refuse_ambiguous(
    pictures: PictureList, labels: Path, by_name: Mapping[str, Sequence[str]], rows: Sequence[str]
) -> None:
    """Raise UsageError, of all at once, if a file has two classes, or a row is of several pictures."""
    counts = Counter(rows)
    twice = [row for row in counts if len(by_name.get(row, ())) > 1]
    shared = [
        name
        for name, row in zip(pictures.names, rows, strict=True)
        if counts[row] > 1 and any(by_name.get(row, ()))
    ]
    wrong = []
    if twice:
        message = f"{labels}: several classes of {counted(len(twice), 'file')} ({some_of(twice, 'file')})"
        wrong.append(str(UsageError(message, "name each file once")))
    if shared:
        message = f"{labels}: one line is of several pictures ({some_of(shared, 'picture')})"
        wrong.append(str(UsageError(message, f"name files with their folders, such as {shared[0]}")))
    if wrong:
        raise UsageError("\n".join(wrong))


def _read(labels: Path) -> Mapping[str, Sequence[str]]:
    """Return the classes of each file that a table names; each of them once."""
    try:
        with labels.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            columns = {str(name).strip().casefold(): name for name in rows.fieldnames or ()}
            label = next((columns[name] for name in CLASS_COLUMNS if name in columns), None)
            if FILE_COLUMN not in columns or label is None:
                has = ", ".join(map(str, rows.fieldnames or ())) or "nothing"
                raise UsageError(
                    f"{labels}: its first line has no columns 'file' and 'class'", f"it has: {has}"
                )
            found: dict[str, dict[str, None]] = {}
            for row in rows:
                found.setdefault(str(row[columns[FILE_COLUMN]]), {})[(row[label] or "").strip()] = None
            return {name: list(classes) for name, classes in found.items()}
    except OSError as error:
        raise UsageError(f"{labels}: {error.strerror}", "give a .csv file") from error
    except csv.Error as error:
        raise UsageError(f"{labels}: not a table ({error})", "give a .csv file") from error
