"""A golden: an accepted run that later runs are compared with.

    GOLDEN/ spec.yaml  plan.json  model.json  units/  sources/  fingerprints/   as in a run
            golden.json        version and tolerances; people may edit it
            calibration.json   what `fvcli compare --calibrate` measured
            manifest.sha256    a line for each file, as `sha256sum -c` reads it
            history.jsonl      a line for each acceptance: who, when, why, what
            .gitattributes     so that git merges the last two, and changes no line ends

A golden holds no times and no hosts, so that the same pictures accepted on two branches are the same files.
Any run can stand for a golden; the tolerances are then the defaults.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fvcli.errors import UsageError, command
from fvcli.golden.history import History
from fvcli.golden.results import Change
from fvcli.golden.staging import refuse_cut_off
from fvcli.golden.tolerances import DEFAULTS, Tolerances
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.layout import PLAN, SPEC, UNITS, read_text

GOLDEN, MANIFEST, HISTORY = "golden.json", "manifest.sha256", "history.jsonl"
CALIBRATION, ATTRIBUTES = "calibration.json", ".gitattributes"
GOLDEN_VERSION = 2
RENAMED_IN_2 = {"first_steps": "first_steps_of_all", "first_steps_each": "first_steps"}
OWN = (GOLDEN, MANIFEST, HISTORY)  # that no run has
CONFLICT = "<<<<<<<"  # how git marks what it could not merge
FROM_BEFORE = "take it from an earlier commit"


@dataclass(frozen=True)
class Golden:
    """A golden that was read.

    run: Its folder as a run.
    tolerances: For each way in which computers can differ.
    history: What was accepted into it.
    manifest: The sums that each file may have, by its path in the folder; None of a plain run.
    """

    run: RunFolder
    tolerances: Mapping[Change, Tolerances] = field(default_factory=lambda: DEFAULTS)
    history: History = field(default_factory=History)
    manifest: Mapping[str, frozenset[str]] | None = None

    @classmethod
    def read(cls, path: Path) -> Golden:
        """Return the golden, or the run, in a folder.

        Raises:
            UsageError: There is none, a newer fvcli wrote it, or one of its own files is damaged.
        """
        _refuse_conflict(path / PLAN)
        refuse_cut_off(path)
        _refuse_nothing(path)
        run = RunFolder.read(path)
        if not is_golden(path):
            return cls(run)
        lacking = [name for name in (GOLDEN, MANIFEST) if not (path / name).exists()]
        if lacking:
            raise UsageError(f"{path}: {' and '.join(lacking)} of this golden is missing", FROM_BEFORE)
        tolerances = _tolerances(path / GOLDEN)
        return cls(run, tolerances, History.read(path / HISTORY), _manifest(path / MANIFEST))

    @property
    def path(self) -> Path:
        return self.run.path

    @property
    def is_accepted(self) -> bool:
        """Whether it was made by accepting; else it is a run that stands for a golden."""
        return self.manifest is not None

    @cached_property
    def units(self) -> Sequence[Unit]:
        """What it has: all of its plan, for that is what was accepted; of a plain run what is finished."""
        units = self.run.plan.units
        return units if self.is_accepted else tuple(unit for unit in units if self.run.json(unit).exists())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What should be known of it, in sentences."""
        if self.manifest is None:
            return (f"{self.path} is a run, not a golden: the tolerances are the defaults",)
        return tuple(f"{self.path / name} {problem}" for name, problem in self.lacks.items())

    @cached_property
    def lacks(self) -> Mapping[str, str]:
        """What is wrong with its own files, by name: not those of units, and not what people edit."""
        if self.manifest is None:
            return {}
        known = {name: sums for name, sums in self.manifest.items() if not name.startswith(f"{UNITS}/")}
        found = {}
        for name, sums in {PLAN: frozenset(), SPEC: frozenset(), HISTORY: None, **known}.items():
            place = self.path / name
            if not place.exists():
                found[name] = "is missing: accept a run of its spec to write it anew"
            elif sums is not None and sum_of(place) not in sums:
                found[name] = "is not as it was accepted: it was merged or edited"
        return found

    def changed_file(self, unit: Unit) -> str | None:
        """Name a file of a unit that is not the one that was accepted, if there is one."""
        if self.manifest is None:
            return None
        for place in (self.run.json(unit), self.run.png(unit)):
            known = self.manifest.get(place.relative_to(self.path).as_posix())
            if known is None or sum_of(place) not in known:
                return place.name
        return None


