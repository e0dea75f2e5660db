"""Take a run's pictures into a golden."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli import __version__
from fvcli.errors import UsageError, counted
from fvcli.golden.folder import ATTRIBUTES, GOLDEN, HISTORY, MANIFEST, Golden, sum_of, write_tolerances
from fvcli.golden.golden_plan import golden_plan
from fvcli.golden.history import Acceptance, Picture, Step
from fvcli.golden.results import Comparison
from fvcli.golden.tolerances import DEFAULTS
from fvcli.plan import Plan, Unit
from fvcli.run import RunFolder, Sidecar
from fvcli.run.atomic import write_atomic
from fvcli.run.fingerprint import copy_fingerprints
from fvcli.run.layout import FINGERPRINTS, MODEL, PLAN, SOURCES, SPEC, UNITS
from fvcli.run.sidecar import FAILED, read_sidecar

UNTOUCHED = {"match", "close"}  # noise rewrites nothing
MOST_NAMED = 5
# Line ends are part of what is hashed; lines of two branches are put together.
ATTRIBUTES_TEXT = f"* -text\n{MANIFEST} merge=union\n{HISTORY} merge=union\n*.png binary\n"
OF_THE_RENDER = ("seconds", "cpu_seconds", "batch", "attempt", "extras")  # differ where the picture does not


@dataclass(frozen=True)
class Taken:
    """What an acceptance changes.

    changed: Units whose pictures are taken over.
    removed: Units that the run's spec does not have any more.
    """

    changed: tuple[Unit, ...]
    removed: tuple[Unit, ...] = ()

    @property
    def is_nothing(self) -> bool:
        return not self.changed and not self.removed


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


def refuse_unfinished(run: RunFolder, units: Iterable[Unit], damage: Mapping[str, str]) -> None:
    """Raise UsageError, naming some, if units failed, are missing or are damaged."""
    reasons = []
    for unit in units:
        sidecar = run.sidecar(unit)
        if sidecar is None:
            reasons.append(f"{unit.path} is not rendered")
        elif sidecar.status == FAILED:
            reasons.append(f"{unit.path} failed: {sidecar.error}")
        elif unit.path in damage:
            reasons.append(f"{unit.path} is damaged: {damage[unit.path]}")
    if reasons:
        more = [f"and {counted(len(reasons) - MOST_NAMED, 'more unit')}"] if len(reasons) > MOST_NAMED else []
        message = "\n".join(
            [*reasons[:MOST_NAMED], *more, f"{run.path} is not whole, so nothing is accepted"]
        )
        raise UsageError(message, "render it again, or accept a part with --only")


def take(
    place: Path, golden: Golden | None, run: RunFolder, taken: Taken, about: tuple[str, str, str]
) -> None:
    """Write pictures into a golden.

    Args:
        place: Its folder.
        golden: What is there; None where nothing is.
        run: Where the pictures come from.
        taken: Which; with each unit all that it is optimised together with.
        about: When, who, why.
    """
    steps = {
        **{unit.path: _step(golden, run, unit) for unit in taken.changed},
        **{unit.path: Step(_picture(golden, unit), None) for unit in taken.removed},
    }
    plan = golden_plan(golden.run.plan if golden else None, run.plan, taken.changed, taken.removed)
    for unit in taken.changed:
        _copy_unit(place, run, unit)
    _copy_sources(place, golden, run, plan)
    copy_fingerprints(run.path, place, _named_fingerprints(run, taken.changed))
    write_atomic(place / SPEC, (run.path / SPEC).read_bytes())
    if (run.path / MODEL).exists():
        write_atomic(place / MODEL, (run.path / MODEL).read_bytes())
    if not (place / GOLDEN).exists():
        write_atomic(place / GOLDEN, write_tolerances(DEFAULTS))
    write_atomic(place / ATTRIBUTES, ATTRIBUTES_TEXT.encode())
    write_atomic(place / PLAN, plan.to_json().encode())
    _remove_units(place, plan)
    write_manifest(place, plan)
    when, who, why = about
    line = Acceptance(when, who, why, __version__, steps).to_json()
    history = place / HISTORY
    before = history.read_text(encoding="utf-8") if history.exists() else ""
    end = "" if before.endswith("\n") or not before else "\n"  # as an editor may leave it
    write_atomic(history, (before + end + line).encode())


def write_manifest(place: Path, plan: Plan) -> None:
    """Write the sums of all that a golden holds and that people do not edit."""
    names = [SPEC, PLAN, MODEL]
    names += [f"{UNITS}/{unit.path}.{end}" for unit in plan.units for end in ("json", "png")]
    names += [f"{SOURCES}/{source.file}" for source in plan.sources]
    names += [path.relative_to(place).as_posix() for path in (place / FINGERPRINTS).glob("*.json")]
    lines = [f"{sum_of(place / name)}  {name}\n" for name in sorted(names) if (place / name).exists()]
    write_atomic(place / MANIFEST, "".join(lines).encode())


# ---- units


def _copy_unit(place: Path, run: RunFolder, unit: Unit) -> None:
    sidecar = run.sidecar(unit)
    assert sidecar is not None  # or it is refused
    target = place / UNITS / unit.job / unit.name
    write_atomic(Path(f"{target}.png"), run.png(unit).read_bytes())
    write_atomic(Path(f"{target}.json"), canonical_sidecar(sidecar))


def canonical_sidecar(sidecar: Sidecar) -> bytes:
    """Return a sidecar without what differs from render to render of one picture."""
    data = dataclasses.asdict(sidecar)
    kept = {key: value for key, value in data.items() if key not in OF_THE_RENDER}
    return (json.dumps(kept, indent=1, allow_nan=False) + "\n").encode()


def _copy_sources(place: Path, golden: Golden | None, run: RunFolder, plan: Plan) -> None:
    for source in plan.sources:
        target = place / SOURCES / source.file
        if not target.exists():
            write_atomic(target, (run.sources / source.file).read_bytes())
    known = {source.file for source in plan.sources}
    if golden is not None:
        for path in (place / SOURCES).glob("*"):
            if path.name not in known:
                path.unlink()


def _remove_units(place: Path, plan: Plan) -> None:
    """Remove pictures that the golden's plan does not have any more."""
    known = {unit.path for unit in plan.units}
    for path in (place / UNITS).glob("*/*"):
        if f"{path.parent.name}/{path.stem}" not in known:
            path.unlink()
    for folder in (place / UNITS).glob("*"):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _named_fingerprints(run: RunFolder, units: Sequence[Unit]) -> set[str]:
    sidecars = (run.sidecar(unit) for unit in units)
    return {sidecar.fingerprint for sidecar in sidecars if sidecar is not None}


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
