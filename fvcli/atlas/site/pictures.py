"""The pictures of a site: one WebP for each picture of the run, and sheets of sixty-four small ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from fvcli.atlas.cells import shown_pixels
from fvcli.atlas.site.collect import Chapter, Entry, Picture
from fvcli.atlas.site.layout import picture_file, sheet_file
from fvcli.atlas.site.written import write_changed
from fvcli.errors import FvcliError
from fvcli.media import read_picture
from fvcli.plan import Program
from fvcli.plan.terms import digest_of_text
from fvcli.run import RunFolder
from fvcli.run.cores import cores

TILE_PX = 112  # 7 x 16, so that no block of the encoder lies across two tiles
SIDE = 8  # tiles of a row and of a column
A_SHEET = SIDE * SIDE
LARGEST_PX = 384  # of a picture, which is what pages show; larger ones stay in the run
QUALITY, SHEET_QUALITY = 82, 72
EFFORT = 2  # of the encoder, 0 to 6: from here on files hardly become smaller
GREY = 128  # where nothing is


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
    return digest_of_text(repr((shown, TILE_PX, LARGEST_PX, QUALITY, SHEET_QUALITY)))


class Pictures:
    """Writes the pictures and sheets of chapters while other work goes on.

    Args:
        site: The folder of the site.
        run: The run.
        told: Is called with the number of entries of each sheet, once it is there.
    """

    def __init__(self, site: Path, run: RunFolder, told: Callable[[int], None]) -> None:
        self._site = site
        self._run = run
        self._told = told
        self._pool = ThreadPoolExecutor(cores())
        self._at_work: dict[str, list[Future[list[str]]]] = {}

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, chapter: Chapter, there: Sequence[str]) -> None:
        """Begin to write the pictures of a chapter that are not there as they should be.

        Args:
            chapter: Whose pictures.
            there: The sums of the sheets that are there.
        """
        found = self._at_work.setdefault(chapter.folder, [])
        for number, entries in sheets_of(chapter):
            place = self._site / sheet_file(chapter.folder, number)
            is_known = number < len(there) and there[number] == sheet_sum(entries, self._run.plan.programs)
            if is_known and place.exists():
                self._told(len(entries))
            else:
                found.append(self._pool.submit(self._work, chapter, number, entries))

    def finish(self, chapter: Chapter) -> list[str]:
        """Wait for the pictures of a chapter; return those that cannot be read, by job/unit."""
        return [unit for one in self._at_work.pop(chapter.folder) for unit in one.result()]

    def _work(self, chapter: Chapter, number: int, entries: Sequence[Entry]) -> list[str]:
        damaged = _write_sheet(self._site, self._run, chapter, number, entries)
        self._told(len(entries))
        return damaged


def _write_sheet(
    site: Path, run: RunFolder, chapter: Chapter, number: int, entries: Sequence[Entry]
) -> list[str]:
    sheet = Image.new("RGB", (SIDE * TILE_PX, SIDE * TILE_PX), (GREY, GREY, GREY))
    damaged = []
    for position, entry in enumerate(entries):
        has_tile = False
        for picture in entry.pictures:
            if not picture.is_shown:
                continue
            try:
                image = read_shown(run, picture)
            except FvcliError:
                damaged.append(picture.unit)
                continue
            place = site / picture_file(chapter.folder, picture.key)
            write_changed(place, webp(_at_most(image, LARGEST_PX), QUALITY))
            if not has_tile:  # that of the first picture that there is
                corner = position % SIDE * TILE_PX, position // SIDE * TILE_PX
                sheet.paste(_tile(image), corner)
                has_tile = True
    write_changed(site / sheet_file(chapter.folder, number), webp(sheet, SHEET_QUALITY))
    return damaged


def read_shown(run: RunFolder, picture: Picture) -> Image.Image:
    """Return a picture of the run as people see it.

    Raises:
        FvcliError: It cannot be read.
    """
    seen = seen_pixels(run, picture)
    return Image.fromarray(seen[..., 0] if seen.shape[-1] == 1 else seen).convert("RGB")


def seen_pixels(run: RunFolder, picture: Picture) -> np.ndarray:
    """Return what people see of a picture, uint8 [h, w, 1 or 3].

    Raises:
        FvcliError: It cannot be read.
    """
    pixels = read_picture(run.units / f"{picture.stem}.png")
    return shown_pixels(pixels, picture.canvas, _is_transparent(picture, run.plan.programs))


def _is_transparent(picture: Picture, programs: Sequence[Program]) -> bool:
    return programs[picture.program].settings.is_transparent


def _at_most(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _tile(image: Image.Image) -> Image.Image:
    """Return the middle square of a picture as a tile."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = left, top, left + side, top + side
    return image.resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS, box, reducing_gap=1.0)


def webp(image: Image.Image, quality: int) -> bytes:
    """Return a picture as a WebP file."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=EFFORT)
    return buffer.getvalue()


def looks(site: Path, chapter: Chapter) -> np.ndarray:
    """Return what the tiles of a chapter look like, float32 [entries, 192]: 8 x 8 colours of each."""
    found = []
    for number, entries in sheets_of(chapter):
        with Image.open(site / sheet_file(chapter.folder, number)) as sheet:
            small = np.asarray(sheet.convert("RGB").reduce(TILE_PX // 8), np.float32)
        tiles = small.reshape(SIDE, 8, SIDE, 8, 3).transpose(0, 2, 1, 3, 4).reshape(A_SHEET, -1)
        found.append(tiles[: len(entries)])
    return np.concatenate(found) if found else np.zeros((0, 192), np.float32)
