"""The pictures of a site: one WebP for each picture of the run, and sheets of sixty-four small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from PIL import Image

from fvcli.atlas.site.collect import Chapter, Entry
from fvcli.atlas.site.layout import picture_file, sheet_file
from fvcli.atlas.site.read_picture import Picture
from fvcli.atlas.site.sheet_process import SheetProcess
from fvcli.atlas.site.sheets import (
    A_SHEET,
    EFFORT,
    LARGEST_PX,
    QUALITY,
    SHEET_EFFORT,
    SHEET_QUALITY,
    SIDE,
    TILE_PX,
    Sheet,
    Shown,
    pixels_of,
    write_sheet,
)
from fvcli.plan import Program
from fvcli.plan.terms import digest_of_text
from fvcli.run import RunFolder
from fvcli.run.cores import cores
from fvcli.run.objects import is_object

MANY = 24  # sheets, from which on processes save more time than their start takes
MOST = 8  # processes, of 50 MB each; more would be done long before the pages


def sheets_of(chapter: Chapter) -> Iterator[tuple[int, Sequence[Entry]]]:
    """Yield the entries of each sheet of a chapter, with its number."""
    for begin in range(0, len(chapter.entries), A_SHEET):
        yield begin // A_SHEET, chapter.entries[begin : begin + A_SHEET]


def sheet_sum(entries: Sequence[Entry], programs: Sequence[Program]) -> str:
    """Return what two sheets share whose pictures are the same."""
    shown = [
        (
            picture.key,
            picture.pixels,
            picture.status,
            picture is entry.main,
            _is_transparent(picture, programs),
        )
        for entry in entries
        for picture in entry.pictures
    ]
    how = TILE_PX, LARGEST_PX, QUALITY, EFFORT, SHEET_QUALITY, SHEET_EFFORT
    return digest_of_text(repr((shown, *how)))


class Pictures:
    """Writes the pictures and sheets of chapters while other work goes on.

    Args:
        site: The folder of the site.
        run: The run.
        chapters: Whose pictures.
        there: By folder of each chapter the sums of the sheets that are there.
        told: Is called with the number of entries of each sheet, once it is there.
    """

    def __init__(
        self,
        site: Path,
        run: RunFolder,
        chapters: Sequence[Chapter],
        there: Mapping[str, Sequence[str]],
        told: Callable[[int], None],
    ) -> None:
        self._site = site
        self._run = run
        self._told = told
        count = min(cores(), MOST)
        self._pool = ThreadPoolExecutor(count)
        self._processes: SimpleQueue[SheetProcess] = SimpleQueue()
        lacking = [one for chapter in chapters for one in self._lacking(chapter, there[chapter.folder])]
        self._has_processes = len(lacking) >= MANY and not is_object(run.path)  # of a store, most is waiting
        if self._has_processes:
            for _ in range(count):
                self._processes.put(SheetProcess())
        self._at_work: dict[str, list[Future[list[str]]]] = {chapter.folder: [] for chapter in chapters}
        for chapter, number, entries in lacking:
            self._at_work[chapter.folder].append(self._pool.submit(self._work, chapter, number, entries))

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        while not self._processes.empty():
            self._processes.get().close()

    def finish(self, chapter: Chapter) -> list[str]:
        """Wait for the pictures of a chapter; return those that cannot be read, by job/unit.

        Raises:
            FvcliError: The disk is full or the site cannot be written.
        """
        return [unit for one in self._at_work.pop(chapter.folder) for unit in one.result()]

    def _lacking(
        self, chapter: Chapter, there: Sequence[str]
    ) -> Iterator[tuple[Chapter, int, Sequence[Entry]]]:
        """Yield the sheets that are not there as they should be."""
        for number, entries in sheets_of(chapter):
            place = self._site / sheet_file(chapter.folder, number)
            is_known = number < len(there) and there[number] == sheet_sum(entries, self._run.plan.programs)
            if is_known and place.exists():
                self._told(len(entries))
            else:
                yield chapter, number, entries

    def _work(self, chapter: Chapter, number: int, entries: Sequence[Entry]) -> list[str]:
        tiles = [
            [
                (shown_of(self._run, picture), self._site / picture_file(chapter.folder, picture.key))
                for picture in entry.pictures
                if picture.is_shown
            ]
            for entry in entries
        ]
        sheet = Sheet(self._site / sheet_file(chapter.folder, number), tiles)
        damaged = self._in_a_process(sheet) if self._has_processes else write_sheet(sheet)
        self._told(len(entries))
        return damaged

    def _in_a_process(self, sheet: Sheet) -> list[str]:
        process = self._processes.get()  # there are as many as threads
        try:
            return process.write(sheet)
        finally:
            self._processes.put(process)


def seen_pixels(run: RunFolder, picture: Picture) -> np.ndarray:
    """Return what people see of a picture, uint8 [h, w, 1 or 3].

    Raises:
        FvcliError: It cannot be read.
    """
    return pixels_of(shown_of(run, picture))


def shown_of(run: RunFolder, picture: Picture) -> Shown:
    """Return what it takes to show a picture."""
    is_transparent = _is_transparent(picture, run.plan.programs)
    return Shown(picture.unit, run.units / f"{picture.stem}.png", picture.canvas, is_transparent)


def _is_transparent(picture: Picture, programs: Sequence[Program]) -> bool:
    return programs[picture.program].settings.is_transparent


def looks(site: Path, chapter: Chapter) -> np.ndarray:
    """Return what the tiles of a chapter look like, float32 [entries, 192]: 8 x 8 colours of each."""
    found = []
    for number, entries in sheets_of(chapter):
        with Image.open(site / sheet_file(chapter.folder, number)) as sheet:
            small = np.asarray(sheet.convert("RGB").reduce(TILE_PX // 8), np.float32)
        tiles = small.reshape(SIDE, 8, SIDE, 8, 3).transpose(0, 2, 1, 3, 4).reshape(A_SHEET, -1)
        found.append(tiles[: len(entries)])
    return np.concatenate(found) if found else np.zeros((0, 192), np.float32)
