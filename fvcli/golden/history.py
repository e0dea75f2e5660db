"""What was accepted into a golden, by whom, when and why: a line of JSON for each acceptance.

    {"version": 1, "when": "2026-02-03T04:05:06+00:00", "who": "...", "why": "...", "fvcli": "0.3.0",
     "units": {"job/unit": {"from": {"key": "...", "pixels": "..."}, "to": {...}}}}

The lines of two branches can be put together in any order that keeps each branch's own. A picture counts as
accepted while nothing was accepted in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fvcli.errors import UsageError

HISTORY_VERSION = 1
CONFLICT_MARKS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
GIVE_ONE = "give a history.jsonl that fvcli accept wrote, or take it from an earlier commit"


@dataclass(frozen=True)
class Picture:
    """What tells a picture from others.

    key: Of its unit.
    pixels: Hash of its pixels.
    fingerprint: Id of what it was computed with.
    """

    key: str
    pixels: str
    fingerprint: str = ""


@dataclass(frozen=True)
class Step:
    """One unit of an acceptance: what was there before, and what is there now; None for nothing."""

    was: Picture | None
    now: Picture | None


@dataclass(frozen=True)
class Acceptance:
    """One line.

    units: By job/unit.
    """

    when: str
    who: str
    why: str
    fvcli: str
    units: Mapping[str, Step]

    def to_json(self) -> str:
        units = {
            path: {"from": _plain(step.was), "to": _plain(step.now)} for path, step in self.units.items()
        }
        about = {"when": self.when, "who": self.who, "why": self.why, "fvcli": self.fvcli}
        return json.dumps({"version": HISTORY_VERSION, **about, "units": units}, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class History:
    """All acceptances, in the order of the file."""

    acceptances: tuple[Acceptance, ...] = ()

    @classmethod
    def read(cls, path: Path) -> History:
        """Return the history in a file; an empty one if there is none.

        Raises:
            UsageError: A line cannot be read, or a newer fvcli wrote it.
        """
        try:
            lines = path.read_text(encoding="utf-8").split("\n")  # a text may have other separators inside
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: not a readable history ({error})") from error
        first: dict[str, int] = {}  # a merge may leave a line twice, which must not accept anew
        for number, line in enumerate(lines, 1):
            first.setdefault(line, number)
        return cls(tuple(_read(path, number, line) for line, number in first.items() if line.strip()))

    def with_lines_of(self, other: History) -> History:
        """Return both, without what stands in both."""
        known = {acceptance.to_json() for acceptance in self.acceptances}
        return History((*self.acceptances, *(one for one in other.acceptances if one.to_json() not in known)))

    def accepted(self, path: str, pixels: str) -> Acceptance | None:
        """Return the acceptance that a picture came from, if nothing was accepted in its place since."""
        ends: dict[str, Acceptance] = {}
        for acceptance in self.acceptances:
            step = acceptance.units.get(path)
            if step is not None and step.was is not None:
                ends.pop(step.was.pixels, None)
            if step is not None and step.now is not None:
                ends[step.now.pixels] = acceptance
        return ends.get(pixels)


def _plain(picture: Picture | None) -> dict[str, str] | None:
    return None if picture is None else asdict(picture)


def _read(path: Path, number: int, line: str) -> Acceptance:
    try:
        data = json.loads(line)
        version = int(data["version"])
        if version > HISTORY_VERSION:
            raise UsageError(f"{path}:{number}: written by a newer fvcli", "compare with that version")
        units = {
            name: Step(_picture(step["from"]), _picture(step["to"])) for name, step in data["units"].items()
        }
        when, who, why, fvcli = (str(data[key]) for key in ("when", "who", "why", "fvcli"))
        return Acceptance(when, who, why, fvcli, units)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        is_mark = line.startswith(CONFLICT_MARKS)
        hint = "remove git's conflict marks, and keep the lines of both sides" if is_mark else GIVE_ONE
        raise UsageError(f"{path}:{number}: not a line of a history", hint) from error


def _picture(data: Mapping[str, Any] | None) -> Picture | None:
    if data is None:
        return None
    return Picture(str(data["key"]), str(data["pixels"]), str(data.get("fingerprint", "")))