def is_golden(path: Path) -> bool:
    """Tell whether a folder is a golden, whole or not, and no plain run."""
    return any((path / name).exists() for name in OWN)


def _refuse_nothing(path: Path) -> None:
    """Raise UsageError where there is neither a golden nor a run."""
    if (path / PLAN).exists():
        return
    if is_golden(path):
        raise UsageError(f"{path}: {PLAN} of this golden is missing", FROM_BEFORE)
    if path.is_file():
        raise UsageError(f"{path} is a file", "give the folder of a golden")
    if path.is_dir() and any(path.iterdir()):
        raise UsageError(f"{path}: there is neither a golden nor a run here", "give the folder of one")
    hint = f"make one: {command('accept', 'RUN', '--golden', path, '--reason', 'TEXT')}"
    raise UsageError(f"{path}: there is no golden here", hint)


def sum_of(path: Path) -> str:
    """Return the SHA-256 of a file, or nothing if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def write_tolerances(tolerances: Mapping[Change, Tolerances]) -> bytes:
    """Return the content of a golden.json."""
    data = {
        "version": GOLDEN_VERSION,
        "tolerances": {change: limits.model_dump() for change, limits in tolerances.items()},
    }
    return (json.dumps(data, indent=1) + "\n").encode()


def _tolerances(path: Path) -> dict[Change, Tolerances]:
    _refuse_conflict(path)
    try:
        data = json.loads(path.read_bytes())
        version, given = data["version"], data.get("tolerances", {})
        is_newer = version > GOLDEN_VERSION
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path}: not a readable golden ({_why(error)})", FROM_BEFORE) from error
    if is_newer:  # whatever else it is
        message = f"{path}: written by a newer fvcli (version {version}, this one reads {GOLDEN_VERSION})"
        raise UsageError(message, "compare with that version")
    if not isinstance(given, dict):
        raise UsageError(f"{path}: tolerances: not a mapping", f"its keys are {', '.join(DEFAULTS)}")
    for odd in sorted(given.keys() - DEFAULTS.keys()):
        raise UsageError(
            f"{path}: tolerances.{odd}: there is no such change", f"they are {', '.join(DEFAULTS)}"
        )
    if version < 2:  # see RENAMED_IN_2
        given = {change: _renamed(limits) for change, limits in given.items()}
    return {change: _limits(path, change, given.get(change, {})) for change in DEFAULTS}


def _renamed(limits: Any) -> Any:
    """Return limits of version 1 with the names that they have now."""
    if not isinstance(limits, dict):
        return limits
    return {RENAMED_IN_2.get(name, name): value for name, value in limits.items()}


def _why(error: Exception) -> str:
    """Say why a file could not be read."""
    if isinstance(error, OSError):
        return str(error.strerror)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no JSON"
    return "version is missing" if isinstance(error, KeyError) else "it is not a mapping with a version"


def _limits(path: Path, change: Change, given: Any) -> Tolerances:
    default = DEFAULTS[change].model_dump()
    try:
        return Tolerances.model_validate({**default, **given})
    except (ValidationError, TypeError) as error:
        reason = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        key = ".".join(map(str, ("tolerances", change, *reason["loc"])))
        known = ", ".join(default)
        raise UsageError(f"{path}: {key}: {reason['msg']}", f"its keys are {known}") from error


def _manifest(path: Path) -> dict[str, frozenset[str]]:
    """Read lines of a sum and a path; a file that has several lines after a merge may be any of them."""
    found: dict[str, frozenset[str]] = {}
    for line in read_text(path).splitlines():
        total, _, name = line.partition("  ")
        found[name] = found.get(name, frozenset()) | {total}
    return found


def _refuse_conflict(path: Path) -> None:
    if CONFLICT in read_text(path):
        message = f"{path}: git could not merge it"
        raise UsageError(
            message, "take either side (git checkout --ours or --theirs), then accept a run again"
        )
