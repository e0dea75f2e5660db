"""Take a run's pictures into a golden."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fvcli import __version__
from fvcli.errors import UsageError, counted, some_lines
from fvcli.golden.folder import ATTRIBUTES, GOLDEN, HISTORY, MANIFEST, Golden, sum_of, write_tolerances
from fvcli.golden.golden_plan import golden_plan
from fvcli.golden.history import Acceptance, Picture, Step
from fvcli.golden.look import find
from fvcli.golden.results import Comparison
from fvcli.golden.staging import Staging
from fvcli.golden.tolerances import DEFAULTS
from fvcli.plan import Plan, Unit
from fvcli.plan.written_keys import overrides
from fvcli.run import RunFolder, Sidecar
from fvcli.run.layout import FINGERPRINTS, JOB_FOLDERS, MODEL, PLAN, SOURCES, SPEC, UNITS
from fvcli.run.sidecar import read_sidecar
from fvcli.spec import parse_document
from fvcli.spec.yaml_text import write_yaml

UNTOUCHED = {"match", "close"}  # noise rewrites nothing
MOST_NAMED = 5
# Line ends are part of what is hashed; lines of two branches are put together.
ATTRIBUTES_TEXT = f"* -text\n{MANIFEST} merge=union\n{HISTORY} merge=union\n*.png binary\n"
OF_THE_RENDER = ("seconds", "cpu_seconds", "batch", "attempt", "extras")  # differ where the picture does not


@dataclass(frozen=True)
class About:
    """Who accepts, when and why."""

    when: str
    who: str
    why: str


@dataclass(frozen=True)
class Taken:
    """What an acceptance changes.

    changed: Units whose pictures are taken over.
    removed: Units that the run's spec does not have any more.
    """

    changed: tuple[Unit, ...]
    removed: tuple[Unit, ...] = ()

    @property
    def paths(self) -> set[str]:
        return {unit.path for unit in (*self.changed, *self.removed)}

    @property
    def is_nothing(self) -> bool:
        return not self.changed and not self.removed


class Done(NamedTuple):
    """What a golden is after an acceptance.

    plan: Its plan.
    mended: Names of files that were missing or damaged and are as they should be.
    """

    plan: Plan
    mended: tuple[str, ...]


def choose(
    run: RunFolder, wanted: frozenset[str] | None, found: Comparison | None, everything: bool
) -> list[Unit]:
    """Return the units of a run whose pictures are to be taken over.

    Args:
        run: The run.
        wanted: Paths of units to restrict it to.
        found: How it compares with the golden; None where there is none yet.
        everything: Whether pictures within the tolerances are taken, too, and those of which only the spec
            changed.
    """
    units = [unit for unit in run.plan.units if wanted is None or unit.path in wanted]
    if found is None:
        return units
    statuses = {unit.path: unit for unit in found.units}
    return [
        unit
        for unit in units
        if (result := statuses.get(unit.path)) is None
        or result.status not in UNTOUCHED
        or result.gate == "accepted"
        or (everything and (result.status == "close" or result.golden.key != result.run.key))
    ]


def gone_from(golden: Golden, run: RunFolder, wanted: frozenset[str] | None) -> list[Unit]:
    """Return the golden's units that the run's plan does not have."""
    asked = {unit.path for unit in run.plan.units}
    return [
        unit for unit in golden.units if unit.path not in asked and (wanted is None or unit.path in wanted)
    ]


def refuse_unfinished(run: RunFolder, units: Iterable[Unit]) -> None:
    """Raise UsageError, naming some, if units failed, are missing or are damaged."""
    reasons = []
    for unit in units:
        found = find(run, unit)
        if found.pending:
            reasons.append(f"{unit.path} is not rendered")
        elif found.problem:
            reasons.append(f"{unit.path}: {found.problem}")
    if reasons:
        lines = some_lines(reasons, "unit", MOST_NAMED)
        message = f"{run.path} is not whole, so nothing is accepted"
        raise UsageError("\n".join([*lines, message]), "render it again, or accept a part with --only")


def take(place: Path, golden: Golden | None, run: RunFolder, taken: Taken, about: About) -> Done:
    """Write pictures into a golden, and what is missing or damaged of its other files.

    Args:
        place: Its folder, whose lock is held.
        golden: What is there; None where nothing is.
        run: Where the pictures come from.
        taken: Which; with each unit all that it is optimised together with.
        about: Who accepts, when and why.

    Returns:
        What the golden is now.
    """
    lacks = tuple(golden.lacks) if golden else ()
    plan = golden_plan(golden.run.plan if golden else None, run.plan, taken.changed, taken.removed)
    with Staging(place) as staging:
        if not taken.is_nothing:
            _stage_taken(staging, golden, run, taken, about)
        _stage_sources(staging, run, plan)
        for name in lacks:
            _mend(staging, golden, run, plan, name)
        if not (place / GOLDEN).exists():
            staging.write(GOLDEN, write_tolerances(DEFAULTS))
        if not (place / ATTRIBUTES).exists():
            staging.write(ATTRIBUTES, ATTRIBUTES_TEXT.encode())
        staging.write(PLAN, plan.to_json().encode())
        staged = staging.names()
        mended = tuple(name for name in lacks if name in staged)
        known = _known_sums(golden)
        kept = {name: known[name] for name in lacks if name in known and name not in mended}
        staging.write(MANIFEST, _manifest(staging, plan, kept))
        what = f"{counted(len(taken.paths), 'unit')} by {about.who}, {about.when}: {about.why}"
        staging.put_in_place(_unknown_files(place, plan), what)
    return Done(plan, mended)


def spec_bytes(content: bytes) -> bytes:
    """Return a run's spec with what was set on the command line written into it.

    A golden's spec is rendered as it stands. One without ``--set`` stays as it is, byte by byte.
    """
    text = content.decode("utf-8", "replace")
    settings = overrides(text)
    if not settings:
        return content
    written = write_yaml(parse_document(text, SPEC, settings).data)
    return content if written is None else written.encode()


def _stage_taken(staging: Staging, golden: Golden | None, run: RunFolder, taken: Taken, about: About) -> None:
    steps = {
        **{unit.path: _step(golden, run, unit) for unit in taken.changed},
        **{unit.path: Step(_picture(golden, unit), None) for unit in taken.removed},
    }
    for unit in taken.changed:
        _stage_unit(staging, run, unit)
    not_in_old_runs = (*_named_fingerprints(run, taken.changed), MODEL)
    for name in (SPEC, *(name for name in not_in_old_runs if (run.path / name).exists())):
        _stage_file(staging, run, name)
    line = Acceptance(about.when, about.who, about.why, __version__, steps).to_json()
    staging.write(HISTORY, _with_line(_content(staging.place / HISTORY), line.encode()))


def _mend(staging: Staging, golden: Golden | None, run: RunFolder, plan: Plan, name: str) -> None:
    """Take a file of the golden's own from the run, if the run has just that file."""
    if name in staging.names():
        return
    if name == HISTORY:
        staging.write(name, b"")
    elif name in {SPEC, MODEL}:
        asked = {unit.path: unit.key for unit in run.plan.units}
        if (run.path / name).exists() and all(asked.get(unit.path) == unit.key for unit in plan.units):
            _stage_file(staging, run, name)
    elif sum_of(run.path / name) in _known_sums(golden).get(name, ()):
        _stage_file(staging, run, name)


