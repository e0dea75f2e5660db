"""A comparison as the folders of other tools for pictures that change.

- reg-cli and reg-suit (github.com/reg-viz/reg-cli: ``JsonReport`` in crates/reg_core/src/report.rs, and "From
  JSON" in its README): ``actual/``, ``expected/`` and ``diff/`` hold pictures of the same name, and reg.json
  lists them. ``reg-cli -F reg.json -R index.html`` makes a page of it.
- Argos (github.com/argos-ci/argos-javascript: ``ScreenshotMetadata`` in packages/util/src/metadata.ts, and
  packages/core/src/upload.ts): ``argos upload FOLDER`` takes each ``name.png``, with what
  ``name.png.argos.json`` says of it.

Our verdict stands, whatever those tools would say of the pixels.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fvcli import __version__
from fvcli.errors import counted
from fvcli.golden.reports.export_names import export_names
from fvcli.golden.reports.export_pictures import Picture, as_png, difference, read_whole
from fvcli.golden.reports.places import refuse_places
from fvcli.golden.reports.printable import printable
from fvcli.golden.results import Comparison, Side, UnitResult
from fvcli.run.atomic import write_atomic

REG = "reg.json"
KINDS = ("actual", "expected", "diff")  # folders, and the beginnings of the keys of reg.json
ARGOS_SUFFIX = ".argos.json"
ARGOS_SCHEMA = "https://api.argos-ci.com/v2/screenshot-metadata.json"
WRITER = {"name": "fvcli", "version": __version__}
MOST_NAMED = 5


def export_reg(comparison: Comparison, folder: Path) -> tuple[str, ...]:
    """Write actual/, expected/, diff/ and reg.json, and remove what an earlier export left there.

    The pictures are copies, because ``reg-suit`` may write into them.

    Returns:
        What should be known, in sentences.

    Raises:
        UsageError: The folder is in a run or a golden, or is no folder.
        FvcliError: The folder cannot be written.
    """
    refuse_places([folder])
    _remove_files(_earlier_reg(folder))
    items: dict[str, list[str]] = {key: [] for key in ("failed", "new", "deleted", "passed", *KINDS)}
    lacking: list[str] = []
    for unit, name in _named(comparison):
        items[_reg_list(comparison, unit)].append(name)
        sides = {"actual": read_whole(unit.run.picture), "expected": read_whole(unit.golden.picture)}
        lacking += _lacking(unit.path, (unit.run, sides["actual"]), (unit.golden, sides["expected"]))
        for kind, content in _reg_files(sides["actual"], sides["expected"], comparison.passes(unit)):
            write_atomic(folder / kind / name, content)
            items[kind].append(name)
    lists = {f"{key}Items": sorted(names) for key, names in items.items()}
    data = {**lists, **{f"{kind}Dir": kind for kind in KINDS}}
    write_atomic(folder / REG, _json(data))
    return _left_out(lacking)


def export_argos(comparison: Comparison, folder: Path) -> tuple[str, ...]:
    """Write the pictures of the run with what is known of them, and remove what an earlier export left there.

    Argos has goldens of its own: the pictures of the commit that a branch came from.

    Returns:
        What should be known, in sentences.

    Raises:
        UsageError: The folder is in a run or a golden, or is no folder.
        FvcliError: The folder cannot be written.
    """
    refuse_places([folder])
    _remove_files(_earlier_argos(folder))
    lacking: list[str] = []
    for unit, name in _named(comparison):
        picture = read_whole(unit.run.picture)
        lacking += _lacking(unit.path, (unit.run, picture))
        if picture is not None:
            write_atomic(folder / f"{name}{ARGOS_SUFFIX}", _json(_argos_facts(unit, picture)))
            write_atomic(folder / name, picture.content)
    return _left_out(lacking)


def _named(comparison: Comparison) -> Iterator[tuple[UnitResult, str]]:
    names = export_names(unit.path for unit in comparison.units)
    yield from ((unit, f"{names[unit.path]}.png") for unit in comparison.units)


def _reg_list(comparison: Comparison, unit: UnitResult) -> str:
    """Return in which of reg-cli's four lists a unit is."""
    if unit.status == "new":
        return "new"
    if unit.status == "missing":
        return "deleted"
    return "passed" if comparison.passes(unit) else "failed"


def _reg_files(actual: Picture | None, expected: Picture | None, passes: bool) -> Iterator[tuple[str, bytes]]:
    if actual is not None:
        yield "actual", actual.content
    if expected is not None:
        yield "expected", expected.content
    if actual is not None and expected is not None and not passes:
        yield "diff", as_png(difference(expected.pixels, actual.pixels))


def _argos_facts(unit: UnitResult, picture: Picture) -> dict[str, Any]:
    """Return what Argos is told of a picture: what it shows, and what was found of it."""
    height, width = picture.pixels.shape[:2]
    found = {"type": unit.status, "description": printable(unit.why)}
    test = {
        "id": printable(unit.path),
        "title": printable(unit.label or unit.unit),
        "titlePath": [printable(part) for part in (unit.job, unit.layer, unit.unit) if part],
        "annotations": [found],
    }
    return {
        "$schema": ARGOS_SCHEMA,
        "viewport": {"width": width, "height": height},
        "tags": [unit.status],
        "test": test,
        "automationLibrary": WRITER,
        "sdk": WRITER,
    }


def _lacking(path: str, *sides: tuple[Side, Picture | None]) -> list[str]:
    """Return the unit's path for each of its pictures that is said to be there and cannot be read."""
    return [printable(path) for side, picture in sides if side.picture is not None and picture is None]


def _left_out(lacking: list[str]) -> tuple[str, ...]:
    if not lacking:
        return ()
    units = list(dict.fromkeys(lacking))
    more = f" and {len(units) - MOST_NAMED} more" if len(units) > MOST_NAMED else ""
    pictures = counted(len(lacking), "picture")
    return (f"{pictures} cannot be read and stay out of the export: {', '.join(units[:MOST_NAMED])}{more}",)


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode("ascii")


# ---- what is in the folder


def _earlier_reg(folder: Path) -> Iterator[Path]:
    """Yield the files that the reg.json of a folder lists, and none outside of it."""
    data = _read(folder / REG)
    for kind in KINDS:
        items = data.get(f"{kind}Items")
        names = [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
        places = [PurePosixPath(name) for name in names]
        yield from (folder / kind / at for at in places if ".." not in at.parts and not at.is_absolute())


def _earlier_argos(folder: Path) -> Iterator[Path]:
    """Yield the pictures below a folder whose facts we wrote, and these facts."""
    for facts in folder.rglob(f"*.png{ARGOS_SUFFIX}"):
        sdk = _read(facts).get("sdk")
        if isinstance(sdk, dict) and sdk.get("name") == WRITER["name"]:
            yield facts.with_name(facts.name.removesuffix(ARGOS_SUFFIX))
            yield facts


def _read(path: Path) -> dict[str, Any]:
    """Return what a JSON file says; nothing where it says nothing."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _remove_files(files: Iterator[Path]) -> None:
    for file in list(files):
        if file.suffix in {".png", ".json"}:
            with contextlib.suppress(OSError, ValueError):  # gone, or a name that no disk takes
                file.unlink()
