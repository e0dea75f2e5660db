"""What was built of a chapter, so that the next build makes only what changed and removes what is left over.

build/FOLDER.json           sums, and which parts there are; it is written last
build/parts/FOLDER/0.json   of each page of an entry its sum, and the keys of its pictures
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fvcli.atlas.site import layout
from fvcli.atlas.site.written import write_changed
from fvcli.plan.terms import digest_of_text

STATE_VERSION = 1
LACKING = "-"
A_PART = 20_000  # sums and keys of a file, so that none is larger than a megabyte


@dataclass(frozen=True)
class EntryState:
    """What was built of an entry.

    sum: Of what its page says.
    keys: Of its pictures; a minus stands before those that there is no picture of.
    """

    sum: str
    keys: Sequence[str] = ()


@dataclass(frozen=True)
class ChapterState:
    """What was built of a chapter.

    sum: Two chapters that share it have equal pages.
    strip: Positions of the entries that the overview shows.
    sheets: The sum of each sheet.
    damaged: Units whose pictures could not be read.
    data: The files with its entries for other programs.
    files: All files but pages, pictures and keys of entries.
    entries: By name.
    """

    sum: str = ""
    strip: Sequence[int] = ()
    sheets: Sequence[str] = ()
    damaged: Sequence[str] = ()
    data: Sequence[str] = ()
    files: Sequence[str] = ()
    entries: Mapping[str, EntryState] = field(default_factory=dict)

    def names(self, folder: str) -> Iterator[str]:
        """Yield all files of the chapter."""
        yield from self.files
        for name, entry in self.entries.items():
            yield layout.entry_page(folder, name)
            for key in entry.keys:
                yield layout.key_page(key.removeprefix(LACKING))
                if not key.startswith(LACKING):
                    yield layout.picture_file(folder, key)


def without_sums(state: ChapterState) -> ChapterState:
    """Return the state of a chapter of which it is not known any more whether its pages are as they were."""
    entries = {name: replace(entry, sum="") for name, entry in state.entries.items()}
    return replace(state, sum="", entries=entries)


def read_state(site: Path, folder: str) -> ChapterState:
    """Return what was built of a chapter; what cannot be read counts as not built."""
    try:
        head = json.loads((site / layout.build_file(folder)).read_bytes())
        if head["version"] != STATE_VERSION:
            return ChapterState()
        entries: dict[str, EntryState] = {}
        for number, total in enumerate(head.pop("parts")):
            text = (site / layout.build_part(folder, number)).read_text()
            is_whole = digest_of_text(text) == total
            for name, (said, *keys) in json.loads(text).items():
                entries[name] = EntryState(said if is_whole else "", keys)
        del head["version"]
        return ChapterState(**head, entries=entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ChapterState()


def write_state(site: Path, folder: str, state: ChapterState) -> None:
    """Write what was built of a chapter."""
    texts = list(_parts(state.entries))
    for number, text in enumerate(texts):
        write_changed(site / layout.build_part(folder, number), text)
    head: dict[str, Any] = {one.name: getattr(state, one.name) for one in fields(state)}
    head |= {"parts": [digest_of_text(text) for text in texts]}
    del head["entries"]
    write_changed(site / layout.build_file(folder), json.dumps({"version": STATE_VERSION, **head}))
    _remove_parts(site, folder, len(texts))


def remove_state(site: Path, folder: str) -> None:
    """Remove what is known of a chapter that is there no more."""
    _remove_parts(site, folder, 0)
    (site / layout.build_file(folder)).unlink(missing_ok=True)


def _remove_parts(site: Path, folder: str, begin: int) -> None:
    """Remove the parts from a number on."""
    for part in (site / layout.build_part(folder, 0)).parent.glob("*.json"):
        if int(part.stem) >= begin:
            part.unlink(missing_ok=True)


def _parts(entries: Mapping[str, EntryState]) -> Iterator[str]:
    part: dict[str, list[str]] = {}
    count = 0
    for name, entry in entries.items():
        part[name] = [entry.sum, *entry.keys]
        count += 2 + len(entry.keys)
        if count >= A_PART:
            yield json.dumps(part)
            part, count = {}, 0
    if part:
        yield json.dumps(part)
