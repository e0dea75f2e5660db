"""Finished pictures on disk, whatever plan they are of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fvcli.run.layout import UNITS
from fvcli.run.listing import NO_TIME, NOT_ASKED, Listing, list_units
from fvcli.run.objects import refuse_silence
from fvcli.run.sidecar import FINISHED, NewerSidecar, Record, Sidecar, can_be_made_again, read_sidecar
from fvcli.run.work.journal import read_journals


@dataclass(frozen=True)
class Finished:
    """A finished picture.

    units: The folder of units that it is in.
    stem: Its place there.
    key: Its unit's key, or None if a newer fvcli wrote it.
    extra_names: What is added to its name for the files beside the picture.
    """

    units: Path
    stem: str
    key: str | None
    extra_names: tuple[str, ...] = ()

    @cached_property
    def sidecar(self) -> Sidecar | NewerSidecar:
        found = read_sidecar(self.units / f"{self.stem}.json")
        assert found is not None  # or it would not be finished
        return found

    @property
    def path(self) -> str:
        """Its job/unit, whatever folder of the job it is in."""
        return f"{self.job}/{self.stem.rpartition('/')[2]}"

    @property
    def job(self) -> str:
        return self.stem.partition("/")[0]

    @property
    def files(self) -> list[Path]:
        """Its files that are there, the sidecar last."""
        return [path for path in unit_files(self.units, self.stem, self.extra_names) if path.exists()]


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
        return Finished(units, stem, None, tuple(sidecar.extra_names))
    if sidecar is None or not sidecar.is_finished or wrong_sizes(units, stem, sidecar):
        return None
    return Finished(units, stem, sidecar.key, tuple(sidecar.extra_names))


def wrong_sizes(units: Path, stem: str, sidecar: Sidecar) -> list[Path]:
    """Return the files of a finished unit that are not there or not as long as its sidecar says.

    Copies in other formats do not count, because they are made from the PNG again.
    """
    expected = {units / f"{stem}.png": sidecar.png_bytes}
    expected |= {
        units / f"{stem}.{extra['name']}": extra["bytes"]
        for extra in sidecar.extras
        if not can_be_made_again(extra)
    }
    return [file for file, size in expected.items() if not _has_size(file, size)]


def _has_size(file: Path, expected: int | None) -> bool:
    try:
        size = file.stat().st_size
    except OSError as error:
        refuse_silence(file, error)
        return False
    return expected is None or size == expected


def all_finished(units: Path, records: Mapping[str, Record] | None = None) -> dict[str, Finished]:
    """Return every finished picture below a folder of units, by its place there.

    Args:
        units: The folder.
        records: What journals say; of a unit whose files have the sizes told there no sidecar is read.
    """
    listing, records = list_units(units), records or {}
    found = {}
    for stem in listing.stems():
        record = records.get(stem)
        if record is None or not is_as_told(record, listing):
            picture = finished_at(units, stem)
        elif record.status in FINISHED:
            extras = tuple(name for name in record.sizes if name not in {"png", "json"})
            picture = Finished(units, stem, record.key, extras)
        else:
            picture = None
        if picture is not None:
            found[stem] = picture
    return found


def finished_of(run: Path) -> dict[str, Finished]:
    """Return every finished picture of a run, by its place."""
    return all_finished(run / UNITS, journal_records(run)[0])


def journal_records(run: Path) -> tuple[dict[str, Record], int]:
    """Return what journals say of the units of a run, by their places, and how many were rendered twice."""
    records: dict[str, Record] = {}
    told: defaultdict[str, set[str]] = defaultdict(set)  # of each round
    again: Counter[tuple[str, str]] = Counter()  # how often after the first time, by round and place
    late: Counter[tuple[str, str]] = Counter()  # those that were there already
    for entry in read_journals(run):
        name, stems = entry.round, told[entry.round]
        for record in entry.records:  # a million of them, so each is looked at once
            stem = record.stem
            if stem in stems and (record.time_ns == NO_TIME or record != records[stem]):  # no copy of a line
                again[name, stem] += 1
            records[stem] = record
            stems.add(stem)
            if record.again:
                late[name, stem] += 1
    return records, sum(max(again[place], late[place]) for place in again.keys() | late.keys())


def is_as_told(record: Record, listing: Listing) -> bool:
    """Tell whether files are those that a journal tells of, by their sizes and the time of the sidecar."""
    if listing.times_ns.get(record.stem) != record.time_ns:
        return False
    folder, _, name = record.stem.rpartition("/")
    files = listing.folders[folder]
    for ending, size in record.sizes.items():  # noqa: SIM110  # quicker than a generator
        if files.get(f"{name}.{ending}") not in (size, NOT_ASKED):
            return False
    return True
