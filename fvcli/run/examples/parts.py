"""What is worked out of the pictures of one block: examples/parts/00012.npz, and what all blocks share.

    parts/origin.json   what the parts are of
          effects.npz   effects on classes that follow from the weights alone
          00012.npz     block 12: pictures 12288 to 13311

A part is written whole, so a block is worked out or not. What it says depends on its own pictures alone.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError, UsageError
from fvcli.run.atomic import remove_tree, write_atomic
from fvcli.run.examples import layout
from fvcli.run.examples.layout import PARTS, examples_folder
from fvcli.run.examples.origin import Origin
from fvcli.run.listing import files_below
from fvcli.run.objects import is_object, read_bytes

ORIGIN, EFFECTS = "origin.json", "effects.npz"
PART = re.compile(r"(\d{5,})\.npz")
QUICK = 1  # of zlib: what is packed more takes longer to write than to work out
AGAIN = "add --again to work everything out anew, or give another run"


@dataclass(frozen=True)
class BlockFacts:
    """What a part says of its pictures.

    read: Numbers of those that could be read, int32, ascending.
    skipped: Numbers and reasons of the others.
    sample, shown, effect: Numbers of those that are drawn for quantiles, groups and effects, int32,
        ascending; all of them could be read.
    predicted: int32, the class that the network takes each picture of ``effect`` for.
    """

    read: np.ndarray
    skipped: Sequence[tuple[int, str]]
    sample: np.ndarray
    shown: np.ndarray
    effect: np.ndarray
    predicted: np.ndarray


# Arrays of one layer of a part, U units; K pictures are kept at each end; cells are as ``crops`` has them.
#   sum       float64 [U]      of all activations
#   positive  int64 [U]        positions whose activation is above 0
#   fires     int64 [U]        pictures whose maximum is
#   max, min  float32 [U]      of the maxima
#   top, low  _numbers int32 [U, K] (-1: none), _values float32, _positions int32, _where uint8 [U, K, h, w]
#   sample    float32 [S, U]   the maxima
#   shown     _positions int32 [G, U], _where uint8 [G, U, h, w]
#   effect    float32 [E, U]   gradient x activation; [0, U] where that is not asked
Arrays = Mapping[str, np.ndarray]


class Parts:
    """The parts of a run's examples.

    Args:
        run: The run's folder, or its address in an object store.
    """

    def __init__(self, run: Path) -> None:
        self.folder = examples_folder(run) / PARTS

    def origin(self) -> Origin | None:
        """Return what the parts are of, or None if there are none."""
        place = self.folder / ORIGIN
        try:
            return Origin.read(read_bytes(place), place)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def begin(self, origin: Origin) -> None:
        """Begin parts, or go on with those that are there.

        What was left by examples of which nothing else is known, such as old sheets, is removed.

        Raises:
            UsageError: Those that are there are of something else.
        """
        there = self.origin()
        if there is None:
            self.clear_unknown()
            write_atomic(self.folder / ORIGIN, origin.to_json().encode())
        elif there != origin:
            raise other_origin(self.folder, there, origin)

    def there(self) -> set[int]:
        """Return the blocks that are worked out; none where it is not known what they are of."""
        if self.origin() is None:
            return set()
        names = (PART.fullmatch(name) for name in files_below(self.folder))
        return {int(name[1]) for name in names if name}

    def place(self, block: int) -> Path:
        return self.folder / f"{block:05d}.npz"

    def write(self, block: int, facts: BlockFacts, layers: Sequence[Arrays]) -> None:
        """Write the part of a block."""
        skipped = json.dumps(list(facts.skipped)).encode()
        arrays = {
            "read": facts.read,
            "skipped": np.frombuffer(skipped, np.uint8),
            "sample": facts.sample,
            "shown": facts.shown,
            "effect": facts.effect,
            "predicted": facts.predicted,
        }
        for number, layer in enumerate(layers):
            arrays |= {f"{number}/{name}": array for name, array in layer.items()}
        write_atomic(self.place(block), _packed(arrays))

    def facts(self, block: int) -> BlockFacts:
        """Return what a part says of its pictures.

        Raises:
            FvcliError: It cannot be read.
        """
        found = self._arrays(block, ["read", "skipped", "sample", "shown", "effect", "predicted"])
        skipped = [(int(number), str(reason)) for number, reason in json.loads(found["skipped"].tobytes())]
        arrays = {name: array for name, array in found.items() if name != "skipped"}
        return BlockFacts(skipped=skipped, **arrays)

    def layer(self, block: int, number: int, names: Sequence[str]) -> Arrays:
        """Return some arrays of one layer of a part."""
        found = self._arrays(block, [f"{number}/{name}" for name in names])
        return {name: found[f"{number}/{name}"] for name in names}

    def clear_unknown(self) -> None:
        """Remove what stands where neither a head nor an origin is: a kill left it while it was removed."""
        folder = self.folder.parent
        there = set(files_below(folder))
        if there and not there & {layout.HEAD, f"{PARTS}/{ORIGIN}"}:
            remove_tree(folder)

    def write_effects(self, effects: Arrays) -> None:
        """Write what follows from the weights, unless it is there."""
        if EFFECTS not in set(files_below(self.folder)):
            write_atomic(self.folder / EFFECTS, _packed(effects))

    def effects(self) -> Arrays:
        """Return what follows from the weights: float32 [U, classes] by the number of a layer."""
        content = read_bytes(self.folder / EFFECTS)
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}

    def has_effects(self) -> bool:
        return EFFECTS in set(files_below(self.folder))

    def remove(self) -> None:
        remove_tree(self.folder)

    def files(self) -> Iterator[str]:
        """Yield the names of the parts, what they are of last."""
        names = sorted(files_below(self.folder))
        yield from (name for name in names if PART.fullmatch(name) or name == EFFECTS)
        yield from (name for name in names if name == ORIGIN)

    def _arrays(self, block: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        place = self.place(block)
        try:
            source = io.BytesIO(read_bytes(place)) if is_object(place) else place
            with np.load(source, allow_pickle=False) as found:
                return {name: found[name] for name in names}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            hint = "remove this file and run the same command"
            raise FvcliError(f"{place}: a part that cannot be read", hint) from error


def other_origin(place: Path, there: Origin, asked: Origin) -> UsageError:
    """Return the error of parts, or of finished examples, that are of something else."""
    message = f"{place}: what is there differs from what is asked for in {there.differences(asked)}"
    return UsageError(message, AGAIN)


def copy_parts(sources: Sequence[Path], target: Path) -> None:
    """Bring the parts of runs together in another run.

    Raises:
        UsageError: They are of different things; nothing was written.
    """
    refuse_other_parts(sources, target)
    if any(Parts(source).origin() is not None for source in sources):
        Parts(target).clear_unknown()
    for source in sources:
        parts = Parts(source)
        there = set(files_below(Parts(target).folder))
        for name in parts.files():
            if name not in there:
                write_atomic(Parts(target).folder / name, read_bytes(parts.folder / name))


def refuse_other_parts(sources: Sequence[Path], target: Path) -> None:
    """Raise UsageError if runs have parts of different things."""
    known = [(run, origin) for run in (target, *sources) if (origin := Parts(run).origin()) is not None]
    for run, origin in known[1:]:
        if origin != known[0][1]:
            differs = known[0][1].differences(origin)
            message = f"the examples of {run} and of {known[0][0]} differ in {differs}"
            raise UsageError(message, "merge shards of one command fvcli examples")


def forget_examples(run: Path) -> None:
    """Remove the examples of a run, finished or not; the head first, so that no reader finds a half."""
    folder = examples_folder(run)
    (folder / layout.HEAD).unlink(missing_ok=True)
    remove_tree(folder)


def _packed(arrays: Arrays) -> bytes:
    """Return a .npz file; equal arrays give equal bytes. Floats hardly shrink, so they are not packed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as packed:
        for name in sorted(arrays):
            member, is_float = f"{name}.npy", arrays[name].dtype.kind == "f"
            entry_of = zipfile.ZipInfo(member) if is_float else member  # the first is stored as it is
            with packed.open(entry_of, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.ascontiguousarray(arrays[name]), allow_pickle=False)
    return file.getvalue()
