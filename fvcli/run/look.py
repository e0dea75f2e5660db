"""What the files of a run say of its units, each file looked at once.

Journals tell what the sidecars say, and the sizes of all files. A sidecar is read only where its unit's files
are not as a journal tells, or where no journal tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fvcli.plan import Place
from fvcli.plan.head import is_large
from fvcli.plan.without_cycles import without_cycles
from fvcli.run.finished import is_as_told, journal_records, wrong_sizes
from fvcli.run.folder import RunFolder
from fvcli.run.listing import Listing, list_units
from fvcli.run.sidecar import FINISHED, NewerSidecar, Record, Sidecar, read_sidecar

NEWER = "newer"


class Look:
    """A look at a run.

    Args:
        units: Its folder of units.
        listing: What is in there.
        records: What its journals say, by place.
        twice: How many units were rendered although they were finished.
    """

    def __init__(self, units: Path, listing: Listing, records: Mapping[str, Record], twice: int) -> None:
        self._units = units
        self._listing = listing
        self._records = records
        self.twice = twice
        self._latest: tuple[Place | None, Sidecar | NewerSidecar | None] = (None, None)

    def state(self, place: Place) -> str | None:
        """Return done, dead, failed or newer, or None if there is no result of the unit."""
        record = self._record(place)
        if record is not None:
            return record.status
        if place.stem not in self._listing.times_ns:
            return None
        sidecar = self._sidecar(place)
        if isinstance(sidecar, NewerSidecar):
            return NEWER
        return sidecar.status if sidecar is not None else None

    def reason(self, place: Place) -> str | None:
        """Say why a unit is not simply done."""
        sidecar = self._sidecar(place)
        if isinstance(sidecar, NewerSidecar):
            return sidecar.said
        return sidecar.error if sidecar is not None else None

    def remarks(self, place: Place) -> Sequence[str]:
        """Return what is odd about the picture of a unit that is done."""
        record = self._record(place)
        if record is not None:
            return record.remarks
        sidecar = self._sidecar(place)
        return sidecar.remarks if isinstance(sidecar, Sidecar) else ()

    def _record(self, place: Place) -> Record | None:
        """Return what a journal says of a unit, if its files are as told there."""
        record = self._records.get(place.stem)
        if record is not None and record.key == place.key and is_as_told(record, self._listing):
            return record
        return None

    def _sidecar(self, place: Place) -> Sidecar | NewerSidecar | None:
        """Return a unit's sidecar; of another unit, or of files that are not whole, none.

        The latest is kept, because one asks several things of a unit.
        """
        if self._latest[0] != place:
            self._latest = place, self._read(place)
        return self._latest[1]

    def _read(self, place: Place) -> Sidecar | NewerSidecar | None:
        found = read_sidecar(self._units / f"{place.stem}.json")
        if isinstance(found, Sidecar):
            is_its = found.key == place.key
            is_whole = not found.is_finished or not wrong_sizes(self._units, place.stem, found)
            return found if is_its and is_whole else None
        return found

    @property
    def results(self) -> int:
        """How many sidecars there are."""
        return len(self._listing.times_ns)

    def others(self, places: Iterable[Place]) -> int:
        """Count the finished pictures that are not those of some units, such as of a plan."""
        planned = {place.stem: place.key for place in places}
        keys = frozenset(planned.values())  # what has one of these is a copy, such as of a client that syncs
        strange = [stem for stem in self._listing.times_ns if not self._is(stem, planned.get(stem))]
        found = (read_sidecar(self._units / f"{stem}.json") for stem in strange)
        return sum(
            isinstance(one, Sidecar)
            and one.is_finished
            and one.key not in keys
            and not wrong_sizes(self._units, stem, one)
            for stem, one in zip(strange, found, strict=True)
        )

    def _is(self, stem: str, key: str | None) -> bool:
        """Tell whether a journal says that what stands at a place has a key."""
        record = self._records.get(stem)
        return record is not None and record.key == key and record.time_ns == self._listing.times_ns[stem]


def count_finished(run: RunFolder) -> int:
    """Look at the files of a run, and return how many of its units are finished."""
    with without_cycles():
        look = look_at(run)
        return sum(look.state(place) in FINISHED for place in run.plan.places())


def look_at(run: RunFolder) -> Look:
    """Look at the files of a run; of a large one not at the sizes of pictures, which takes as long again."""
    listing = list_units(run.units, quick=is_large(run.plan))
    return Look(run.units, listing, *journal_records(run.path))
