"""Finish examples from their parts: arrays, sheets, tables, and the head at last. No TensorFlow, no network.

    parts --join--> layers/*.npz and *.where.png --cut photos--> sheets/*.jpg --> tables --> examples.json

What is there already is not made again, so that it goes on after it was stopped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from fvcli.errors import FvcliError
from fvcli.media import PictureClasses, PictureList, read_pixels, sized_pixels
from fvcli.media.movie_reader import read_frames
from fvcli.models import ModelFacts
from fvcli.run.atomic import write_atomic
from fvcli.run.cores import cores
from fvcli.run.examples import layout
from fvcli.run.examples.arrays import LayerArrays
from fvcli.run.examples.crops import crops_of
from fvcli.run.examples.head import Effect, ExamplesHead, LayerHead, Video
from fvcli.run.examples.join_blocks import Blocks
from fvcli.run.examples.layout import TILE_PX, TILES, examples_folder
from fvcli.run.examples.origin import Origin, most_cells
from fvcli.run.examples.parts import Parts
from fvcli.run.examples.sheets import WHITE, as_image, sheet, tile_of, where_sheet
from fvcli.run.examples.table import write_table
from fvcli.run.examples.units import ChosenUnits
from fvcli.run.listing import files_below
from fvcli.run.objects import read_bytes
from fvcli.spec.file_names import folder_names

SHEETS_AT_A_TIME = 256  # whose tiles are in memory, 1.5 MB each
KEPT_BYTES = 500_000_000  # of decoded pictures
Told = Callable[[str, int, int], None]  # what is made, how much of it, and of how much


@dataclass(frozen=True)
class Asked:
    """What examples are asked for.

    facts: Of the network.
    units: The layers and channels.
    pictures: The pictures, and their classes.
    origin: What parts must be of.
    """

    facts: ModelFacts
    units: ChosenUnits
    pictures: PictureList
    classes: PictureClasses
    origin: Origin

    @cached_property
    def folders(self) -> dict[str, str]:
        return folder_names(self.units.channels)


class NoPictureError(FvcliError):
    """None of the pictures could be read."""


def finish(run: Path, asked: Asked, drawn: Sequence[int], told: Told, stop: Callable[[], bool]) -> bool:
    """Make what readers need of the parts of all blocks, and remove these.

    Args:
        run: The run's folder, or its address.
        asked: What the parts are of.
        drawn: Pictures in the order in which they are drawn for samples.
        told: Is told how it goes.
        stop: Tells whether to stop.

    Returns:
        Whether it is finished; False where it was stopped before.

    Raises:
        NoPictureError: No picture could be read.
        FvcliError: A part is damaged, or the folder cannot be written.
    """
    parts = Parts(run)
    blocks = Blocks(parts, asked.origin, drawn, asked.pictures.times_s)
    if not len(blocks.read):
        parts.remove()  # so that it begins anew when they are mended
        number, reason = blocks.skipped[0]
        message = f"{asked.pictures.place}: none of {len(blocks.skipped)} pictures could be read"
        raise NoPictureError(message, f"the first is {asked.pictures.names[number]}: {reason}")
    folder = examples_folder(run)
    layers = list(_layers(folder, asked, blocks, told, stop))
    if stop() or not _write_sheets(folder, asked, layers, told, stop):
        return False
    _write_tables(folder, asked, blocks, layers)
    head = _head(asked, blocks, [layer for layer, _ in layers])
    write_atomic(folder / layout.HEAD, head.to_json().encode())
    parts.remove()
    return True


# ---- arrays


def _layers(
    folder: Path, asked: Asked, blocks: Blocks, told: Told, stop: Callable[[], bool]
) -> Iterator[tuple[LayerHead, LayerArrays]]:
    """Write the arrays of each layer, and where its units fired."""
    size_px, cells = asked.origin.size_px, most_cells(asked.units.count)
    classes = _classes(asked.facts)
    for number, (layer, channels) in enumerate(asked.units.channels.items()):
        if stop():
            return
        crops = crops_of(asked.facts.layers_at(*size_px)[layer], size_px, cells)
        joined = blocks.layer(number, channels, crops, classes)
        head = LayerHead(layer, asked.folders[layer], len(channels), crops.crop_px, joined.effect)
        arrays = joined.arrays
        for unit, channel in enumerate(channels):
            content = where_sheet(joined.where[unit], arrays.pictures[unit] >= 0, arrays.boxes[unit])
            write_atomic(folder / layout.where_file(head.folder, channel), content, durable=False)
        write_atomic(folder / layout.arrays_file(head.folder), arrays.to_npz())
        told("layer", number + 1, len(asked.units.channels))
        yield head, arrays


def _classes(facts: ModelFacts) -> int:
    node = next((node for node in facts.nodes if node.name == facts.logits), None)
    return 0 if node is None else node.channels


# ---- sheets


@dataclass(frozen=True)
class _Sheet:
    """A sheet that is to be made: its file, and the pictures and crops of its tiles."""

    file: str
    pictures: np.ndarray
    boxes: np.ndarray


def _write_sheets(
    folder: Path,
    asked: Asked,
    layers: Sequence[tuple[LayerHead, LayerArrays]],
    told: Told,
    stop: Callable[[], bool],
) -> bool:
    """Cut the crops of all units; tell whether all are there."""
    there = {f"{layout.SHEETS}/{name}" for name in files_below(folder / layout.SHEETS)}
    wanted = [
        _Sheet(file, arrays.pictures[unit], arrays.boxes[unit])
        for head, arrays in layers
        for unit, channel in enumerate(arrays.channels.tolist())
        if (file := layout.sheet_file(head.folder, channel)) not in there
    ]
    total = sum(layer.units for layer, _ in layers)
    photos = _Photos(asked)
    with ThreadPoolExecutor(cores()) as pool:
        for begin in range(0, len(wanted), SHEETS_AT_A_TIME):
            some = wanted[begin : begin + SHEETS_AT_A_TIME]
            tiles = np.full((len(some), TILES, TILE_PX, TILE_PX, 3), WHITE, np.uint8)
            done = total - len(wanted) + begin
            if not _cut(some, tiles, photos, pool, stop):
                return False
            for i, content in enumerate(pool.map(sheet, tiles)):
                write_atomic(folder / some[i].file, content, durable=False)
                told("sheet", done + i + 1, total)
                if stop():
                    return False
    return True


def _cut(
    some: Sequence[_Sheet],
    tiles: np.ndarray,
    photos: _Photos,
    pool: ThreadPoolExecutor,
    stop: Callable[[], bool],
) -> bool:
    """Fill the tiles of some sheets: each picture is decoded once, for all of them."""
    places: dict[int, list[tuple[int, int]]] = {}
    for i, one in enumerate(some):
        for tile in np.nonzero(one.pictures >= 0)[0].tolist():
            places.setdefault(int(one.pictures[tile]), []).append((i, tile))

    def cut(number: int, pixels: np.ndarray) -> None:
        image = as_image(pixels)
        made: dict[bytes, np.ndarray] = {}  # units that see the whole picture have the same crop of it
        for i, tile in places[number]:
            box = some[i].boxes[tile]
            if (key := box.tobytes()) not in made:
                made[key] = tile_of(image, box)
            tiles[i, tile] = made[key]

    return photos.each(sorted(places), cut, pool, stop)


class _Photos:
    """Pictures as the network saw them; those that were asked for first stay in memory."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._size_px, self._channels = asked.origin.size_px, asked.facts.input_channels
        self._kept: dict[int, np.ndarray] = {}
        self._room = KEPT_BYTES // (self._size_px[0] * self._size_px[1] * self._channels)

    def each(
        self,
        numbers: Sequence[int],
        use: Callable[[int, np.ndarray], None],
        pool: ThreadPoolExecutor,
        stop: Callable[[], bool],
    ) -> bool:
        """Let something use each of some pictures; tell whether it was each."""
        missing = [number for number in numbers if number not in self._kept]
        for number in set(numbers).difference(missing):
            use(number, self._kept[number])
        if self._asked.pictures.movie is not None:
            return self._each_frame(missing, use, stop)

        def one(number: int) -> None:
            if not stop():
                use(number, self._keep(number, self._read(number)))

        list(pool.map(one, missing))
        return not stop()

    def _each_frame(
        self, numbers: Sequence[int], use: Callable[[int, np.ndarray], None], stop: Callable[[], bool]
    ) -> bool:
        wanted = set(numbers)
        with contextlib.closing(read_frames(self._asked.pictures.place)) as frames:  # type: ignore[type-var]
            for number, frame in enumerate(frames):
                if stop():
                    return False
                if number in wanted:
                    pixels = sized_pixels(Image.fromarray(frame), self._size_px, self._channels)
                    use(number, self._keep(number, pixels))
                if wanted and number >= max(wanted):
                    break
        return True

    def _read(self, number: int) -> np.ndarray:
        try:
            return read_pixels(self._asked.pictures.path(number), self._size_px, self._channels)
        except FvcliError as error:
            hint = "bring the picture back and run the same command"
            raise FvcliError(f"{error.message}, and it could be read before", hint) from error

    def _keep(self, number: int, pixels: np.ndarray) -> np.ndarray:
        if len(self._kept) < self._room:
            self._kept[number] = pixels
        return pixels


