"""What units need beside the network: pictures, arrays and vectors, read once and checked."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fvcli.media import (
    find_stills,
    mean_spectrum,
    read_array,
    read_frames,
    read_picture_sized,
    sha256_of_all,
    sized,
)
from fvcli.models.files.checksums import check_sum
from fvcli.optvis.colour import colour_matrix
from fvcli.optvis.streams import stream
from fvcli.plan import Program, Source, TermPlan, Unit
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.run.unfinished_films import KeptFrames

PICTURES_KEPT = 4  # of a large size, 150 MB each
SPECTRUM_PX = (512, 512)  # at which magnitudes of photos are taken, as published


class Assets:
    """The sources of a run, as arrays.

    Args:
        run: The run, whose folder has copies of them.
        channels: Of the network's input.
        fingerprint: Id of what pictures are computed with.
    """

    def __init__(self, run: RunFolder, channels: int, fingerprint: str = "") -> None:
        self._run = run
        self._fingerprint = fingerprint
        self._channels = channels
        self.picture = functools.lru_cache(PICTURES_KEPT)(self._picture)
        self._array = functools.cache(self._read_array)
        self.photos = functools.cache(self._photos)

    def firsts_of_groups(self, program: Program) -> list[Unit]:
        """Return the first unit of each group of the run that one compiled ascent serves."""
        plan = self._run.plan
        served = {i for i, one in enumerate(plan.programs) if one.compilation == program.compilation}
        return [unit for unit in plan.units if unit.program in served and unit.member == 0]

    def source(self, sha256: str) -> tuple[Source, Path]:
        """Return a source and the run's copy of it."""
        source = self._run.plan.source(sha256)
        return source, self._run.source_path(source)

    def _picture(self, sha256: str, size_px: tuple[int, int]) -> np.ndarray:
        """Return a picture, or the first frame of a film, as float32 [h, w, channels] in [0, 1]."""
        source, path = self.source(sha256)
        if source.frames > 1:
            return next(self.frames(sha256, size_px))
        return read_picture_sized(path, size_px, self._channels)

    def frames(self, sha256: str, size_px: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield a film's frames as float32 [h, w, channels] in [0, 1], cut to a size as pictures are."""
        for frame in read_frames(self.source(sha256)[1]):
            yield sized(frame.astype(np.float32) / np.float32(255), size_px, self._channels)

    def kept_frames(self, unit: Unit, shape: tuple[int, ...]) -> KeptFrames:
        """Return the frames [h, w, channels] of a unit's film that are rendered already."""
        return KeptFrames(self._run.path, unit.key, self._fingerprint, shape)

    def array(self, sha256: str) -> np.ndarray:
        """Return an array as float32."""
        return self._array(sha256)

    def _read_array(self, sha256: str) -> np.ndarray:
        return read_array(self.source(sha256)[1])

    def vector(self, term: TermPlan, channels: int) -> np.ndarray:
        """Return a term's direction as float32 [channels].

        Random ones are normal and of length 1.
        """
        given = term.vector
        assert given is not None
        if "random" in given:
            drawn = stream("direction", given["random"], term.layer).standard_normal(channels)
            return (drawn / np.linalg.norm(drawn)).astype(np.float32)
        if "channels" in given:
            vector = np.zeros(channels, np.float32)
            np.add.at(vector, list(given["channels"]), np.float32(given["weights"]))
            return vector
        if "values" in given:
            return np.asarray(given["values"], np.float32)
        array = self.array(given["file"])
        return array[given["row"]] if array.ndim == 2 else array

    def _photos(self, folder: str, sha256: str) -> tuple[Path, ...]:
        """Return a folder's pictures, in order; what is in them is looked at once, for the sum.

        Raises:
            UsageError: They are not there, or others than were planned with.
        """
        pictures = find_stills(folder, None)
        check_sum(Path(folder), sha256_of_all(pictures), sha256)
        return tuple(Path(picture.path) for picture in pictures)

    def photo(self, path: Path, size_px: tuple[int, int]) -> np.ndarray:
        """Return a picture of a folder as float32 [h, w, channels] in [0, 1]."""
        return read_picture_sized(path, size_px, self._channels)

    def spectrum(self, folder: str, sha256: str) -> np.ndarray:
        """Return the mean magnitudes of a folder's pictures, float32 [3, h, w // 2 + 1].

        They are worked out once, and are kept with the run's sources.
        """
        kept = self._run.sources / f"spectrum-{sha256[:8]}.npy"
        if not kept.exists():
            decorrelate = np.linalg.inv(colour_matrix().astype(np.float64))
            buffer = io.BytesIO()
            np.save(buffer, mean_spectrum(self.photos(folder, sha256), SPECTRUM_PX, decorrelate))
            write_atomic(kept, buffer.getvalue())
        spectrum: np.ndarray = np.load(io.BytesIO(kept.read_bytes()), allow_pickle=False)
        return spectrum
