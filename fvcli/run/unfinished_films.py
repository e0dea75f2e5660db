"""Frames of films that are not finished: unfinished-films/<key>-<fingerprint>/.

    00012.npy         a frame, uint8 [h, w, channels]
    00012-dream.npy   what the next frame begins with, float32 [h, w, channels]; of the latest frame alone

A film has hundreds of frames, and each may take minutes. Whoever takes the film up again goes on behind the
last frame that is here. The key says which unit they are of, the fingerprint what they were computed with.
So the film has the bytes of one that was never interrupted. They are removed when the unit is finished.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError
from fvcli.plan import Plan, Unit
from fvcli.run.atomic import remove_tree, write_atomic
from fvcli.run.layout import FILMS
from fvcli.run.listing import files_below
from fvcli.run.objects import read_bytes

DREAM = "-dream"


class KeptFrames(Sequence[np.ndarray]):
    """The frames of one film, in order.

    Args:
        run: The run's folder.
        key: Of the unit.
        fingerprint: Id of what it is computed with.
        shape: Of a frame, [h, w, channels].
    """

    def __init__(self, run: Path, key: str, fingerprint: str, shape: tuple[int, ...]) -> None:
        self._folder = run / FILMS / f"{key}-{fingerprint}"
        self._shape = shape
        self._count = 0

    def go_on(self) -> np.ndarray | None:
        """Take up the frames that are here; return what the next one begins with, or None without any."""
        names = {name.removesuffix(".npy") for name in files_below(self._folder)}
        latest = sorted((name.removesuffix(DREAM) for name in names if name.endswith(DREAM)), reverse=True)
        for name in filter(str.isdecimal, latest):
            dream = self._read(f"{name}{DREAM}", np.float32)
            if dream is not None and self._has_frames(int(name) + 1):
                self._count = int(name) + 1
                return dream
        return None

    def _has_frames(self, count: int) -> bool:
        return all(self._read(_name(i), np.uint8) is not None for i in range(count))

    def keep(self, frame: np.ndarray, dream: np.ndarray) -> None:
        """Keep the next frame, and what the one behind it begins with.

        Raises:
            FvcliError: The disk is full, or the folder cannot be written.
        """
        number = self._count
        self._write(_name(number), frame)
        self._write(f"{_name(number)}{DREAM}", dream)  # now the frame counts
        if number:
            self._place(f"{_name(number - 1)}{DREAM}").unlink(missing_ok=True)
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number):  # type: ignore[no-untyped-def]  # frames are read one by one
        name = _name(range(self._count)[number])
        frame = self._read(name, np.uint8)
        if frame is None:
            place = self._place(name)
            raise FvcliError(f"{place}: a frame of a film cannot be read", "render the same spec again")
        return frame

    def _place(self, name: str) -> Path:
        return self._folder / f"{name}.npy"

    def _write(self, name: str, array: np.ndarray) -> None:
        content = io.BytesIO()
        np.save(content, array, allow_pickle=False)
        write_atomic(self._place(name), content.getvalue())

    def _read(self, name: str, kind: type) -> np.ndarray | None:
        """Return an array, or None if it is not there, damaged or of another size."""
        try:
            array: np.ndarray = np.load(io.BytesIO(read_bytes(self._place(name))), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return array if array.shape == self._shape and array.dtype == kind else None


def forget_frames(run: Path, key: str) -> None:
    """Remove the frames of a unit, whatever they were computed with."""
    for folder in _folders(run):
        if folder.name.partition("-")[0] == key:
            remove_tree(folder)


def forget_strange_frames(run: Path, plan: Plan, is_finished: Callable[[Unit], bool]) -> None:
    """Remove frames of units that a plan does not have, or that are finished."""
    folders = list(_folders(run))
    if not folders:
        return
    keys = {folder.name.partition("-")[0] for folder in folders}
    open_keys = {unit.key for unit in plan.units if unit.key in keys and not is_finished(unit)}
    for folder in folders:
        if folder.name.partition("-")[0] not in open_keys:
            remove_tree(folder)


def _folders(run: Path) -> Iterator[Path]:
    """Yield the folders of films; there is none in most runs."""
    names = {name.partition("/")[0] for name in files_below(run / FILMS)}
    yield from (run / FILMS / name for name in sorted(names))


def _name(number: int) -> str:
    return f"{number:05d}"