def _known_sums(golden: Golden | None) -> Mapping[str, frozenset[str]]:
    return (golden.manifest if golden else None) or {}


def _manifest(staging: Staging, plan: Plan, kept: Mapping[str, frozenset[str]]) -> bytes:
    """Return the sums of all that a golden holds and that people do not edit.

    Args:
        staging: What it is to hold.
        plan: Its plan.
        kept: Sums of files that are not as they should be, which stay as they were.
    """
    names = {SPEC, PLAN, MODEL}
    names |= {f"{UNITS}/{unit.stem}.{end}" for unit in plan.units for end in ("json", "png")}
    names |= {f"{SOURCES}/{source.file}" for source in plan.sources}
    names |= {f"{FINGERPRINTS}/{path.name}" for path in (staging.place / FINGERPRINTS).glob("*.json")}
    names |= {name for name in staging.names() if name.startswith(f"{FINGERPRINTS}/")}
    sums = {name: {sum_of(staging.find(name))} for name in names if staging.find(name).exists()}
    lines = [
        f"{total}  {name}\n" for name, totals in sorted({**sums, **kept}.items()) for total in sorted(totals)
    ]
    return "".join(lines).encode()


def _with_line(before: bytes, line: bytes) -> bytes:
    end = b"" if before.endswith(b"\n") or not before else b"\n"  # as an editor may leave it
    return before + end + line


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


