"""What stands where in the folder of a run's dataset examples, and which tile is which.

    RUN/examples/examples.json     the head, written last: where it is, the examples are finished
                 pictures.tsv      number, name and class of the pictures that are shown
                 skipped.tsv       number, name and reason of files that could not be read
                 layers/FOLDER.npz arrays of a layer
                 sheets/FOLDER/0000/00447.jpg         crops of channel 447
                 sheets/FOLDER/0000/00447.where.png   where it fired in each of them
                 parts/            what is worked out, until all of it is

The tiles of a unit:

    0 ... 19 | 20 21 22 | 23 24 25 | ... | 47 48 49 | 50 51 52
    top      | group 10 | group 9  | ... | group 1  | lowest
"""

from __future__ import annotations

from pathlib import Path

EXAMPLES = "examples"
HEAD, PICTURES, SKIPPED = "examples.json", "pictures.tsv", "skipped.tsv"
LAYERS, SHEETS, PARTS = "layers", "sheets", "parts"

TOP = 20
GROUPS = 10  # of equally many pictures, from the weakest to the strongest
OF_GROUP = 3
LOWEST = 3
TILES = TOP + GROUPS * OF_GROUP + LOWEST
BINS = 50  # of the histogram
TILE_PX = 96
WHERE_PX = 16  # a side of what says where a unit fired
COLUMNS = 8
SAMPLE = 8192  # pictures that quantiles and histogram are of
GALLERY = 512  # pictures that vectors are of
SHOWN = 128  # pictures that groups are shown from: a dozen in each, of which three are shown
EFFECTS = 5  # classes that a unit pushes most, and as many that it pushes against most
A_FOLDER = 1000  # channels whose sheets are in one folder


def group_tiles(group: int) -> range:
    """Return the tiles of a group, 0 for the pictures that excite a unit least to 9."""
    begin = TOP + (GROUPS - 1 - group) * OF_GROUP
    return range(begin, begin + OF_GROUP)


TOP_TILES = range(TOP)
LOWEST_TILES = range(TILES - LOWEST, TILES)


def examples_folder(run: Path) -> Path:
    return run / EXAMPLES


def arrays_file(folder: str) -> str:
    """Return the file with the arrays of a layer, below the folder of examples."""
    return f"{LAYERS}/{folder}.npz"


def sheet_file(folder: str, channel: int) -> str:
    """Return the sheet of crops of a unit, below the folder of examples."""
    return f"{_sheet(folder, channel)}.jpg"


def where_file(folder: str, channel: int) -> str:
    """Return the sheet that says where a unit fired, below the folder of examples."""
    return f"{_sheet(folder, channel)}.where.png"


def _sheet(folder: str, channel: int) -> str:
    return f"{SHEETS}/{folder}/{channel // A_FOLDER:04d}/{channel:05d}"
