"""Read the dataset examples of a run; this needs neither the model nor TensorFlow."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from fvcli.errors import FvcliError
from fvcli.run.examples import layout
from fvcli.run.examples.arrays import LayerArrays
from fvcli.run.examples.head import ExamplesHead, LayerHead
from fvcli.run.examples.table import read_table
from fvcli.run.objects import read_bytes

HINT = "remove the folder examples/ and run fvcli examples again"


class Picture(NamedTuple):
    """A picture that is shown.

    name: Relative to its folder, with / between folders; of a film the time of the frame.
    class_name: Of its folder or label; empty if it has none.
    """

    number: int
    name: str
    class_name: str


class SkippedFile(NamedTuple):
    """A file that could not be read."""

    number: int
    name: str
    reason: str


@dataclass(frozen=True)
class Examples:
    """Finished dataset examples.

    folder: Where they are, in a run's folder or in an object store.
    """

    folder: Path
    head: ExamplesHead

    @cached_property
    def pictures(self) -> dict[int, Picture]:
        """The pictures that are shown, by number."""
        rows = self._table(layout.PICTURES)
        return {int(row[0]): Picture(int(row[0]), row[1], row[2]) for row in rows}

    @cached_property
    def skipped(self) -> list[SkippedFile]:
        """The files that could not be read."""
        return [SkippedFile(int(row[0]), row[1], row[2]) for row in self._table(layout.SKIPPED)]

    def layer(self, name: str) -> LayerHead | None:
        """Return what is known of a layer, or None if no unit of it has examples."""
        return next((layer for layer in self.head.layers if layer.name == name), None)

    def arrays(self, layer: LayerHead) -> LayerArrays:
        """Return the arrays of a layer.

        Raises:
            FvcliError: They are not there, or damaged.
        """
        name = layout.arrays_file(layer.folder)
        try:
            return LayerArrays.from_npz(self._content(name))
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise FvcliError(f"{self.folder / name} is damaged", HINT) from error

    def sheet(self, layer: LayerHead, channel: int) -> Path:
        """Return where the crops of a unit are."""
        return self.folder / layout.sheet_file(layer.folder, channel)

    def where(self, layer: LayerHead, channel: int) -> Path:
        """Return where the sheet is that says where a unit fired."""
        return self.folder / layout.where_file(layer.folder, channel)

    def time_s(self, number: int) -> float | None:
        """Return at which second of a film a picture is shown; None if there is no film.

        Examples of older releases do not have the times of their pictures: there it is by the mean pace.
        """
        video = self.head.video
        if video is None:
            return None
        known = self._times_s.get(number)
        return known if known is not None or not video.fps else number / video.fps

    @cached_property
    def _times_s(self) -> dict[int, float]:
        """When pictures that are shown are shown in their film, by number."""
        return {int(row[0]): float(row[3]) for row in self._table(layout.PICTURES) if len(row) > 3}

    def _table(self, name: str) -> Iterator[list[str]]:
        """Yield the rows of a table, without its first, which has the names of the columns."""
        rows = read_table(self._content(name))
        next(rows, None)
        return rows

    def _content(self, name: str) -> bytes:
        try:
            return read_bytes(self.folder / name)
        except OSError as error:
            raise FvcliError(f"{self.folder / name}: {error.strerror or error}", HINT) from error


def read_examples(run: Path) -> Examples | None:
    """Return the finished examples of a run, or None if there are none.

    Raises:
        FvcliError: They are damaged, or a newer fvcli wrote them.
    """
    folder = layout.examples_folder(run)
    place = folder / layout.HEAD
    try:
        content = read_bytes(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FvcliError(f"{place} cannot be read: {error.strerror or error}") from error
    return Examples(folder, ExamplesHead.from_json(content, place))