# ---- files


def _stage_unit(staging: Staging, run: RunFolder, unit: Unit) -> None:
    sidecar = run.sidecar(unit)
    assert sidecar is not None  # or it is refused
    staging.write(f"{UNITS}/{unit.stem}.png", run.png(unit).read_bytes())
    staging.write(f"{UNITS}/{unit.stem}.json", canonical_sidecar(sidecar))


def _stage_file(staging: Staging, run: RunFolder, name: str) -> None:
    """Take over a file that a run and a golden have by one name."""
    content = (run.path / name).read_bytes()
    staging.write(name, spec_bytes(content) if name == SPEC else content)


def canonical_sidecar(sidecar: Sidecar) -> bytes:
    """Return a sidecar without what differs from render to render of one picture."""
    data = dataclasses.asdict(sidecar)
    kept = {key: value for key, value in data.items() if key not in OF_THE_RENDER}
    return (json.dumps(kept, indent=1, allow_nan=False) + "\n").encode()


def _stage_sources(staging: Staging, run: RunFolder, plan: Plan) -> None:
    for source in plan.sources:
        name = f"{SOURCES}/{source.file}"
        if not (staging.place / name).exists():
            _stage_file(staging, run, name)


def _unknown_files(place: Path, plan: Plan) -> list[str]:
    """Return pictures and sources that the golden's plan does not have any more."""
    units, sources = {unit.stem for unit in plan.units}, {source.file for source in plan.sources}
    pictures = [
        path
        for path in (*(place / UNITS).glob("*/*"), *(place / UNITS).glob(f"*/{JOB_FOLDERS}/*"))
        if path.is_file() and path.with_suffix("").relative_to(place / UNITS).as_posix() not in units
    ]
    others = [path for path in (place / SOURCES).glob("*") if path.is_file() and path.name not in sources]
    return [path.relative_to(place).as_posix() for path in (*pictures, *others)]


def _named_fingerprints(run: RunFolder, units: Sequence[Unit]) -> set[str]:
    sidecars = (run.sidecar(unit) for unit in units)
    names = {sidecar.fingerprint for sidecar in sidecars if sidecar is not None and sidecar.fingerprint}
    return {f"{FINGERPRINTS}/{name}.json" for name in names}


# ---- history


def _step(golden: Golden | None, run: RunFolder, unit: Unit) -> Step:
    return Step(_picture(golden, unit), _as_picture(run.sidecar(unit)))


def _picture(golden: Golden | None, unit: Unit) -> Picture | None:
    """Return what a golden has of a unit, if it has something that can be read."""
    if golden is None:
        return None
    sidecar = read_sidecar(golden.run.json(unit))
    return _as_picture(sidecar) if isinstance(sidecar, Sidecar) else None


def _as_picture(sidecar: Sidecar | None) -> Picture | None:
    if sidecar is None or sidecar.pixel_sha256 is None:
        return None
    return Picture(sidecar.key, sidecar.pixel_sha256, sidecar.fingerprint)
