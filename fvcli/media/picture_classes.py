"""The classes of pictures: from the folders that they are in, or from a table of labels."""

from __future__ import annotations

import csv
import hashlib
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
        UsageError: The file cannot be read, has not these columns, or names none of the pictures; or there is
            one, and the pictures are frames of a film.
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
    found = [by_name.get(name) or by_name.get(PurePosixPath(name).name, "") for name in pictures.names]
    without = [name for name, label in zip(pictures.names, found, strict=True) if not label]
    if len(without) == len(found):
        named = some_of(list(by_name), "file", 2)
        raise UsageError(
            f"{labels}: names none of the pictures of {pictures.place}",
            f"it names {named}, and the pictures are called like {pictures.names[0]}",
        )
    remark = f"{labels}: no class for {counted(len(without), 'picture')} ({some_of(without, 'file')})"
    return PictureClasses(found, "labels", remark if without else "")


def _read(labels: Path) -> Mapping[str, str]:
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
            return {str(row[columns[FILE_COLUMN]]): (row[label] or "").strip() for row in rows}
    except OSError as error:
        raise UsageError(f"{labels}: {error.strerror}", "give a .csv file") from error
    except csv.Error as error:
        raise UsageError(f"{labels}: not a table ({error})", "give a .csv file") from error
