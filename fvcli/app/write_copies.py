"""Write the copies that ``output`` wants: of sheets, and of pictures that were finished before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fvcli.errors import counted
from fvcli.media.copies import MOST_PX, SUFFIX, copy_of_png, fits, size_of_png
from fvcli.plan import Unit
from fvcli.run import RunFolder, Sidecar
from fvcli.run.atomic import write_atomic
from fvcli.run.extras import copies_of, copy_name, png_names
from fvcli.run.finished import Finished, finished_of
from fvcli.run.objects import read_bytes
from fvcli.run.sidecar import is_copy
from fvcli.spec.output import CopyFormat, Output


def write_copies(run: RunFolder) -> list[str]:
    """Write the copies that finished pictures lack, and name them in their sidecars.

    Returns:
        What cannot be written, in sentences.
    """
    output = run.plan.output
    if not output.also:
        return []
    found, too_large = finished_of(run.path), 0
    for unit in run.plan.units:
        picture = found.get(unit.stem)
        if picture is not None and picture.key == unit.key:
            too_large += not _write_copies_of(run, unit, picture, output)
    return _said_of_large(too_large, output)


def _write_copies_of(run: RunFolder, unit: Unit, picture: Finished, output: Output) -> bool:
    """Write what copies a picture lacks, the sidecar last; tell whether it has all of them now."""
    sidecar = picture.sidecar
    if not isinstance(sidecar, Sidecar):  # of a newer fvcli
        return True
    known = {str(extra["name"]): extra for extra in sidecar.extras}
    added: dict[str, tuple[bytes, dict[str, Any]]] = {}
    for name in png_names(known):
        copies = {format_: copy_name(name, SUFFIX[format_]) for format_ in output.also}
        lacking = [
            format_
            for format_, copy in copies.items()
            if not _is_there(run.extra(unit, copy), known.get(copy), output.copy_quality)
        ]
        if lacking:
            wanted = output.model_copy(update={"also": tuple(lacking)})
            added |= copies_of(name, read_bytes(run.extra(unit, name)), wanted)
    for name, (content, facts) in added.items():
        write_atomic(run.extra(unit, name), content)
        known[name] = {"name": name, "bytes": len(content), **facts}
    if added:
        told = replace(sidecar, extras=tuple(known.values()))
        write_atomic(run.json(unit), told.to_json().encode())
    return all(copy_name("png", SUFFIX[format_]) in known for format_ in output.also)


def _is_there(file: Path, told: Mapping[str, Any] | None, quality: int) -> bool:
    """Tell whether a copy is as it should be, by what its sidecar says. What has no quality is a film."""
    if told is None:
        return False
    if not is_copy(told):
        return True
    return told["quality"] == quality and file.exists() and file.stat().st_size == told["bytes"]


def _said_of_large(too_large: int, output: Output, what: str = "picture") -> list[str]:
    if not too_large:
        return []
    limits = " or ".join(f"{format_} ({MOST_PX[format_]:,} px)" for format_ in output.also)
    return [f"no copy of {counted(too_large, what)}: larger than {limits} allows; the PNG is there"]


def copy_sheets(sheets: Sequence[Path], output: Output) -> tuple[list[Path], list[str]]:
    """Write the copies of sheets that are asked for beside their PNG files; say which cannot be written."""
    written, too_large = [], 0
    for sheet in sheets:
        for format_ in output.also:
            content = copy_of_png(read_bytes(sheet), format_, output.copy_quality)
            if content is None:
                too_large += 1
                continue
            written.append(_copy_of_sheet(sheet, format_))
            write_atomic(written[-1], content)
    return written, _said_of_large(too_large, output, "sheet")


def places_of_copies(sheets: Sequence[Path], output: Output) -> list[Path]:
    """Return where the copies of sheets are that are asked for and can be, of those sheets that are there."""
    sizes = {sheet: size_of_png(read_bytes(sheet)) for sheet in sheets if output.also and sheet.exists()}
    return [
        _copy_of_sheet(sheet, format_)
        for sheet, size_px in sizes.items()
        for format_ in output.also
        if fits(size_px, format_)
    ]


def _copy_of_sheet(sheet: Path, format_: CopyFormat) -> Path:
    return sheet.with_name(copy_name(sheet.name, SUFFIX[format_]))
