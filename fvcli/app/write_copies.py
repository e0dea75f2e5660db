"""Write what a spec's ``output`` wants beside pictures that were finished before it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fvcli.errors import counted
from fvcli.media.copies import SUFFIX, copy_of_png
from fvcli.plan import Unit
from fvcli.run import RunFolder, Sidecar
from fvcli.run.atomic import write_atomic
from fvcli.run.beside import copies_of, copy_name, kept_while_rendering, png_names
from fvcli.run.finished import Finished, finished_of
from fvcli.run.objects import read_bytes
from fvcli.spec.output import Output


def write_copies(run: RunFolder) -> list[str]:
    """Write the copies that finished pictures lack, and name them in their sidecars.

    Returns:
        What cannot be written without rendering again, or at all, in sentences.
    """
    output = run.plan.output
    if not (output.also or output.curve or output.array):
        return []
    found, lacking, too_large = finished_of(run.path), 0, 0
    for unit in run.plan.units:
        picture = found.get(unit.stem)
        if picture is None or picture.key != unit.key:
            continue
        kept = kept_while_rendering(output, run.plan.programs[unit.program])
        lacking += not {*kept} <= {*picture.extra_names}
        if output.also:
            too_large += not _write_copies_of(run, unit, picture, output)
    return [*_said_of(lacking, run.path), *_said_of_large(too_large, output)]


def _write_copies_of(run: RunFolder, unit: Unit, picture: Finished, output: Output) -> bool:
    """Write what copies a picture lacks, the sidecar last; tell whether it has all of them now."""
    sidecar = picture.sidecar
    if not isinstance(sidecar, Sidecar):  # of a newer fvcli
        return True
    known = {str(extra["name"]): extra for extra in sidecar.extras}
    added: dict[str, tuple[bytes, dict[str, Any]]] = {}
    for name in png_names(known):
        lacking = tuple(
            format_ for format_ in output.also if _lacks(known, copy_name(name, SUFFIX[format_]), output)
        )
        if lacking:
            wanted = output.model_copy(update={"also": lacking})
            added |= copies_of(name, read_bytes(run.extra(unit, name)), wanted)
    for name, (content, facts) in added.items():
        write_atomic(run.extra(unit, name), content)
        known[name] = {"name": name, "bytes": len(content), **facts}
    if added:
        told = replace(sidecar, extras=tuple(known.values()))
        write_atomic(run.json(unit), told.to_json().encode())
    return all(copy_name("png", SUFFIX[format_]) in known for format_ in output.also)


def _lacks(known: Mapping[str, Mapping[str, Any]], name: str, output: Output) -> bool:
    """Tell whether a copy is not there, or has another quality. A file of that name without one is a film."""
    return name not in known or known[name].get("quality", output.copy_quality) != output.copy_quality


def _said_of(lacking: int, run: Path) -> list[str]:
    if not lacking:
        return []
    pictures = counted(lacking, "finished picture")
    return [
        f"{pictures} in {run} lack the curve or array that output asks for, which are kept only while a "
        "picture is rendered; add --again to render them anew"
    ]


def _said_of_large(too_large: int, output: Output) -> list[str]:
    pictures = counted(too_large, "picture")
    return [f"{pictures} are too large for {' or '.join(output.also)}"] if too_large else []


def places_of_copies(sheets: Sequence[Path], output: Output) -> list[Path]:
    """Return where the copies of sheets are that are asked for."""
    return [
        sheet.with_name(copy_name(sheet.name, SUFFIX[format_])) for sheet in sheets for format_ in output.also
    ]


def copy_sheets(sheets: Sequence[Path], output: Output) -> list[Path]:
    """Write the copies of sheets that are asked for beside their PNG files; return where they are."""
    written = []
    for sheet in sheets:
        for format_ in output.also:
            content = copy_of_png(read_bytes(sheet), format_, output.copy_quality)
            if content is not None:
                written += places_of_copies([sheet], Output(also=(format_,)))
                write_atomic(written[-1], content)
    return written
