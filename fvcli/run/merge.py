"""Join the folders of shards into one run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError, UsageError
from fvcli.media.png import pixel_sha256, read_picture
from fvcli.plan import Unit
from fvcli.run.folder import PLAN, RUN_FACTS, SPEC, RunFolder
from fvcli.run.sidecar import FAILED, Sidecar


@contextlib.contextmanager
def merge_runs(sources: Sequence[Path], target: Path) -> Iterator[RunFolder]:
    """Copy every finished unit of runs of one plan into a new run, or into one of that plan; hold its lock.

    Raises:
        UsageError: The runs are of different plans, or have different pictures of the same unit;
            nothing was written.
    """
    runs = [RunFolder.read(path) for path in sources]
    if (target / PLAN).exists():
        runs.insert(0, RunFolder.read(target))
    text = runs[0].plan.to_json()
    for run in runs[1:]:
        if run.plan.to_json() != text:
            message = f"{run.path} is the run of another plan than {runs[0].path}"
            raise UsageError(message, "merge shards of one spec")
    chosen = {unit.path: _choose(unit, runs) for unit in runs[0].plan.units}
    copies = runs[0].sources
    with RunFolder.begin(target, runs[0].plan, _spec_text(runs[0].path), copies=copies) as merged:
        for unit in merged.plan.units:
            source, sidecar = chosen[unit.path] or (merged, None)
            if sidecar is not None and source.path != target:
                png = source.png(unit).read_bytes() if sidecar.status != FAILED else None
                names = [extra["name"] for extra in sidecar.extras]
                extras = {name: source.extra(unit, name).read_bytes() for name in names}
                merged.commit(unit, sidecar, png, extras)
        merged.write_facts({"merged_from": [_facts(run.path) for run in runs if run.path != target]})
        yield merged


def _spec_text(run: Path) -> str:
    try:
        return (run / SPEC).read_text()
    except OSError as error:
        raise UsageError(f"{run / SPEC}: {error.strerror}", "give a whole run folder") from error


def _facts(run: Path) -> Any:
    """Return what rendered a shard, or None where it does not say."""
    try:
        return json.loads((run / RUN_FACTS).read_text())
    except (OSError, ValueError):
        return None


def _choose(unit: Unit, runs: Sequence[RunFolder]) -> tuple[RunFolder, Sidecar] | None:
    """Take the first run that has the unit, a finished one before a failed one."""
    found = [(run, sidecar) for run in runs if (sidecar := run.sidecar(unit)) is not None]
    finished = [(run, sidecar) for run, sidecar in found if sidecar.status != FAILED]
    for run, sidecar in finished[1:]:
        if sidecar.pixel_sha256 != finished[0][1].pixel_sha256:
            raise UsageError(
                f"{unit.path} differs between {finished[0][0].path} and {run.path}",
                "they were rendered on different machines or versions; keep one of them",
            )
    for run, sidecar in finished[:1]:
        _check_pixels(unit, run, sidecar)
    return next(iter([*finished, *found]), None)


def _check_pixels(unit: Unit, run: RunFolder, sidecar: Sidecar) -> None:
    try:
        matches = pixel_sha256(read_picture(run.png(unit))) == sidecar.pixel_sha256
    except FvcliError:
        matches = False
    if not matches:
        raise UsageError(
            f"{run.png(unit)} is damaged: its pixels are not those of its sidecar",
            f"delete {run.json(unit)} and render the shard again",
        )
