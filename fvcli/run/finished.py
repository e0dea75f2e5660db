"""Finished pictures on disk, whatever plan they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.run.layout import JOB_FOLDERS
from fvcli.run.sidecar import NewerSidecar, Sidecar, read_sidecar


@dataclass(frozen=True)
class Finished:
    """A finished picture: the folder of units that it is in, its place there, and its sidecar."""

    units: Path
    stem: str
    sidecar: Sidecar | NewerSidecar

    @property
    def path(self) -> str:
        """Its job/unit, whatever folder of the job it is in."""
        return f"{self.job}/{self.stem.rpartition('/')[2]}"

    @property
    def key(self) -> str | None:
        """Its unit's key, or None if a newer fvcli wrote it."""
        return self.sidecar.key if isinstance(self.sidecar, Sidecar) else None

    @property
    def job(self) -> str:
        return self.stem.partition("/")[0]

    @property
    def files(self) -> list[Path]:
        """Its files that are there, the sidecar last."""
        return [path for path in unit_files(self.units, self.stem, self.sidecar.extra_names) if path.exists()]


def unit_files(units: Path, stem: str, extra_names: Sequence[str] = ()) -> list[Path]:
    """Return where the files of a unit are: what stands beside its picture, the picture, the sidecar."""
    return [units / f"{stem}.{name}" for name in (*extra_names, "png", "json")]


def finished_at(units: Path, stem: str) -> Finished | None:
    """Return the finished picture at a place, such as job/unit, or None if there is none.

    It counts only with its picture and what belongs to it, of the sizes that were written. One of a newer
    fvcli always counts.
    """
    sidecar = read_sidecar(units / f"{stem}.json")
    if isinstance(sidecar, NewerSidecar):
        return Finished(units, stem, sidecar)
    if sidecar is None or not sidecar.is_finished or wrong_sizes(units, stem, sidecar):
        return None
    return Finished(units, stem, sidecar)


def wrong_sizes(units: Path, stem: str, sidecar: Sidecar) -> list[Path]:
    """Return the files of a finished unit that are not there or not as long as its sidecar says."""
    expected = {units / f"{stem}.png": sidecar.png_bytes}
    expected |= {units / f"{stem}.{extra['name']}": extra["bytes"] for extra in sidecar.extras}
    return [file for file, size in expected.items() if not _has_size(file, size)]


def _has_size(file: Path, expected: int | None) -> bool:
    try:
        size = file.stat().st_size
    except OSError:
        return False
    return expected is None or size == expected


def all_finished(units: Path) -> dict[str, Finished]:
    """Return every finished picture below a folder of units, by its place there."""
    files = sorted((*units.glob("*/*.json"), *units.glob(f"*/{JOB_FOLDERS}/*.json")))
    found = [finished_at(units, file.relative_to(units).as_posix().removesuffix(".json")) for file in files]
    return {picture.stem: picture for picture in found if picture is not None}