# ---- tables and head


def _write_tables(
    folder: Path, asked: Asked, blocks: Blocks, layers: Sequence[tuple[LayerHead, LayerArrays]]
) -> None:
    names, classes = asked.pictures.names, asked.classes
    shown = sorted({int(n) for _, arrays in layers for n in np.unique(arrays.pictures)} - {-1})
    pictures: list[tuple[object, ...]] = [("number", "name", "class")]
    pictures += [(n, names[n], classes[n]) for n in shown]
    if times_s := asked.pictures.times_s:
        times = ["time_s", *(f"{times_s[n]:.6f}" for n in shown)]
        pictures = [(*row, time) for row, time in zip(pictures, times, strict=True)]
    skipped = [("number", "name", "reason"), *((n, names[n], reason) for n, reason in blocks.skipped)]
    write_atomic(folder / layout.PICTURES, write_table(pictures))
    write_atomic(folder / layout.SKIPPED, write_table(skipped))


def _head(asked: Asked, blocks: Blocks, layers: Sequence[LayerHead]) -> ExamplesHead:
    movie = asked.pictures.movie
    kinds = {layer.effect for layer in layers}
    gradient: Effect = "gradient x activation"
    return ExamplesHead(
        images=asked.pictures.place.absolute().name,
        pictures=len(blocks.read),
        skipped=len(blocks.skipped),
        video=None if movie is None else Video(movie.fps, movie.frames),
        size_px=asked.origin.size_px,
        weights_sha256=asked.origin.weights_sha256,
        model=asked.facts.name,
        sample=len(blocks.sample),
        gallery=len(blocks.gallery),
        classes=asked.classes.source,
        class_names=asked.classes.names,
        effect_pictures=len(blocks.effect) if gradient in kinds else 0,
        layers=tuple(layers),
        origin=asked.origin,
        images_path=str(asked.pictures.place.absolute()),
    )


# ---- what is there


def finished_origin(run: Path) -> Origin | None:
    """Return what the finished examples of a run are of, or None if there are none.

    Raises:
        FvcliError: Their head is damaged, or a newer fvcli wrote it.
    """
    place = examples_folder(run) / layout.HEAD
    try:
        content = read_bytes(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return ExamplesHead.from_json(content, place).origin
